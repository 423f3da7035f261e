/**
 * Opening bodies, at the worker for inputs and at the client for results. The server side cannot import
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
import { hexOf, sameBytes } from "./bytes.ts";
import { keyBytes, type Primitives, tagBytes } from "./primitives.ts";

export type OpenRefusal =
  | "body-of-another-digest"
  | "not-a-sealed-body"
  /** Sealed with another content key than this one: the sealer's fault. */
  | "wrong-content-key"
  /** A chunk was changed, cut, moved, doubled or added. */
  | "body-damaged";

type Refused = { readonly ok: false; readonly code: OpenRefusal };
const refused = (code: OpenRefusal): Refused => ({ ok: false, code });

interface SealedBody {
  readonly contentKey: Uint8Array;
  readonly body: Uint8Array;
  /** SHA-256 that the body must have: the one in the job's spec or in the result. */
  readonly digest: Digest;
}

/** Whether this key sealed the body. Opens no chunk: the body is bound to its key in the preamble. */
export const isContentKeyOf = (primitives: Primitives, input: SealedBody): boolean =>
  beginBody(primitives, input).ok;

const beginBody = (primitives: Primitives, { contentKey, body, digest }: SealedBody) => {
  if (hexOf(primitives.sha256(body)) !== digest) return refused("body-of-another-digest");
  if (body.length < preambleBytes + tagBytes) return refused("not-a-sealed-body");
  const found = body.subarray(0, preambleBytes);
  const salt = body.subarray(headBytes, headBytes + keyBytes);
  const { preamble, key } = bodyKeys(primitives, { contentKey, salt });
  if (!sameBytes(found.subarray(0, headBytes), preamble.subarray(0, headBytes)))
    return refused("not-a-sealed-body");
  if (!sameBytes(found, preamble)) return refused("wrong-content-key");
  return { ok: true, preamble, key } as const;
};

/** The plaintext of a sealed body, whole or not at all. */
export const openBody = (
  primitives: Primitives,
  input: SealedBody,
): { readonly ok: true; readonly plaintext: Uint8Array } | Refused => {
  const begun = beginBody(primitives, input);
  if (!begun.ok) return begun;
  const { preamble, key } = begun;
  const { body } = input;
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
