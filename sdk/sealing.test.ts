/** Sealing at the client without a network: who is a recipient, what is sealed, who is answered. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { outputKey } from "../crypto/derive-key.ts";
import { native } from "../crypto/primitives-native.ts";
import { resultTag } from "../crypto/result-tag.ts";
import { newContentKey, sealBody } from "../crypto/seal.ts";
import { createWrapper } from "../crypto/wrapper.ts";
import { seededRandom } from "../domain/chance.ts";
import type { JobHash } from "../domain/ids.ts";
import { jobHash } from "../domain/job/hash.ts";
import type { JobSpec } from "../domain/job/spec.ts";
import { recipientsMax } from "../domain/job/wraps.ts";
import { sha256 } from "./digest.ts";
import { CnctRefusal, CnctUnavailable } from "./errors.ts";
import { newIdentity } from "./identity/own-identity.ts";
import { openKeyWatch } from "./keys-awaited.ts";
import { openRecipients } from "./recipients.ts";
import type { KeysAwaitedBatch } from "./schema.types.ts";
import { openSealing, type Sealing } from "./sealing.ts";
import { buildSpec } from "./spec.ts";

const spec = { app: "ocr", engine: "", replicasMax: 4 } as JobSpec;
const isRefusal = (code: string) => (error: unknown) =>
  error instanceof CnctRefusal && error.code === code;

describe("the recipients of a sealed job", () => {
  const nodes = Array.from({ length: 20 }, (_, i) => ({
    encryptionKey: `key-${i}`,
    keyId: `id-${i}`,
    executionClass: i < 14 ? "native" : "wasm",
    arbiter: false,
  }));
  const open = (found: typeof nodes) => {
    const asked: unknown[] = [];
    const ask = async (_: string, variables: unknown) => {
      asked.push(variables);
      return { candidates: { nodes: found } } as never;
    };
    return { asked, recipients: openRecipients({ ask, random: seededRandom(5) }) };
  };

  test("are a few of one class, by chance, and asked for once in a while", async () => {
    const { asked, recipients } = open(nodes);
    const chosen = new Set<string>();
    for (let i = 0; i < 50; i++) {
      const keys = await recipients.choose(spec);
      assert.equal(new Set(keys).size, 6);
      for (const key of keys) chosen.add(key);
    }
    assert.deepEqual(asked, [{ app: "ocr", engine: "", count: recipientsMax - 1, assured: false }]);
    assert.deepEqual(
      [...chosen].sort(),
      nodes
        .slice(0, 14)
        .map((one) => one.encryptionKey)
        .sort(),
    );
  });

  test("are of any class where one has too few nodes, and may be none", async () => {
    const keys = await open(nodes.slice(12)).recipients.choose({ ...spec, replicasMax: 5 });
    assert.equal(keys.length, 7);
    assert.deepEqual(await open([]).recipients.choose(spec), []);
  });

  test("are all arbiters too where there is an assurance, beside others", async () => {
    const arbiters = nodes.slice(0, 3).map((node) => ({ ...node, arbiter: true }));
    const { asked, recipients } = open([...nodes.slice(3), ...arbiters]);
    const keys = await recipients.choose({ ...spec, assurance: "high" });
    assert.equal(keys.length, 9);
    for (const { encryptionKey } of arbiters) assert.ok(keys.includes(encryptionKey));
    assert.deepEqual(asked, [{ app: "ocr", engine: "", count: recipientsMax - 1, assured: true }]);
  });

  test("are others when more are needed, asked for anew", async () => {
    const { asked, recipients } = open(nodes);
    await recipients.choose(spec);
    const fresh = await recipients.beyond(
      spec,
      new Set(nodes.slice(0, 18).map((one) => one.keyId)),
    );
    assert.deepEqual(fresh, ["key-18", "key-19"]);
    assert.equal(asked.length, 2);
  });
});

describe("a request", () => {
  const own = newIdentity({}, native);
  const sealingOn = (access: string, gateway = "http://127.0.0.1:4000"): Sealing =>
    openSealing({
      gateway,
      identity: async () => own,
      ask: async () => ({ network: { access }, candidates: { nodes: [] } }) as never,
      download: async () => assert.fail("nothing is fetched"),
      random: seededRandom(1),
      primitives: native,
      sha256,
      keysKept: 1,
    });
  const bytes = new TextEncoder().encode("what nobody is to read");
  const ref = { digest: "d".repeat(64), size: 3 };

  test("that brings bytes is sealed before they are stored, and wrapped for its client", async () => {
    const sealing = sealingOn("IDENTITIES");
    const request = { app: "echo", inputs: { data: bytes }, client: own.account };
    const sealer = await sealing.sealerFor(request);
    assert.ok(sealer);
    const stored: Uint8Array[] = [];
    const upload = async (body: Uint8Array, mediaType: string) => {
      assert.equal(mediaType, "application/octet-stream");
      stored.push(body);
      return { digest: sha256(body), size: body.length };
    };
    const built = await buildSpec(request, { upload, seal: sealer.seal });
    assert.equal(built.sealed, true);
    assert.equal(Buffer.from(stored[0] ?? "").includes(Buffer.from(bytes)), false);
    await assert.rejects(sealing.wrapsFor([built]), isRefusal("content-key-unknown"));
    sealing.remember(built, sealer.contentKey);
    const { sealed: _, ...open } = built;
    const [wraps, none] = await sealing.wrapsFor([built, open]);
    assert.equal(wraps?.recipients.length, 1);
    assert.equal(none, null);

    // However many are prepared before they are submitted, no key is lost.
    sealing.remember({ ...built, nonce: "later" }, sealer.contentKey);
    assert.equal((await sealing.wrapsFor([built]))[0]?.recipients.length, 1);
  });

  test("is open if it says so, brings no bytes, or the gateway knows no identities", async () => {
    const sealing = sealingOn("IDENTITIES");
    for (const request of [
      { app: "echo", inputs: { data: bytes }, open: true },
      { app: "echo", inputs: { data: ref } },
      { app: "noop" },
    ])
      assert.equal(await sealing.sealerFor(request), undefined);
    const plain = sealingOn("OPEN");
    assert.equal(await plain.sealerFor({ app: "echo", inputs: { data: bytes } }), undefined);
  });

  test("is not sent in the open because a gateway elsewhere says that it knows no identities", async () => {
    const inputs = { data: bytes };
    for (const gateway of ["https://203.0.113.1:4000", "http://127.0.0.1.example:4000"]) {
      const sealing = sealingOn("OPEN", gateway);
      await assert.rejects(
        sealing.sealerFor({ app: "echo", inputs }),
        isRefusal("gateway-claims-open"),
      );
      assert.equal(await sealing.sealerFor({ app: "echo", inputs, open: true }), undefined);
    }
  });

  test("is refused if some of its inputs are stored in the open", () =>
    assert.rejects(
      sealingOn("IDENTITIES").sealerFor({ app: "onnx", inputs: { model: ref, x: bytes } }),
      isRefusal("input-not-sealed"),
    ));
});

describe("a job that waits for recipients", () => {
  const own = newIdentity({}, native);
  const node = newIdentity({ roles: ["worker"] }, native);

  test("is wrapped for nodes of the class of its results, if it has any", async () => {
    const wanted: unknown[] = [];
    const tasks = [
      { status: "EXPIRED", executionClass: "ort-web@1/a" },
      { status: "COMMITTED", executionClass: "ort-node@1/b" },
    ];
    const built = { ...spec, sealed: true, inputs: {} } as JobSpec;
    const awaiting = { status: "OPEN", awaitingKeys: true, recipients: [], spec: built };
    const sealing = (of: typeof tasks): Sealing =>
      openSealing({
        gateway: "http://127.0.0.1:4000",
        identity: async () => own,
        ask: async (query, variables) => {
          if (query.includes("Awaiting")) return { job: { ...awaiting, tasks: of } } as never;
          if (query.includes("WrapKeys"))
            return { wrapKeys: { __typename: "WrappedKeys" } } as never;
          wanted.push(variables["engine"]);
          const [encryptionKey] = node.encryptionKeys;
          return { candidates: { nodes: [{ encryptionKey, keyId: "a" }] } } as never;
        },
        download: async () => assert.fail("nothing is fetched"),
        random: seededRandom(1),
        primitives: native,
        sha256,
      });
    for (const some of [tasks, tasks.slice(0, 1)]) {
      const one = sealing(some);
      one.remember(built, newContentKey(native));
      assert.equal(await one.wrapForMore(jobHash(built, sha256)), "wrapped");
    }
    assert.deepEqual(wanted, ["ort-node@1/b", ""]);
  });
});

describe("the result of a job that another process submitted", () => {
  const own = newIdentity({}, native);
  const text = (words: string) => new TextEncoder().encode(words);
  const answer = text("what the nodes agreed on");
  /** A gateway that shows this wrap to whoever asks, over the stored input of the job. */
  const reading = async (show: (hash: JobHash, contentKey: Uint8Array) => Uint8Array) => {
    const contentKey = newContentKey(native);
    const bodies = new Map<string, Uint8Array>();
    const spec = await buildSpec(
      { app: "echo", inputs: { data: text("asked") }, client: own.account },
      {
        upload: async (body) => {
          bodies.set(sha256(body), body);
          return { digest: sha256(body), size: body.length };
        },
        seal: (plaintext) => sealBody(native, { contentKey, plaintext }),
      },
    );
    const hash = jobHash(spec, sha256);
    const shown = show(hash, contentKey);
    const recipients = own.encryptionKeys;
    const wrapped = createWrapper(native).wrap({ contentKey: shown, jobHash: hash, recipients });
    const [wrap] = wrapped.ok ? wrapped.wraps.recipients : [];
    const sealing = openSealing({
      gateway: "http://127.0.0.1:4000",
      identity: async () => own,
      ask: async () => ({ job: { spec, recipients: [wrap?.keyId], wrap } }) as never,
      download: async (digest) => bodies.get(digest) ?? assert.fail("another input"),
      random: seededRandom(1),
      primitives: native,
      sha256,
    });
    const task = { jobHash: hash, replica: 0, attempt: 1 };
    const key = outputKey(native, { contentKey: shown, task });
    const body = sealBody(native, { contentKey: key, plaintext: answer });
    const tag = resultTag(native, { contentKey: shown, jobHash: hash, output: answer });
    return sealing.openOutput(hash, {
      ...{ body, digest: sha256(body) },
      sealed: { replica: 0, attempt: 1, resultTag: tag },
    });
  };

  test("is opened with the key file alone", async () =>
    assert.deepEqual(await reading((_, contentKey) => contentKey), answer));

  test("is refused if the key is not the one that sealed the inputs, all else fitting", () =>
    assert.rejects(
      reading(() => newContentKey(native)),
      isRefusal("wrap-forged"),
    ));
});

