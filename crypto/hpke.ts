/**
 * HPKE, base mode, one suite: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20-Poly1305.
 * The names of the steps are those of RFC 9180. Opening is in `open-hpke.ts`, out of the server's
 * reach.
 */
import { bigEndian, concat, utf8 } from "./bytes.ts";
import { keyBytes, nonceBytes, type Primitives } from "./primitives.ts";

const version = utf8("HPKE-v1");
const none = new Uint8Array(0);
const kemId = bigEndian(0x0020, 2);
const kemSuite = concat(utf8("KEM"), kemId);
const hpkeSuite = concat(utf8("HPKE"), kemId, bigEndian(0x0001, 2), bigEndian(0x0003, 2));

const labeled = (primitives: Primitives, suite: Uint8Array) => ({
  extract: (salt: Uint8Array, label: string, secret: Uint8Array): Uint8Array =>
    primitives.hkdfExtract({ salt, secret: concat(version, suite, utf8(label), secret) }),
  expand: (key: Uint8Array, label: string, info: Uint8Array, bytes: number): Uint8Array =>
    primitives.hkdfExpand({
      key,
      info: concat(bigEndian(bytes, 2), version, suite, utf8(label), info),
      bytes,
    }),
});

/** DeriveKeyPair: a key pair from at least 32 bytes that nobody can guess. */
export const deriveKeyPair = (
  primitives: Primitives,
  seed: Uint8Array,
): { readonly secret: Uint8Array; readonly publicKey: Uint8Array } => {
  if (seed.length < keyBytes)
    throw new RangeError(`a seed has at least ${keyBytes} bytes, not ${seed.length}`);
  const { extract, expand } = labeled(primitives, kemSuite);
  const secret = expand(extract(none, "dkp_prk", seed), "sk", none, keyBytes);
  return { secret, publicKey: primitives.x25519.publicKey(secret) };
};

/** ExtractAndExpand: the KEM's shared secret, from the one of X25519 and both public keys. */
export const kemSecret = (
  primitives: Primitives,
  { dh, enc, publicKey }: Readonly<Record<"dh" | "enc" | "publicKey", Uint8Array>>,
): Uint8Array => {
  const { extract, expand } = labeled(primitives, kemSuite);
  return expand(extract(none, "eae_prk", dh), "shared_secret", concat(enc, publicKey), keyBytes);
};

/** What both sides know after the setup. */
export interface HpkeContext {
  readonly key: Uint8Array;
  /** 12 bytes. */
  readonly baseNonce: Uint8Array;
  readonly exporterSecret: Uint8Array;
}

const baseMode = Uint8Array.of(0);

/** KeySchedule of the base mode: no pre-shared key. */
export const keySchedule = (
  primitives: Primitives,
  { shared, info }: { readonly shared: Uint8Array; readonly info: Uint8Array },
): HpkeContext => {
  const { extract, expand } = labeled(primitives, hpkeSuite);
  const pskIdHash = extract(none, "psk_id_hash", none);
  const context = concat(baseMode, pskIdHash, extract(none, "info_hash", info));
  const secret = extract(shared, "secret", none);
  return {
    key: expand(secret, "key", context, keyBytes),
    baseNonce: expand(secret, "base_nonce", context, nonceBytes),
    exporterSecret: expand(secret, "exp", context, keyBytes),
  };
};

/** Context.Export. */
export const exportSecret = (
  primitives: Primitives,
  { exporterSecret }: HpkeContext,
  { info, bytes }: { readonly info: Uint8Array; readonly bytes: number },
): Uint8Array => labeled(primitives, hpkeSuite).expand(exporterSecret, "sec", info, bytes);

/** ComputeNonce: of the message with this number, from 0. */
export const nonceAt = ({ baseNonce }: HpkeContext, sequence: number): Uint8Array => {
  const counter = bigEndian(sequence, baseNonce.length);
  return baseNonce.map((byte, i) => byte ^ (counter[i] ?? 0));
};

/**
 * SetupBaseS. Undefined if the recipient's key has a small order, so that nothing sealed for it
 * would be secret.
 *
 * @param input.ephemeral - Secret key for this one use; drawn if left out, as it must be outside
 *   tests.
 */
export const setupSender = (
  primitives: Primitives,
  input: {
    readonly recipient: Uint8Array;
    readonly info: Uint8Array;
    readonly ephemeral?: Uint8Array;
  },
): { readonly enc: Uint8Array; readonly context: HpkeContext } | undefined => {
  const { recipient, info, ephemeral } = input;
  const once =
    ephemeral === undefined
      ? primitives.x25519.sharedOnce(recipient)
      : sharedWith(primitives, { recipient, ephemeral });
  if (once === undefined) return undefined;
  const { publicKey: enc, shared: dh } = once;
  const shared = kemSecret(primitives, { dh, enc, publicKey: recipient });
  return { enc, context: keySchedule(primitives, { shared, info }) };
};

const sharedWith = (
  { x25519 }: Primitives,
  { recipient, ephemeral }: { readonly recipient: Uint8Array; readonly ephemeral: Uint8Array },
): ReturnType<Primitives["x25519"]["sharedOnce"]> => {
  const shared = x25519.shared({ secret: ephemeral, publicKey: recipient });
  return shared && { publicKey: x25519.publicKey(ephemeral), shared };
};

/** A message in a context. */
export interface ContextMessage {
  /** From 0; used once in each context. */
  readonly sequence: number;
  readonly aad: Uint8Array;
}

/** ContextS.Seal, with a number that the caller keeps. */
export const sealIn = (
  { aeadSeal }: Primitives,
  context: HpkeContext,
  { sequence, aad, plaintext }: ContextMessage & { readonly plaintext: Uint8Array },
): Uint8Array => aeadSeal({ key: context.key, nonce: nonceAt(context, sequence), aad, plaintext });
