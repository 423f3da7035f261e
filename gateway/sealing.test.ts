/** Sealed jobs at the gateway: candidates, wraps that come with a job or later, and who asks for more. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { createClient } from "graphql-ws";
import { native } from "../crypto/primitives-native.ts";
import { newContentKey } from "../crypto/seal.ts";
import { createWrapper } from "../crypto/wrapper.ts";
import { encryptionKeyId } from "../domain/identity/keys.ts";
import { jobHash as hashOf } from "../domain/job/hash.ts";
import type { JobSpec } from "../domain/job/spec.ts";
import { recipientsMax, type Wraps } from "../domain/job/wraps.ts";
import { policyDefaults } from "../domain/policy/policy.ts";
import { identityStream, jobStream, nodeStream } from "../streams/names.ts";
import { candidatesFor } from "./candidates.ts";
import { newPerson, type Person } from "./testing/identity-client.ts";
import { noopSpec, openTestNetwork, type TestNetwork } from "./testing/test-network.ts";

let network: TestNetwork;
let input: { readonly digest: string; readonly size: number };
const ada = newPerson();
before(async () => {
  network = await openTestNetwork();
  input = await network.blobs.put(new TextEncoder().encode("sealed, say"), "text/plain");
});
after(() => network.close());

const sealedSpec = (nonce: string): JobSpec =>
  noopSpec(nonce, { app: "echo", inputs: { data: { ...input } }, sealed: true });
const keyOf = ({ record }: Person): string => record.encryptionKeys[0] ?? "";
const wrapsFor = (jobHash: string, ...people: readonly Person[]): Wraps => {
  const contentKey = newContentKey(native);
  const recipients = people.map(keyOf);
  const wrapped = createWrapper(native).wrap({ contentKey, jobHash, recipients });
  assert.ok(wrapped.ok);
  return wrapped.wraps;
};

const submit = async (specs: readonly object[], wraps?: readonly unknown[]) =>
  (
    await network.ask(
      `mutation ($specs: [JobSpecJson!]!, $wraps: [WrapsJson]) {
        submitJobs(specs: $specs, wraps: $wraps) { __typename
          ... on SubmittedJobs { hashes refusals { index code } position }
          ... on Refusal { code } } }`,
      { specs, wraps },
    )
  ).data.submitJobs;
const wrapKeys = async (hash: string, wraps: unknown) =>
  (
    await network.ask(
      `mutation ($hash: Digest!, $wraps: WrapsJson!) { wrapKeys(hash: $hash, wraps: $wraps) {
        ... on WrappedKeys { hash position } ... on Refusal { code message } } }`,
      { hash, wraps },
    )
  ).data.wrapKeys;
const typesIn = async (hash: string) => {
  const types: string[] = [];
  for await (const { type } of network.store.readStream(jobStream(hash), "start")) types.push(type);
  return types;
};

describe("a sealed job", () => {
  test("is submitted with its wraps in one append, and shows each recipient its own", async () => {
    const spec = sealedSpec("one");
    const hash = hashOf(spec);
    const wraps = wrapsFor(hash, ada, newPerson());
    const { hashes, position } = await submit([noopSpec("open"), spec], [null, wraps]);
    assert.equal(hashes[1], hash);
    assert.deepEqual(await typesIn(hash), ["JobSubmitted", "KeysWrapped"]);
    const { data } = await network.ask(
      `query ($hash: Digest!, $own: Digest!, $none: Digest!, $p: Position) {
        job(hash: $hash, atLeast: $p) { sealed awaitingKeys recipients
          own: wrap(keyId: $own) { keyId enc seq wrapped } none: wrap(keyId: $none) { keyId } } }`,
      { hash, own: encryptionKeyId(keyOf(ada)), none: "0".repeat(64), p: position },
    );
    assert.deepEqual(data.job, {
      sealed: true,
      awaitingKeys: false,
      recipients: wraps.recipients.map(({ keyId }) => keyId),
      own: wraps.recipients[0],
      none: null,
    });
  });

  test("is submitted by typed fields as well", async () => {
    const spec = { ...sealedSpec("typed"), wallMs: 60_000 };
    const wraps = wrapsFor(hashOf(spec), ada);
    const { data } = await network.ask(
      `mutation ($input: SubmitJobInput!, $wraps: WrapsJson) { submitJob(input: $input, wraps: $wraps) {
        ... on SubmittedJob { hash } ... on Refusal { code message } } }`,
      {
        input: {
          ...{ client: spec.client, app: "echo", nonce: "typed", price: "100", sealed: true },
          inputs: [{ name: "data", ...input }],
        },
        wraps,
      },
    );
    assert.equal(data.submitJob.hash, hashOf(spec));
  });

  test("is refused with wraps that are not its own, too many, or none at all", async () => {
    const spec = sealedSpec("refused");
    const good = wrapsFor(hashOf(spec), ada);
    const many = Array.from({ length: recipientsMax + 1 }, () => good.recipients[0]);
    const cases: readonly (readonly [string, object, unknown])[] = [
      ["wraps-of-another-job", spec, wrapsFor(hashOf(sealedSpec("other")), ada)],
      ["wraps-malformed", spec, { ...good, more: 1 }],
      ["wraps-malformed", spec, { ...good, recipients: [] }],
      ["wraps-malformed", spec, "wraps"],
      ["too-many-recipients", spec, { ...good, recipients: many }],
      ["not-sealed", noopSpec("wrapped"), wrapsFor(hashOf(noopSpec("wrapped")), ada)],
      ["nothing-to-seal", { ...noopSpec("x"), sealed: true }, null],
    ];
    for (const [code, one, wraps] of cases) {
      const answer = await submit([one], [wraps]);
      assert.deepEqual(answer.refusals, [{ index: 0, code }], JSON.stringify(wraps));
    }
    assert.equal((await submit([spec], [])).code, "wraps-differ-in-number");
    assert.deepEqual(await typesIn(hashOf(spec)), []);
  });
});

describe("wrapKeys", () => {
  test("adds recipients while the job is open", async () => {
    const spec = sealedSpec("more");
    const hash = hashOf(spec);
    await submit([spec], [wrapsFor(hash, ada)]);
    const more = wrapsFor(hash, newPerson());
    const first = await wrapKeys(hash, more);
    assert.equal(first.hash, hash);
    assert.deepEqual(await wrapKeys(hash, more), first, "said twice it has the effect of one");
    assert.deepEqual(await typesIn(hash), ["JobSubmitted", "KeysWrapped", "KeysWrapped"]);
    assert.equal((await wrapKeys(hash, { ...more, version: 2 })).code, "wraps-malformed");
    const cancel = `mutation ($input: CancelJobInput!) { cancelJob(input: $input) { __typename } }`;
    await network.ask(cancel, { input: { hash, client: spec.client } });
    assert.equal((await wrapKeys(hash, wrapsFor(hash, newPerson()))).code, "job-ended");
  });

  test("says no for jobs that are open, unknown, or another one", async () => {
    const open = noopSpec("no wraps");
    await submit([open]);
    assert.equal((await wrapKeys(hashOf(open), wrapsFor(hashOf(open), ada))).code, "not-sealed");
    const none = "9".repeat(64);
    assert.equal((await wrapKeys(none, wrapsFor(none, ada))).code, "job-unknown");
    assert.equal(
      (await wrapKeys(none, wrapsFor("8".repeat(64), ada))).code,
      "wraps-of-another-job",
    );
  });
});

test("a client hears of its jobs that wait for keys, and of nobody else's", async () => {
  const [own, other] = [sealedSpec("own"), { ...sealedSpec("other's"), client: "client:bob" }];
  const { position } = await submit([own, other]);
  const socket = createClient({ url: `${network.url.replace("http", "ws")}/graphql` });
  const heard: unknown[] = [];
  const query = `subscription ($c: AccountId!, $after: Position) {
    keysAwaited(client: $c, after: $after) { position jobs { hash } } }`;
  const variables = { c: own.client, after: position };
  const listening = (async () => {
    for await (const { data } of socket.iterate<{ keysAwaited: { jobs: object[] } }>({
      query,
      variables,
    })) {
      heard.push(...(data?.keysAwaited.jobs ?? []));
      if (heard.length > 0) return;
    }
  })();
  const says = (hash: string) =>
    network.write(jobStream(hash), { type: "KeysAwaited", jobHash: hash, at: Date.now() });
  await says(hashOf(other));
  const at = await says(hashOf(own));
  await listening;
  await socket.dispose();
  assert.deepEqual(heard, [{ hash: hashOf(own) }]);
  const { data } = await network.ask(
    "query ($h: Digest!, $p: Position) { job(hash: $h, atLeast: $p) { awaitingKeys } }",
    { h: hashOf(own), p: at },
  );
  assert.equal(data.job.awaitingKeys, true);
});

describe("candidates", () => {
  const people = Array.from({ length: 6 }, () => newPerson({ roles: ["worker"], natsKey: "U" }));
  const nodes = people.map((_, i) => `node-${i}`);
  const [native1, web] = ["ort-node@1/cpu/x64-avx2/1t/all", "ort-web@1/wasm/any/1t/all"];
  let position: string;

  const register = async (nodeId: string, owner: string, executionClass: string, app = "ocr") => {
    const size = { slots: 1, backlog: 0, cpus: 1, memoryMb: 1 };
    const apps = [{ app, executionClass }];
    const capabilities = { apps, ...size, platform: "linux-x64", version: "1" };
    const event = { type: "NodeRegistered", nodeId, owner, capabilities, at: Date.now() } as const;
    position = await network.write(nodeStream(nodeId), event);
    network.live.set(nodeId, { held: 0, lastSeen: Date.now() });
  };
  const identify = ({ id, record }: Person) =>
    network.write(identityStream(id), {
      type: "IdentityRegistered",
      id,
      record,
      signature: "",
      at: Date.now(),
    });
  const ask = async (variables: object) => {
    const { data, errors } = await network.ask(
      `query ($app: String!, $engine: String!, $count: Int!, $assured: Boolean!, $p: Position) {
        candidates(app: $app, engine: $engine, count: $count, assured: $assured, atLeast: $p) {
          nodes { nodeId owner encryptionKey keyId executionClass arbiter } } }`,
      { app: "ocr", engine: "", count: 8, assured: false, p: position, ...variables },
    );
    return errors ? errors[0]?.extensions.code : data.candidates.nodes;
  };

  before(async () => {
    for (const person of people) await identify(person);
    for (const [i, nodeId] of nodes.entries())
      await register(nodeId, people[i]?.id ?? "", i < 4 ? native1 : web);
    await register("second", people[0]?.id ?? "", native1); // Of an owner who has one already.
    await register("plain", "bob", native1);
    await register("stranger", newPerson().id, native1);
    await register("asleep", people[0]?.id ?? "", native1);
    network.live.set("asleep", { held: 0, lastSeen: Date.now() - 60_000 });
    await register("faces-only", people[0]?.id ?? "", native1, "faces");
  });

  test("are live nodes for the app whose owners have keys, each key once", async () => {
    const found = await ask({ count: 32 });
    const keys = found.map(({ encryptionKey }: { encryptionKey: string }) => encryptionKey);
    assert.deepEqual(keys.toSorted(), people.map(keyOf).sort());
    for (const { nodeId, owner, encryptionKey, keyId } of found) {
      assert.ok([...nodes, "second"].includes(nodeId), nodeId);
      const person = people.find(({ id }) => id === owner);
      assert.ok(person && encryptionKey === keyOf(person));
      assert.equal(keyId, encryptionKeyId(encryptionKey));
    }
  });

  test("are of one class as far as it has so many, and of the engine that is wanted", async () => {
    for (let i = 0; i < 10; i++) {
      const classes = (await ask({ count: 2 })).map(
        (one: { executionClass: string }) => one.executionClass,
      );
      assert.equal(new Set(classes).size, 1);
    }
    const webs = await ask({ engine: "ort-web", count: 5 });
    assert.deepEqual(webs.map(({ nodeId }: { nodeId: string }) => nodeId).sort(), [
      "node-4",
      "node-5",
    ]);
    assert.deepEqual(await ask({ app: "onnx" }), []);
    for (const count of [0, 33]) assert.equal(await ask({ count }), "BAD_USER_INPUT");
  });

  test("are drawn by chance", async () => {
    const first = new Set<string>();
    for (let i = 0; i < 40; i++) first.add((await ask({ count: 1 }))[0].nodeId);
    assert.ok(first.size > 2, `${[...first]}`);
  });

  test("with an assurance are arbiters too, who are none otherwise", async () => {
    const judge = newPerson({ roles: ["worker"], natsKey: "U" });
    await identify(judge);
    await register("arbiter-1", judge.id, web);
    const { verification } = policyDefaults;
    const arbiters = [judge.id, "somebody-else"];
    const policy = { ...policyDefaults, version: 2, verification: { ...verification, arbiters } };
    await network.write("policy", { type: "PolicyAdopted", policy, at: Date.now() });
    const deadline = Date.now() + 10_000;
    const isArbiter = ({ nodeId }: { nodeId: string }) => nodeId === "arbiter-1";
    while ((await ask({ count: 32 })).some(isArbiter)) assert.ok(Date.now() < deadline);
    const found = await ask({ count: 3, assured: true });
    assert.deepEqual(
      found.map(({ arbiter }: { arbiter: boolean }) => arbiter),
      [false, false, true],
    );
    assert.ok(isArbiter(found[2]));
    const classes = found.map((one: { executionClass: string }) => one.executionClass);
    assert.deepEqual(classes, [web, web, web]);
  });

  test("are none of an identity that was revoked", async () => {
    const [gone] = people;
    assert.ok(gone);
    const why = { id: gone.id, sequence: 1, reason: "retired", signedBy: "" } as const;
    await network.write(identityStream(gone.id), {
      type: "IdentityRevoked",
      ...why,
      signature: "",
      at: Date.now(),
    });
    const deadline = Date.now() + 10_000;
    while ((await ask({ count: 32 })).length === people.length) assert.ok(Date.now() < deadline);
    assert.equal((await ask({ count: 32 })).length, people.length - 1);
  });

  test("of many thousand nodes cost a look at some of them only", async () => {
    let looks = 0;
    const live = new Map(
      Array.from({ length: 5_000 }, (_, i) => [`n-${i}`, { held: 0, lastSeen: 1 }]),
    );
    const views = { node: () => void looks++, policy: () => policyDefaults };
    const gateway = { live: () => live, clock: { now: () => 1 }, limits: { idleLiveMs: 9 } };
    const all = { ...gateway, projections: { views } } as unknown as Parameters<
      typeof candidatesFor
    >[0];
    assert.deepEqual(await candidatesFor(all, { app: "ocr", engine: "", count: 8 }), []);
    assert.equal(looks, 1_000);
  });
});
