/**
 * Wraps: the content key of a sealed job, once for each recipient, as it stands in events and on the
 * wire. What it holds and how it is made is in `docs/envelope.md`; nothing here can open one.
 */
import type { Digest, JobHash } from "../ids.ts";

/** The content key for one recipient. */
export interface Wrap {
  /** `encryptionKeyId` of the recipient's key. */
  readonly keyId: Digest;
  /** Names the sender's HPKE context with this recipient: its encapsulated key, 32 bytes in hex. */
  readonly enc: string;
  /** Number of the message in that context, from 0 to `contextMessagesMax` - 1. */
  readonly seq: number;
  /** The sealed content key, 48 bytes in hex. */
  readonly wrapped: string;
}

/** Wraps of one job, as a client hands them over. */
export interface Wraps {
  readonly version: 1;
  readonly jobHash: JobHash;
  /** 1 to `recipientsMax`, each key once. */
  readonly recipients: readonly Wrap[];
}

/** Recipients in one record: counted before any work with keys. */
export const recipientsMax = 32;
/** Recipients of one job over its whole life. */
export const jobRecipientsMax = 256;
/** Messages of one HPKE context: the sender takes a new one after so many. */
export const contextMessagesMax = 65_536;
