/**
 * Checking wraps without opening any: what the gateway does with those that it is handed, and what a
 * recipient does first. The format is described in `docs/envelope.md`.
 */
import { type Digest, isDigest, type JobHash } from "../domain/ids.ts";
import { contextMessagesMax, recipientsMax, type Wrap, type Wraps } from "../domain/job/wraps.ts";
import { isHexOf, utf8 } from "./bytes.ts";
import { keyBytes, tagBytes } from "./primitives.ts";

export type WrapsFault = "wraps-malformed" | "too-many-recipients";
export type ParsedWraps =
  | { readonly ok: true; readonly wraps: Wraps }
  | { readonly ok: false; readonly code: WrapsFault };

const fault = (code: WrapsFault): ParsedWraps => ({ ok: false, code });

/** Checks the shape of wraps, the number of recipients first: every field there and nothing else. */
export const parseWraps = (value: unknown): ParsedWraps => {
  if (!isObject(value)) return fault("wraps-malformed");
  const { recipients } = value;
  if (!Array.isArray(recipients)) return fault("wraps-malformed");
  if (recipients.length > recipientsMax) return fault("too-many-recipients");
  const whole =
    hasOnly(value, "version", "jobHash", "recipients") &&
    value["version"] === 1 &&
    isDigest(value["jobHash"]) &&
    recipients.length > 0 &&
    recipients.every(isWrap) &&
    new Set(recipients.map(({ keyId }) => keyId)).size === recipients.length;
  return whole ? { ok: true, wraps: value as unknown as Wraps } : fault("wraps-malformed");
};

/** Whether a value has the shape of a wrap, and nothing besides. */
export const isWrap = (value: unknown): value is Wrap =>
  isObject(value) &&
  hasOnly(value, "keyId", "enc", "seq", "wrapped") &&
  isDigest(value["keyId"]) &&
  isHexOf(keyBytes, value["enc"]) &&
  isSequence(value["seq"]) &&
  isHexOf(keyBytes + tagBytes, value["wrapped"]);

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const hasOnly = (value: object, ...names: readonly string[]): boolean =>
  Object.keys(value).sort().join() === [...names].sort().join();

const isSequence = (value: unknown): boolean =>
  Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) < contextMessagesMax;

/** What binds a context to its purpose and its recipient: HPKE's info. */
export const contextInfo = (keyId: Digest): Uint8Array => utf8(`cnct/job-key/v1\n${keyId}`);

/** What binds a wrap to its job, and through the job hash to all that the job is: the AEAD's aad. */
export const wrapAad = (jobHash: JobHash): Uint8Array => utf8(`cnct/wrap/v1\n${jobHash}`);
