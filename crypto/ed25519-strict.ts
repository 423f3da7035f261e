/**
 * The one rule by which CNCT verifies Ed25519 signatures.
 *
 * Libraries disagree on crafted signatures, so a browser, a worker and an audit could reach
 * different verdicts on the same bytes. Our rule is the cofactorless one of RFC 8032 (section
 * 5.1.7, without multiplying by 8), taken literally, and two refusals more:
 *
 * 1. S >= L is refused.
 * 2. A key or an R that is not canonical or has a small order is refused. OpenSSL 3.0 lets small
 *    orders through and 3.5 does not, so this must not be left to it.
 * 3. S*B - k*A is computed, and its encoding compared with the bytes of R.
 *
 * `refusedAtSight` is 1 and 2, and both implementations ask it first; for 3 the native one asks
 * OpenSSL. The tests hold them to one verdict.
 */
import { ED25519_TORSION_SUBGROUP, ed25519, x25519 } from "@noble/curves/ed25519.js";
import { sha512 } from "@noble/hashes/sha2.js";
import { concat, sameBytes } from "./bytes.ts";
import { keyBytes } from "./primitives.ts";

const { Point } = ed25519;
const order = Point.Fn.ORDER;
const fieldSize = Point.Fp.ORDER;

const littleEndian = (bytes: Uint8Array): bigint => {
  let value = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i] ?? 0);
  return value;
};

/** The y of an encoded point: all bits but the highest, which is the sign of x. */
const yOf = (bytes: Uint8Array): bigint => BigInt.asUintN(255, littleEndian(bytes));

/** Of the 8 points whose order divides 8: five values, since x and -x share their y. */
const smallOrders: ReadonlySet<bigint> = new Set(
  ED25519_TORSION_SUBGROUP.map((hex) => BigInt.asUintN(255, BigInt(`0x${turned(hex)}`))),
);

function turned(hex: string): string {
  return (hex.match(/../g) ?? []).reverse().join("");
}

/** Also settles x = 0 with a sign, which is not canonical: such points have a small order. */
const isPlain = (point: Uint8Array): boolean => {
  const y = yOf(point);
  return y < fieldSize && !smallOrders.has(y);
};

interface Claim {
  readonly signature: Uint8Array;
  readonly message: Uint8Array;
  readonly publicKey: Uint8Array;
}

/** What needs no arithmetic to refuse: wrong lengths, and the first two refusals of the rule. */
export const refusedAtSight = ({ signature, publicKey }: Claim): boolean =>
  signature.length !== 2 * keyBytes ||
  publicKey.length !== keyBytes ||
  littleEndian(signature.subarray(keyBytes)) >= order ||
  !isPlain(signature.subarray(0, keyBytes)) ||
  !isPlain(publicKey);

/** The strict rule in plain arithmetic; see the head of this file. */
export const verifyStrict = (claim: Claim): boolean => {
  if (refusedAtSight(claim)) return false;
  const { signature, message, publicKey } = claim;
  const key = pointOf(publicKey);
  if (key === undefined) return false;
  const r = signature.subarray(0, keyBytes);
  const k = littleEndian(sha512(concat(r, publicKey, message))) % order;
  const sB = Point.BASE.multiplyUnsafe(littleEndian(signature.subarray(keyBytes)));
  return sameBytes(sB.add(key.negate().multiplyUnsafe(k)).toBytes(), r);
};

/**
 * Whether a key may be registered for signing: canonical, on the curve, of the full prime order.
 * Costs as much as a signature; asked once for each key.
 */
export const isSafeSigningKey = (publicKey: Uint8Array): boolean =>
  publicKey.length === keyBytes &&
  isPlain(publicKey) &&
  pointOf(publicKey)?.isTorsionFree() === true;

/** Any scalar serves: clamping makes it a multiple of 8, which sends each small order to zero. */
const probe = new Uint8Array(keyBytes).fill(9);

/** Whether an X25519 key may be registered for encryption: canonical and not of a small order. */
export const isSafeEncryptionKey = (publicKey: Uint8Array): boolean => {
  if (publicKey.length !== keyBytes || littleEndian(publicKey) >= fieldSize) return false;
  try {
    x25519.getSharedSecret(probe, publicKey);
    return true;
  } catch {
    return false; // The library's way to say that the shared secret is zero.
  }
};

const pointOf = (bytes: Uint8Array) => {
  try {
    return Point.fromBytes(bytes);
  } catch {
    return undefined; // The library's way to say that the bytes are no point.
  }
};
