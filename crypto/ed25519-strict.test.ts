/**
 * Crafted signatures, on which verifiers are known to differ. They are made here, by the recipe of
 * the paper "Taming the many EdDSAs" (Chalkias, Garillot, Nikolaenko 2020): keys and nonces of a
 * small or mixed order, encodings that are not canonical, S at and above the group order.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ED25519_TORSION_SUBGROUP, ed25519 } from "@noble/curves/ed25519.js";
import { sha512 } from "@noble/hashes/sha2.js";
import { concat, hexOf, utf8 } from "./bytes.ts";
import { isSafeEncryptionKey, isSafeSigningKey } from "./ed25519-strict.ts";
import { native } from "./primitives-native.ts";
import { portable } from "./primitives-portable.ts";

const { Point } = ed25519;
const L = Point.Fn.ORDER;
const p = Point.Fp.ORDER;

const encode = (value: bigint): Uint8Array =>
  Uint8Array.from({ length: 32 }, (_, i) => Number((value >> BigInt(8 * i)) & 255n));
const decode = (bytes: Uint8Array): bigint =>
  bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);

/** A point together with one way to write it. */
interface Written {
  readonly bytes: Uint8Array;
  readonly canonical: boolean;
  readonly point: typeof Point.BASE;
}

const torsion = ED25519_TORSION_SUBGROUP.map((text) => Point.fromHex(text, true));
const a = 1234567890123456789012345678901234567890n;
const r = 987654321098765432109876543210987654321n;
const written = (point: typeof Point.BASE): Written => ({
  bytes: point.toBytes(),
  canonical: true,
  point,
});

/** Every y of at least p that is on the curve, and both signs of x = 0. */
const notCanonical: readonly Written[] = (() => {
  const found: Written[] = [];
  for (let y = p; y < 2n ** 255n; y++)
    for (const sign of [0n, 1n]) add(found, encode(y | (sign << 255n)));
  for (const y of [1n, p - 1n]) add(found, encode(y | (1n << 255n)));
  return found;
  function add(list: Written[], bytes: Uint8Array): void {
    try {
      const point = Point.fromBytes(bytes, true);
      if (hexOf(point.toBytes()) !== hexOf(bytes)) list.push({ bytes, canonical: false, point });
    } catch {
      // Not on the curve.
    }
  }
})();

const base = Point.BASE;
const keys: readonly (Written & { readonly secret: bigint })[] = [
  ...torsion.map((t) => ({ ...written(t), secret: 0n })),
  ...torsion.map((t) => ({ ...written(base.multiply(a).add(t)), secret: a })),
  ...notCanonical.map((it) => ({ ...it, secret: 0n })),
];
const nonces: readonly (Written & { readonly secret: bigint })[] = [
  ...torsion.map((t) => ({ ...written(t), secret: 0n })),
  ...torsion.map((t) => ({ ...written(base.multiply(r).add(t)), secret: r })),
  ...notCanonical.map((it) => ({ ...it, secret: 0n })),
];

interface Vector {
  readonly signature: Uint8Array;
  readonly message: Uint8Array;
  readonly publicKey: Uint8Array;
}

/** How often each pair is tried: one message in eight fits where orders are mixed. */
const triesOf = (key: { secret: bigint }, nonce: { secret: bigint }): number =>
  key.secret === 0n || nonce.secret === 0n ? 1 : 6;

/** For each pair of key and nonce the S that would fit an honest verifier, and others. */
const vectors: readonly Vector[] = keys.flatMap((key, i) =>
  nonces.flatMap((nonce, j) =>
    Array.from({ length: triesOf(key, nonce) }, (_, n) => {
      const message = utf8(`message ${i} ${j} ${n}`);
      const k = decode(sha512(concat(nonce.bytes, key.bytes, message))) % L;
      const s = (nonce.secret + k * key.secret) % L;
      return [s, s + L, (s + 1n) % L].map((scalar) => ({
        signature: concat(nonce.bytes, encode(scalar)),
        message,
        publicKey: key.bytes,
      }));
    }).flat(),
  ),
);
/** S at the edges, on an honest key. */
const secret = new Uint8Array(32).fill(7);
const honest = portable.ed25519.sign({ message: utf8("m"), secret });
const edges: readonly Vector[] = [
  0n,
  1n,
  L - 1n,
  L,
  L + 1n,
  2n ** 252n,
  2n ** 255n,
  2n ** 256n - 1n,
].map((scalar) => ({
  signature: concat(honest.subarray(0, 32), encode(scalar)),
  message: utf8("m"),
  publicKey: portable.ed25519.publicKey(secret),
}));
const all = [...vectors, ...edges];

