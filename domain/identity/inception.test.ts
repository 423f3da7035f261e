import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { utf8ToBytes } from "@noble/hashes/utils.js";
import fc from "fast-check";
import { isClientAccount } from "../ids.ts";
import { fromBase32, toBase32 } from "./base32.ts";
import {
  clientAccountOf,
  cnctId,
  type InceptionRecord,
  inceptionFault,
  isCnctId,
  nextRootKeyHash,
} from "./inception.ts";
import { isNatsUserKey } from "./nats-key.ts";

const natsKey = "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4";
const key = (n: number): string => n.toString(16).padStart(2, "0").repeat(32);
const record: InceptionRecord = {
  version: 1,
  rootKey: key(1),
  nextRootKeyHash: key(2),
  encryptionKeys: [key(3)],
  natsKey,
  roles: ["client", "worker"],
  nonce: "ab".repeat(16),
};

describe("base32", () => {
  test("is that of RFC 4648, section 10, without padding", () => {
    const cases = {
      f: "my",
      fo: "mzxq",
      foo: "mzxw6",
      foob: "mzxw6yq",
      fooba: "mzxw6ytb",
      foobar: "mzxw6ytboi",
    };
    assert.equal(toBase32(new Uint8Array(0)), "");
    for (const [text, coded] of Object.entries(cases)) {
      assert.equal(toBase32(utf8ToBytes(text)), coded);
      assert.deepEqual(fromBase32(coded), utf8ToBytes(text));
    }
  });

  test("has one text for some bytes, and reads no other", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 70 }), (bytes) =>
        assert.deepEqual(fromBase32(toBase32(bytes)), bytes),
      ),
    );
    for (const bad of ["mz", "MY", "my=", "m", "mzx", "m1", "my ", "mzxq1"])
      assert.equal(fromBase32(bad), undefined, bad);
  });
});

describe("a CNCT ID", () => {
  test("has one spelling", () => {
    const id = cnctId(record);
    assert.equal(isCnctId(id), true);
    const last = id.at(-1) === "a" ? "b" : "r";
    for (const bad of [
      id.slice(0, -1) + last,
      id.toUpperCase(),
      `${id}a`,
      id.slice(5),
      ` ${id}`,
      1,
      [id],
    ])
      assert.equal(isCnctId(bad), false, String(bad));
  });

  test("depends on every field of the record", () => {
    const { natsKey: _, ...client } = record;
    const others: readonly InceptionRecord[] = [
      record,
      { ...record, rootKey: key(9) },
      { ...record, nextRootKeyHash: key(9) },
      { ...record, encryptionKeys: [key(9)] },
      { ...record, encryptionKeys: [key(3), key(9)] },
      { ...record, roles: ["worker"] },
      { ...record, nonce: "cd".repeat(16) },
      { ...client, roles: ["client"] },
    ];
    assert.equal(new Set(others.map((other) => cnctId(other))).size, others.length);
  });
});

describe("an inception record", () => {
  test("is accepted when it is whole", () => {
    assert.equal(inceptionFault(record), undefined);
    const { natsKey: _, ...client } = record;
    assert.equal(inceptionFault({ ...client, roles: ["client", "validator"] }), undefined);
  });

  const { rootKey, natsKey: _, ...partial } = record;
  const many = Array.from({ length: 9 }, (_, i) => key(i + 3));
  for (const [what, value, says] of [
    ["is no object", [record], /object/],
    ["is null", null, /object/],
    ["has more fields", { ...record, more: 1 }, /"more"/],
    ["lacks a field", partial, /rootKey/],
    ["is of another version", { ...record, version: 2 }, /version/],
    ["spells a key in upper case", { ...record, rootKey: "AB".repeat(32) }, /rootKey/],
    ["has an array for a key", { ...record, rootKey: [rootKey] }, /rootKey/],
    ["has a short digest", { ...record, nextRootKeyHash: "ab" }, /nextRootKeyHash/],
    ["prepares the same key", { ...record, nextRootKeyHash: nextRootKeyHash(rootKey) }, /another/],
    ["has no encryption key", { ...record, encryptionKeys: [] }, /encryptionKeys/],
    [
      "has an encryption key twice",
      { ...record, encryptionKeys: [key(3), key(3)] },
      /encryptionKeys/,
    ],
    ["has nine encryption keys", { ...record, encryptionKeys: many }, /encryptionKeys/],
    ["has a text for encryption keys", { ...record, encryptionKeys: key(3) }, /encryptionKeys/],
    ["has no role", { ...record, roles: [] }, /roles/],
    ["has an unknown role", { ...record, roles: ["worker", "wizard"] }, /roles/],
    ["has roles out of order", { ...record, roles: ["worker", "client"] }, /roles/],
    ["is a worker's without a transport key", { ...partial, rootKey }, /natsKey/],
    ["is a client's with one", { ...record, roles: ["client"] }, /natsKey/],
    ["has another transport key", { ...record, natsKey: natsKey.slice(1) }, /natsKey/],
    ["has a short nonce", { ...record, nonce: "ab" }, /nonce/],
  ] as const)
    test(`is refused when it ${what}`, () => assert.match(inceptionFault(value) ?? "", says));
});

describe("a NATS user key", () => {
  test("has prefix and checksum as NATS makes them", () => {
    assert.equal(isNatsUserKey(natsKey), true);
    for (let i = 0; i < natsKey.length; i++) {
      const other = natsKey[i] === "A" ? "B" : "A";
      assert.equal(
        isNatsUserKey(natsKey.slice(0, i) + other + natsKey.slice(i + 1)),
        false,
        `${i}`,
      );
    }
    assert.equal(isNatsUserKey(natsKey.toLowerCase()), false);
    assert.equal(isNatsUserKey(undefined), false);
  });
});

test("an identity's account is one that clients have, so that it gets its grant", () => {
  const account = clientAccountOf(cnctId(record));
  assert.equal(account.length, "client:".length + 52);
  assert.equal(isClientAccount(account), true);
});
