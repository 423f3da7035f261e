/**
 * Wrapping content keys. A sender has one HPKE context with each recipient and uses it for many jobs:
 * the first wrap costs two scalar multiplications, the others one AEAD of 32 bytes each.
 */
import { encryptionKeyId, type PublicKey } from "../domain/identity/keys.ts";
import type { JobHash } from "../domain/ids.ts";
import { contextMessagesMax, recipientsMax, type Wrap, type Wraps } from "../domain/job/wraps.ts";
import { fromHex, hexOf, utf8 } from "./bytes.ts";
import { type HpkeContext, sealIn, setupSender } from "./hpke.ts";
import { keyBytes, type Primitives } from "./primitives.ts";
import { requireContentKey } from "./seal.ts";
import { contextInfo, wrapAad } from "./wraps.ts";

export type Wrapped =
  | { readonly ok: true; readonly wraps: Wraps }
  /** This key would keep no secret: whoever registered it is at fault. */
  | { readonly ok: false; readonly code: "unsafe-key"; readonly recipient: PublicKey };

export interface Wrapper {
  /**
   * Wraps a job's content key for 1 to 32 recipients. More of them, at once or days later, get wraps
   * from another call; the bodies and the job stay as they are.
   *
   * @param input.recipients - X25519 keys; each once.
   * @throws {RangeError} If there are none or more than 32 recipients, or one twice.
   */
  wrap(input: {
    readonly contentKey: Uint8Array;
    readonly jobHash: JobHash;
    readonly recipients: readonly PublicKey[];
  }): Wrapped;
}

interface Sending {
  readonly keyId: string;
  readonly enc: string;
  readonly context: HpkeContext;
  /** Messages sealed so far: each number is used once, or two messages would share a nonce. */
  sent: number;
}

/**
 * A wrapper for the life of this process. Its contexts live in memory alone: a copy of a running
 * process (a fork, a restored snapshot of a machine) must not go on with them.
 *
 * @param limits.contexts - So many recipients are remembered, those that were used last.
 * @param limits.messages - A context is renewed after so many messages, at most 65,536.
 */
export const createWrapper = (
  primitives: Primitives,
  limits: { readonly contexts?: number; readonly messages?: number } = {},
): Wrapper => {
  const { contexts: contextsMax = 1_024, messages: messagesMax = contextMessagesMax } = limits;
  if (messagesMax > contextMessagesMax)
    throw new RangeError(`a context has at most ${contextMessagesMax} messages`);
  const contexts = new Map<PublicKey, Sending>();
  const sha256 = (bytes: Uint8Array | string): string =>
    hexOf(primitives.sha256(typeof bytes === "string" ? utf8(bytes) : bytes));

  const open = (recipient: PublicKey): Sending | undefined => {
    const publicKey = fromHex(keyBytes, recipient);
    if (publicKey === undefined) return undefined;
    const keyId = encryptionKeyId(recipient, sha256);
    const setup = setupSender(primitives, { recipient: publicKey, info: contextInfo(keyId) });
    return setup && { keyId, enc: hexOf(setup.enc), context: setup.context, sent: 0 };
  };

  const contextWith = (recipient: PublicKey): Sending | undefined => {
    const known = contexts.get(recipient);
    contexts.delete(recipient);
    const sending = known && known.sent < messagesMax ? known : open(recipient);
    if (sending === undefined) return undefined;
    contexts.set(recipient, sending);
    const [oldest] = contexts.keys();
    if (contexts.size > contextsMax && oldest !== undefined) contexts.delete(oldest);
    return sending;
  };

  return {
    wrap: ({ contentKey, jobHash, recipients }) => {
      requireContentKey(contentKey);
      if (recipients.length < 1 || recipients.length > recipientsMax)
        throw new RangeError(
          `wraps are for 1 to ${recipientsMax} recipients, not ${recipients.length}`,
        );
      if (new Set(recipients).size !== recipients.length)
        throw new RangeError("a recipient is there twice");
      const aad = wrapAad(jobHash);
      const wraps: Wrap[] = [];
      for (const recipient of recipients) {
        const sending = contextWith(recipient);
        if (sending === undefined) return { ok: false, code: "unsafe-key", recipient };
        const { keyId, enc, context } = sending;
        const seq = sending.sent++;
        const sealed = sealIn(primitives, context, { sequence: seq, aad, plaintext: contentKey });
        wraps.push({ keyId, enc, seq, wrapped: hexOf(sealed) });
      }
      return { ok: true, wraps: { version: 1, jobHash, recipients: wraps } };
    },
  };
};
