/** Identities at a real gateway: they register, log in, act, change and end. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { native } from "../../crypto/primitives-native.ts";
import { newEncryptionPair, newSigningPair, signText } from "../../crypto/signatures.ts";
import { nextRootKeyHash } from "../../domain/identity/inception.ts";
import { additionText, registrationText, rotationText } from "../../domain/identity/statements.ts";
import {
  askAs,
  askGraphql,
  authorized,
  login,
  newPerson,
  nodeRegistration,
  type Person,
  register,
  revoke,
  statementOf,
  submission,
} from "../testing/identity-client.ts";
import { openTestNetwork, type TestNetwork } from "../testing/test-network.ts";

let network: TestNetwork;
let keyDirectory: string;
before(async () => {
  keyDirectory = await mkdtemp(join(tmpdir(), "cnct-access-"));
  network = await openTestNetwork({ access: "identities", keyDirectory });
});
after(async () => {
  await network.close();
  await rm(keyDirectory, { recursive: true, force: true });
});

const act = (person: Person, token: string, query: string, variables: object) =>
  askAs(network.url, person, token, query, variables);

const ada = newPerson();
describe("an identity", () => {
  test("registers, and its record says who it is", async () => {
    const { position, ...answer } = await register(network.url, ada);
    assert.deepEqual(answer, { __typename: "RegisteredIdentity", id: ada.id });
    const again = await register(network.url, ada);
    assert.equal(again.position, position);
    const { data } = await network.ask(
      `query ($id: CnctId!, $p: Position) { identity(id: $id, atLeast: $p) {
        id status roles account rootKey encryptionKeys { key } sequence history { type data } } }`,
      { id: ada.id, p: position },
    );
    assert.equal(data.identity.account, ada.account);
    assert.equal(data.identity.status, "ACTIVE");
    assert.deepEqual(data.identity.roles, ["client"]);
    assert.deepEqual(data.identity.history[0].data.record, ada.record);
  });

  test("logs in, and acts in its own name alone", async () => {
    const token = await login(network.url, ada, ["jobs:submit"]);
    const own = await act(ada, token, submission, { client: ada.account, nonce: "1" });
    assert.equal(own.body.data.submitJob.__typename, "SubmittedJob", JSON.stringify(own.body));
    const other = await act(ada, token, submission, { client: "client:bob", nonce: "1" });
    assert.equal(other.body.data.submitJob.code, "not-your-account");
  });

  test("may store bytes with the scope for it, and not without", async () => {
    const bytes = "hello";
    const path = `/blobs/${createHash("sha256").update(bytes).digest("hex")}`;
    const put = async (scope: string) => {
      const token = await login(network.url, ada, [scope]);
      const headers = await authorized(network.url, ada, token, { method: "PUT", path });
      return fetch(network.url + path, { method: "PUT", body: bytes, headers });
    };
    assert.equal((await put("jobs:submit")).status, 403);
    assert.equal((await fetch(network.url + path)).status, 404);
    assert.equal((await put("blobs:write")).status, 201);
    assert.equal(await (await fetch(network.url + path)).text(), bytes);
    const anonymous = await fetch(network.url + path, { method: "PUT", body: bytes });
    assert.equal(anonymous.status, 401);
    assert.equal(((await anonymous.json()) as { code: string }).code, "login-needed");
  });

  test("owns the nodes that it registers", async () => {
    const token = await login(network.url, ada, ["nodes:register"]);
    const { body } = await act(ada, token, nodeRegistration, { id: "adas-node" });
    const { data } = await network.ask(
      `query ($p: Position) { node(id: "adas-node", atLeast: $p) { owner identity { id } } }`,
      { p: body.data.registerNode.position },
    );
    assert.deepEqual(data.node, { owner: ada.id, identity: { id: ada.id } });
  });

  test("goes on under a new root key, and the old one is worth nothing", async () => {
    const eve = newPerson();
    await register(network.url, eve);
    const old = await login(network.url, eve, ["jobs:submit"]);
    const third = newSigningPair(native);
    const rotation = {
      id: eve.id,
      sequence: 1,
      rootKey: eve.next.publicKey,
      nextRootKeyHash: nextRootKeyHash(third.publicKey),
    };
    const signature = signText(native, { text: rotationText(rotation), secret: eve.next.secret });
    const variables = { statement: { type: "RootKeyRotated", ...rotation }, signature };
    const stated = await askGraphql(network.url, { query: statementOf, variables });
    assert.equal(stated.body.data.stateIdentity.sequence, 1, JSON.stringify(stated.body));
    const late = await act(eve, old, submission, { client: eve.account, nonce: "late" });
    assert.equal(late.status, 401);
    assert.equal(late.body.code, "token-expired");
    assert.equal(await login(network.url, eve, ["jobs:submit"]).catch(() => undefined), undefined);
    const { next } = eve;
    const renewed: Person = {
      ...eve,
      sign: (text) => signText(native, { text, secret: next.secret }),
    };
    assert.ok(await login(network.url, renewed, ["jobs:submit"]));
  });

  test("changes its encryption keys, each statement once", async () => {
    const key = newEncryptionPair(native).publicKey;
    const addition = { id: ada.id, sequence: 1, key };
    const variables = {
      statement: { type: "EncryptionKeyAdded", ...addition },
      signature: ada.sign(additionText(addition)),
    };
    const first = await askGraphql(network.url, { query: statementOf, variables });
    const second = await askGraphql(network.url, { query: statementOf, variables });
    assert.deepEqual(second.body, first.body);
    const { data } = await network.ask(
      `query ($id: CnctId!) { identity(id: $id) { sequence encryptionKeys { key } } }`,
      { id: ada.id },
    );
    assert.deepEqual(
      data.identity.encryptionKeys.map((one: { key: string }) => one.key),
      [...ada.record.encryptionKeys, key],
    );
  });

  test("is over at once when it is revoked", async () => {
    const bob = newPerson();
    await register(network.url, bob);
    const token = await login(network.url, bob, ["jobs:submit"]);
    await revoke(network.url, bob);
    const { status, body } = await act(bob, token, submission, { client: bob.account, nonce: "x" });
    assert.equal(status, 401);
    assert.equal(body.code, "identity-revoked");
    const again = await register(network.url, bob);
    assert.equal(again.code, "identity-revoked");
  });
});

test("the keys that sign tokens are for their owner's eyes alone", async () => {
  const { mode } = await stat(join(keyDirectory, "token-keys.json"));
  assert.equal(mode & 0o777, 0o600);
});

test("an open gateway lets everybody act, and takes identities all the same", async () => {
  const open = await openTestNetwork();
  try {
    const person = newPerson();
    assert.equal((await register(open.url, person)).id, person.id);
    const { data } = await open.ask("{ network { access } }");
    assert.equal(data.network.access, "OPEN");
    const { body } = await askGraphql(open.url, {
      query: submission,
      variables: { client: "client:anybody", nonce: "" },
    });
    assert.equal(body.data.submitJob.__typename, "SubmittedJob");
  } finally {
    await open.close();
  }
});

test("a registration needs the signature of the record's key", async () => {
  const [carol, dave] = [newPerson(), newPerson()];
  const forged = { ...carol, sign: () => dave.sign(registrationText(carol.record)) };
  assert.equal((await register(network.url, forged)).code, "signature-wrong");
});
