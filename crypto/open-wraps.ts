/**
 * Opening the content key that was wrapped for one of the reader's keys: at a node for its tasks, at
 * the client for its own jobs.
 */
import type { Digest, JobHash } from "../domain/ids.ts";
import { fromHex } from "./bytes.ts";
import type { HpkeContext } from "./hpke.ts";
import { openIn, setupReceiver } from "./open-hpke.ts";
import { keyBytes, type Primitives, tagBytes } from "./primitives.ts";
import { contextInfo, isWrap, wrapAad } from "./wraps.ts";

export type OpenWrapRefusal =
  | "wraps-malformed"
  | "not-a-recipient"
  /** Not made for this key and this job, or changed on its way. */
  | "wrap-forged";

export type OpenedWrap =
  | { readonly ok: true; readonly contentKey: Uint8Array }
  | { readonly ok: false; readonly code: OpenWrapRefusal };

const refused = (code: OpenWrapRefusal): OpenedWrap => ({ ok: false, code });

export interface WrapOpener {
  /**
   * @param input.wrap - The reader's own, from wherever it came.
   * @param input.jobHash - Computed by the reader from the spec that it was given.
   */
  open(input: { readonly wrap: unknown; readonly jobHash: JobHash }): OpenedWrap;
}

/**
 * A reader with these keys. At most one operation with a key is done for each wrap, and none for the
 * second wrap of a sender: contexts are kept, those that were used last.
 *
 * @param secretOf - The reader's secret X25519 key with this `encryptionKeyId`, if it has one.
 * @param contextsMax - So many senders are remembered.
 */
export const createWrapOpener = (
  primitives: Primitives,
  secretOf: (keyId: Digest) => Uint8Array | undefined,
  contextsMax = 4_096,
): WrapOpener => {
  const contexts = new Map<string, HpkeContext>();

  const remember = (name: string, context: HpkeContext): void => {
    contexts.delete(name);
    contexts.set(name, context);
    const [oldest] = contexts.keys();
    if (contexts.size > contextsMax && oldest !== undefined) contexts.delete(oldest);
  };

  return {
    open: ({ wrap, jobHash }) => {
      if (!isWrap(wrap)) return refused("wraps-malformed");
      const { keyId, seq } = wrap;
      const secret = secretOf(keyId);
      if (secret === undefined) return refused("not-a-recipient");
      const enc = fromHex(keyBytes, wrap.enc);
      const sealed = fromHex(keyBytes + tagBytes, wrap.wrapped);
      if (enc === undefined || sealed === undefined) return refused("wraps-malformed");
      const name = `${keyId}/${wrap.enc}`;
      const context =
        contexts.get(name) ?? setupReceiver(primitives, { enc, secret, info: contextInfo(keyId) });
      if (context === undefined) return refused("wrap-forged");
      const message = { sequence: seq, aad: wrapAad(jobHash), sealed };
      const contentKey = openIn(primitives, context, message);
      if (contentKey === undefined) return refused("wrap-forged");
      // Only what opened is kept, so that forgeries push nobody out.
      remember(name, context);
      return { ok: true, contentKey };
    },
  };
};