const verdicts = all.map((vector) => portable.ed25519.verifyStrict(vector));

describe("the strict rule for Ed25519", () => {
  test("has one verdict in both implementations, on every crafted signature", () => {
    assert.ok(all.length > 1_000, `${all.length} vectors`);
    const differ = all.filter((vector, i) => verdicts[i] !== native.ed25519.verifyStrict(vector));
    assert.deepEqual(
      differ.map(({ signature }) => hexOf(signature)),
      [],
    );
  });

  test("is tried on signatures of both verdicts, some of which other rules judge otherwise", (t) => {
    const accepted = verdicts.filter(Boolean).length;
    t.diagnostic(`${all.length} crafted signatures, ${accepted} accepted`);
    assert.ok(accepted > 30 && accepted < all.length / 2, `${accepted} of ${all.length} accepted`);
    for (const zip215 of [true, false]) {
      const some = all.flatMap((vector, i) =>
        i % 11 === 0 ? [{ ...vector, verdict: verdicts[i] }] : [],
      );
      const differ = some.filter(
        ({ signature, message, publicKey, verdict }) =>
          ed25519.verify(signature, message, publicKey, { zip215 }) !== verdict,
      );
      assert.ok(differ.length > 20, `zip215 ${zip215}: ${differ.length} of ${some.length} differ`);
    }
  });

  test("leaves nothing crafted when the key was checked at registration", () => {
    const accepted = all.filter(({ publicKey }, i) => verdicts[i] && isSafeSigningKey(publicKey));
    const honestKey = base.multiply(a).toBytes();
    const honestNonce = base.multiply(r).toBytes();
    assert.ok(accepted.length >= 1);
    for (const { publicKey, signature } of accepted) {
      if (hexOf(publicKey) === hexOf(portable.ed25519.publicKey(secret))) continue;
      assert.deepEqual(publicKey, honestKey);
      assert.deepEqual(signature.subarray(0, 32), honestNonce);
    }
  });

  test("refuses S of at least L, and what has a wrong length", () => {
    for (const { verifyStrict } of [portable.ed25519, native.ed25519]) {
      const [message, publicKey] = [utf8("m"), portable.ed25519.publicKey(secret)];
      assert.equal(verifyStrict({ signature: honest, message, publicKey }), true);
      const s = decode(honest.subarray(32));
      const again = concat(honest.subarray(0, 32), encode(s + L));
      assert.equal(verifyStrict({ signature: again, message, publicKey }), false);
      for (const signature of [honest.subarray(1), concat(honest, utf8("x")), utf8("")])
        assert.equal(verifyStrict({ signature, message, publicKey }), false);
      for (const wrong of [publicKey.subarray(1), concat(publicKey, utf8("x")), utf8("")])
        assert.equal(verifyStrict({ signature: honest, message, publicKey: wrong }), false);
    }
  });
});

describe("a key to be registered", () => {
  test("for signing is canonical and of prime order", () => {
    assert.equal(isSafeSigningKey(portable.ed25519.publicKey(secret)), true);
    for (const { bytes, canonical, point } of keys) {
      const prime = canonical && !point.isSmallOrder() && point.isTorsionFree();
      assert.equal(isSafeSigningKey(bytes), prime, hexOf(bytes));
    }
    assert.equal(keys.filter(({ bytes }) => isSafeSigningKey(bytes)).length, 1);
    assert.equal(isSafeSigningKey(utf8("")), false);
    assert.equal(isSafeSigningKey(encode(2n)), false, "not on the curve");
  });

  test("for encryption is canonical and has no small order", () => {
    assert.equal(isSafeEncryptionKey(portable.x25519.publicKey(secret)), true);
    for (const bad of [0n, 1n, p - 1n, p, p + 1n, p + 9n, 2n ** 255n + 9n])
      assert.equal(isSafeEncryptionKey(encode(bad)), false, `${bad}`);
    assert.equal(isSafeEncryptionKey(encode(9n)), true);
    assert.equal(isSafeEncryptionKey(utf8("")), false);
  });
});
