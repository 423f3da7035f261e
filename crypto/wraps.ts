/**
 * Wraps: the content key of a sealed body, once for each recipient. They live beside the body, not
 * in it, so that recipients can be added without touching what the job hash covers. The format is
 * described in `docs/envelope.md`. Nothing here opens anything: the server may check wraps.
 */
import { canonicalJson } from "../domain/canonical-json.ts";
import { taggedText } from "../domain/identity/keys.ts";
import { type Digest, isDigest, type JobHash } from "../domain/ids.ts";
import { concat, hexOf, isHexOf, utf8 } from "./bytes.ts";
import { keyBytes, type Primitives, tagBytes } from "./primitives.ts";

/** What a content key is for, and so what each wrap of it is bound to. */
export type WrapHeader = WrapSubject & {
  readonly version: 1;
  readonly jobHash: JobHash;
  /** Digests of the sealed bodies that the key opens: sorted, each once, 1 to `bodiesMax`. */
  readonly bodies: readonly Digest[];
};

type WrapSubject =
  | { readonly purpose: "input" }
  | { readonly purpose: "result"; readonly replica: number; readonly attempt: number };

/** The content key for one recipient. */
export interface Wrap {
  /** `encryptionKeyId` of the recipient's key. */
  readonly keyId: Digest;
  /** HPKE's encapsulated key, 32 bytes in hex. */
  readonly enc: string;
  /** The sealed content key, 48 bytes in hex. */
  readonly wrapped: string;
}

export type Wraps = WrapHeader & {
  readonly recipients: readonly Wrap[];
  /** HMAC of all the rest under a key that only holders of the content key have; 32 bytes in hex. */
  readonly mac: string;
};

/** Checked before any work with keys, so that nobody can make a recipient compute for nothing. */
export const recipientsMax = 32;
export const bodiesMax = 16;
/** Characters of wraps in their text; 32 recipients and 16 bodies take about 10,500. */
export const wrapsCharsMax = 16_384;

export type WrapsFault = "wraps-too-large" | "wraps-malformed" | "too-many-recipients";
export type ParsedWraps =
  | { readonly ok: true; readonly wraps: Wraps }
  | { readonly ok: false; readonly code: WrapsFault };

const fault = (code: WrapsFault): ParsedWraps => ({ ok: false, code });

/** Reads wraps from their wire form, which is canonical JSON: each record has one text. */
export const readWraps = (text: string): ParsedWraps => {
  if (text.length > wrapsCharsMax) return fault("wraps-too-large");
  try {
    const value: unknown = JSON.parse(text);
    const parsed = parseWraps(value);
    return parsed.ok && canonicalJson(value) !== text ? fault("wraps-malformed") : parsed;
  } catch {
    return fault("wraps-malformed");
  }
};

/** The wire form. */
export const writeWraps = (wraps: Wraps): string => canonicalJson(wraps);

/** Checks the shape of wraps: every field there and nothing else. */
export const parseWraps = (value: unknown): ParsedWraps => {
  if (!isObject(value)) return fault("wraps-malformed");
  const { recipients, mac, ...header } = value;
  if (!Array.isArray(recipients)) return fault("wraps-malformed");
  if (recipients.length > recipientsMax) return fault("too-many-recipients");
  const whole =
    isHeader(header) &&
    recipients.length > 0 &&
    recipients.every(isWrap) &&
    new Set(recipients.map(({ keyId }) => keyId)).size === recipients.length &&
    isHexOf(keyBytes, mac);
  return whole ? { ok: true, wraps: value as unknown as Wraps } : fault("wraps-malformed");
};

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const hasOnly = (value: object, ...names: readonly string[]): boolean =>
  Object.keys(value).sort().join() === [...names].sort().join();

const isWrap = (value: unknown): value is Wrap =>
  isObject(value) &&
  hasOnly(value, "keyId", "enc", "wrapped") &&
  isDigest(value["keyId"]) &&
  isHexOf(keyBytes, value["enc"]) &&
  isHexOf(keyBytes + tagBytes, value["wrapped"]);

const isHeader = (value: Readonly<Record<string, unknown>>): boolean => {
  const { purpose, bodies } = value;
  const common = ["version", "jobHash", "bodies", "purpose"];
  const subject =
    purpose === "input"
      ? hasOnly(value, ...common)
      : purpose === "result" &&
        hasOnly(value, ...common, "replica", "attempt") &&
        isWhole(value["replica"], 0) &&
        isWhole(value["attempt"], 1);
  return (
    subject &&
    value["version"] === 1 &&
    isDigest(value["jobHash"]) &&
    Array.isArray(bodies) &&
    bodies.length >= 1 &&
    bodies.length <= bodiesMax &&
    bodies.every((body, i) => isDigest(body) && (i === 0 || bodies[i - 1] < body))
  );
};

const isWhole = (value: unknown, least: number): boolean =>
  Number.isSafeInteger(value) && (value as number) >= least;

/** A header for a job's inputs; bodies may come in any order and more than once. */
export const inputHeader = (jobHash: JobHash, bodies: readonly Digest[]): WrapHeader => ({
  version: 1,
  purpose: "input",
  jobHash,
  bodies: [...new Set(bodies)].sort(),
});

/** A header for the sealed output of one task. */
export const resultHeader = (
  task: { readonly jobHash: JobHash; readonly replica: number; readonly attempt: number },
  body: Digest,
): WrapHeader => {
  const { jobHash, replica, attempt } = task;
  return { version: 1, purpose: "result", jobHash, replica, attempt, bodies: [body] };
};

/** The header alone. */
export const headerOf = ({ recipients: _, mac: __, ...header }: Wraps): WrapHeader => header;

export const sameHeader = (a: WrapHeader, b: WrapHeader): boolean =>
  canonicalJson(a) === canonicalJson(b);

/** What HPKE binds a wrap to: info names job and key, aad the whole header. */
export const bindingOf = (
  primitives: Primitives,
  header: WrapHeader,
  keyId: Digest,
): { readonly info: Uint8Array; readonly aad: Uint8Array } => ({
  info: utf8(`cnct/wrap/v1\n${header.jobHash}\n${keyId}`),
  aad: primitives.sha256(utf8(taggedText("cnct/wrap-header/v1", header))),
});

/** The MAC over header and recipients. */
export const macOf = (
  primitives: Primitives,
  contentKey: Uint8Array,
  rest: WrapHeader & { readonly recipients: readonly Wrap[] },
): string => {
  const key = deriveKey(primitives, contentKey, "cnct/header/v1");
  const message = utf8(taggedText("cnct/wraps/v1", rest));
  return hexOf(primitives.hmacSha256({ key, message }));
};

/** A key for one purpose, from the content key. */
export const deriveKey = (
  { hkdfExtract, hkdfExpand }: Primitives,
  contentKey: Uint8Array,
  purpose: string,
  salt: Uint8Array = concat(),
): Uint8Array =>
  hkdfExpand({
    key: hkdfExtract({ salt, secret: contentKey }),
    info: utf8(purpose),
    bytes: keyBytes,
  });
