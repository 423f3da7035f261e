/**
 * Opening, at the worker for inputs and at the client for results. The server side cannot import
 * this file or any other whose name begins with `open`.
 */
import type { Digest } from "../domain/ids.ts";
import {
  bodyKeys,
  chunkBytes,
  chunkNonce,
  headBytes,
  preambleBytes,
  sealedChunkBytes,
} from "./body.ts";
import { fromHex, hexOf, sameBytes } from "./bytes.ts";
import { hpkeOpen } from "./open-hpke.ts";
import { keyBytes, type Primitives, tagBytes } from "./primitives.ts";
import {
  bindingOf,
  headerOf,
  macOf,
  parseWraps,
  sameHeader,
  type WrapHeader,
  type WrapsFault,
} from "./wraps.ts";

export type OpenRefusal =
  | WrapsFault
  /** The wraps are for other bodies, another job, task or purpose than the one at hand. */
  | "wraps-of-another-job"
  | "not-a-recipient"
  /** The wrap was not made for this key and header, or was changed. */
  | "wrap-forged"
  /** Who listed the recipients did not have the content key. */
  | "header-forged"
  | "body-of-another-digest"
  | "not-a-sealed-body"
  /** The body was sealed with another content key than the one in the wrap: the sealer's fault. */
  | "wrong-content-key"
  /** A chunk was changed, cut, moved, doubled or added. */
  | "body-damaged";

type Refused = { readonly ok: false; readonly code: OpenRefusal };
const refused = (code: OpenRefusal): Refused => ({ ok: false, code });

/**
 * The content key that was wrapped for one of the reader's keys. All checks of shape and number come
 * first; then at most one operation with a key is done.
 *
 * @param input.wraps - As parsed from JSON; from text, see `readWraps`.
 * @param input.expected - Made by the reader itself from the job and the digests it was told to use,
 *   by `inputHeader` or `resultHeader`; never taken from the wraps.
 * @param input.keys - The reader's secret X25519 keys by their ids.
 */
export const openContentKey = (
  primitives: Primitives,
  input: {
    readonly wraps: unknown;
    readonly expected: WrapHeader;
    readonly keys: ReadonlyMap<Digest, Uint8Array>;
  },
): { readonly ok: true; readonly contentKey: Uint8Array } | Refused => {
  const parsed = parseWraps(input.wraps);
  if (!parsed.ok) return parsed;
  const { mac, ...rest } = parsed.wraps;
  const header = headerOf(parsed.wraps);
  if (!sameHeader(header, input.expected)) return refused("wraps-of-another-job");
  const own = rest.recipients.find(({ keyId }) => input.keys.has(keyId));
  const secret = own && input.keys.get(own.keyId);
  if (own === undefined || secret === undefined) return refused("not-a-recipient");
  const enc = fromHex(keyBytes, own.enc);
  const sealed = fromHex(keyBytes + tagBytes, own.wrapped);
  if (enc === undefined || sealed === undefined) return refused("wraps-malformed");
  const binding = bindingOf(primitives, header, own.keyId);
  const contentKey = hpkeOpen(primitives, { ...binding, enc, sealed, secret });
  if (contentKey === undefined) return refused("wrap-forged");
  const found = fromHex(keyBytes, mac);
  const right = fromHex(keyBytes, macOf(primitives, contentKey, rest));
  if (found === undefined || right === undefined || !sameBytes(found, right))
    return refused("header-forged");
  return { ok: true, contentKey };
};

/**
 * The plaintext of a sealed body, whole or not at all.
 *
 * @param input.digest - SHA-256 that the body must have: the one in the job's spec or in the result.
 */
export const openBody = (
  primitives: Primitives,
  input: {
    readonly contentKey: Uint8Array;
    readonly body: Uint8Array;
    readonly digest: Digest;
  },
): { readonly ok: true; readonly plaintext: Uint8Array } | Refused => {
  const { contentKey, body, digest } = input;
  if (hexOf(primitives.sha256(body)) !== digest) return refused("body-of-another-digest");
  if (body.length < preambleBytes + tagBytes) return refused("not-a-sealed-body");
  const found = body.subarray(0, preambleBytes);
  const salt = body.subarray(headBytes, headBytes + keyBytes);
  const { preamble, key } = bodyKeys(primitives, { contentKey, salt });
  if (!sameBytes(found.subarray(0, headBytes), preamble.subarray(0, headBytes)))
    return refused("not-a-sealed-body");
  if (!sameBytes(found, preamble)) return refused("wrong-content-key");

  const sealed = body.subarray(preambleBytes);
  const chunks = Math.ceil(sealed.length / sealedChunkBytes);
  const size = sealed.length - chunks * tagBytes;
  // One plaintext has one form: an empty chunk stands alone or not at all.
  if (size < 0 || (chunks > 1 && size <= (chunks - 1) * chunkBytes)) return refused("body-damaged");
  const plaintext = new Uint8Array(size);
  for (let index = 0; index < chunks; index++) {
    const chunk = primitives.aeadOpen({
      key,
      nonce: chunkNonce({ index, last: index === chunks - 1 }),
      aad: preamble,
      sealed: sealed.subarray(index * sealedChunkBytes, (index + 1) * sealedChunkBytes),
    });
    if (chunk === undefined) return refused("body-damaged");
    plaintext.set(chunk, index * chunkBytes);
  }
  return { ok: true, plaintext };
};
