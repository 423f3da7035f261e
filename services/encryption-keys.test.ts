import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { encryptionKeyId } from "../domain/identity/keys.ts";
import type { AnyEvent } from "../streams/codec.ts";
import { identityStream, nodeStream } from "../streams/names.ts";
import { noon } from "../testing/given.ts";
import { createEncryptionKeys } from "./encryption-keys.ts";

const [ada, bob] = ["a", "b"].map((letter) => `cnct:${letter.repeat(52)}`) as [string, string];
const keys = ["01", "02", "03"].map((byte) => byte.repeat(32)) as [string, string, string];
const [first, second, third] = keys.map((key) => encryptionKeyId(key)) as [string, string, string];
const signature = "00".repeat(64);

const bookWith = (...events: readonly AnyEvent[]) => {
  const book = createEncryptionKeys();
  const hear = (event: AnyEvent): void => {
    const stream =
      "nodeId" in event ? nodeStream(event.nodeId) : identityStream("id" in event ? event.id : "");
    book.hear({ event, id: "", stream, revision: 0n, position: 0n });
  };
  for (const event of events) hear(event);
  return { ...book, hear };
};
const registered = (id: string, key: string, role: "worker" | "client" = "worker"): AnyEvent => ({
  type: "IdentityRegistered",
  id,
  record: {
    version: 1,
    rootKey: key,
    nextRootKeyHash: key,
    encryptionKeys: [key],
    roles: [role],
    nonce: "",
  },
  signature,
  at: noon,
});
const said = { sequence: 1, signature, at: noon };
const node = (nodeId: string, owner: string): AnyEvent => ({
  type: "NodeRegistered",
  nodeId,
  owner,
  capabilities: {} as never,
  at: noon,
});

describe("the encryption keys of nodes", () => {
  test("say which nodes can open what is wrapped for one", () => {
    const nodes = [node("n-1", ada), node("n-2", ada), node("n-3", bob), node("n-4", "nobody")];
    const book = bookWith(registered(ada, keys[0]), registered(bob, keys[1]), ...nodes);
    assert.deepEqual([...book.nodesWith(first)], ["n-1", "n-2"]);
    assert.deepEqual([...book.nodesWith(second)], ["n-3"]);
    assert.deepEqual([...book.nodesWith(third)], []);
    assert.deepEqual(book.encryptionKeysOf("n-1"), [first]);
    assert.deepEqual(book.encryptionKeysOf("n-4"), []);
    assert.deepEqual(book.encryptionKeysOf("n-5"), []);
  });

  test("are those in use, whether the node came before or after", () => {
    const book = bookWith(node("n-1", ada), registered(ada, keys[0]));
    book.hear({ type: "EncryptionKeyAdded", id: ada, key: keys[2], ...said });
    assert.deepEqual(book.encryptionKeysOf("n-1"), [first, third]);
    book.hear({ type: "EncryptionKeyRetired", id: ada, keyId: first, ...said });
    assert.deepEqual(book.encryptionKeysOf("n-1"), [third]);
    assert.deepEqual([...book.nodesWith(first)], []);
    assert.deepEqual([...book.nodesWith(third)], ["n-1"]);
  });

  test("are none for an identity that was revoked", () => {
    const book = bookWith(node("n-1", ada), registered(ada, keys[0]));
    const why = { reason: "key-compromised", signedBy: keys[0] } as const;
    book.hear({ type: "IdentityRevoked", id: ada, ...why, ...said });
    assert.deepEqual(book.encryptionKeysOf("n-1"), []);
    assert.deepEqual([...book.nodesWith(first)], []);
  });

  test("are of whoever stated them first, and of the next when that one gave them up", () => {
    const [one, other] = [registered(ada, keys[0]), registered(bob, keys[0])];
    const book = bookWith(one, other, node("n-1", ada), node("n-2", bob));
    assert.deepEqual([...book.nodesWith(first)], ["n-1"]);
    assert.deepEqual(book.encryptionKeysOf("n-2"), []);
    book.hear({ type: "EncryptionKeyAdded", id: ada, key: keys[1], ...said });
    assert.deepEqual([...book.nodesWith(first)], ["n-1"]);
    book.hear({ type: "EncryptionKeyRetired", id: ada, keyId: first, ...said });
    assert.deepEqual([...book.nodesWith(first)], ["n-2"]);
    assert.deepEqual(book.encryptionKeysOf("n-2"), [first]);
  });

  test("of a client, for whom its own jobs are wrapped, bring nobody else its tasks", () => {
    const book = bookWith(
      registered(ada, keys[0], "client"),
      registered(bob, keys[0]),
      node("n-2", bob),
    );
    assert.deepEqual([...book.nodesWith(first)], []);
    assert.deepEqual(book.encryptionKeysOf("n-2"), []);
  });

  test("are not those of an identity that is a client alone", () => {
    const book = bookWith(registered(ada, keys[0], "client"), node("n-1", ada));
    assert.deepEqual(book.encryptionKeysOf("n-1"), []);
  });
});