describe("whoever waits for sealed jobs", () => {
  /** A watch whose gateway is a list of answers, and batches that the test says. */
  const open = (answers: ("wrapped" | "nobody" | "not-awaited" | Error)[]) => {
    const served: string[] = [];
    const waiting: ((batch: KeysAwaitedBatch) => void)[] = [];
    const batches: KeysAwaitedBatch[] = [];
    const listens: string[] = [];
    const watch = openKeyWatch({
      listen: async function* (after, signal) {
        listens.push(after);
        while (!signal.aborted) {
          const batch =
            batches.shift() ??
            (await new Promise<KeysAwaitedBatch | undefined>((resolve) => {
              waiting.push(resolve);
              signal.addEventListener("abort", () => resolve(undefined));
            }));
          if (batch) yield batch;
        }
      },
      position: async () => "100",
      wrapForMore: async (hash, asked) => {
        served.push(`${hash} ${asked ?? "now"}`);
        const answer = answers.shift() ?? "wrapped";
        if (answer instanceof Error) throw answer;
        return answer;
      },
      sleep: () => sleep(5),
    });
    const say = (hash: string, position: string) => {
      const batch = { position, jobs: [{ hash, position }] };
      const next = waiting.shift();
      if (next) next(batch);
      else batches.push(batch);
    };
    const until = async (count: number) => {
      for (let i = 0; i < 1_000 && served.length < count; i++) await sleep(5);
      return served;
    };
    return { watch, say, until, listens };
  };

  test("wraps when it is asked, again when nobody is there yet, and when it is asked again", async () => {
    const { watch, say, until, listens } = open([
      "nobody",
      new CnctUnavailable("unreachable", ""),
      "wrapped",
    ]);
    const { stop } = watch.watch("job", "10");
    say("job", "11");
    assert.deepEqual(await until(3), ["job 11", "job 11", "job 11"]);
    say("job", "12");
    assert.deepEqual((await until(4)).slice(3), ["job 12"]);
    assert.deepEqual(listens, ["10"]);
    stop();
    watch.close();
  });

  test("answers what was asked before it waited, and looks where that cannot be known", async () => {
    const { watch, say, until } = open(["not-awaited"]);
    watch.watch("first", "10");
    say("second", "11");
    await sleep(20);
    assert.deepEqual(await until(0), [], "nobody waits for it yet");
    watch.watch("second", "10");
    assert.deepEqual(await until(1), ["second 11"]);
    watch.watch("third", "12");
    await sleep(20);
    assert.equal((await until(1)).length, 1, "all since then is heard");
    watch.watch("fourth", "9");
    assert.deepEqual((await until(2)).slice(1), ["fourth now"]);
    watch.watch("fifth", undefined);
    assert.deepEqual((await until(3)).slice(2), ["fifth now"]);
    watch.close();
  });

  test("hears why nothing more can be done", async () => {
    const { watch, say } = open([new CnctRefusal("content-key-unknown", "")]);
    const { failed } = watch.watch("job", "10");
    say("job", "11");
    await assert.rejects(failed, isRefusal("content-key-unknown"));
    watch.close();
  });
});
