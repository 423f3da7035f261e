/**
 * The secrets of service keys: `cnct_sk_`, 32 random bytes in base64url, and a checksum, so that a
 * secret that was cut or mistyped is known for that at once, and programs that look for leaked secrets
 * find ours.
 */
import { hash, randomBytes } from "node:crypto";
import type { Digest } from "../../domain/ids.ts";

const prefix = "cnct_sk_";
const form = /^cnct_sk_([A-Za-z0-9_-]{43})_([0-9a-f]{8})$/;

export const newSecret = (): string => {
  const body = randomBytes(32).toString("base64url");
  return `${prefix}${body}_${checksumOf(body)}`;
};

/** Whether a text is spelled like a secret of ours. */
export const isSecret = (text: string): boolean => {
  const [, body, checksum] = form.exec(text) ?? [];
  return body !== undefined && checksum === checksumOf(body);
};

/** What the log has of a secret. It holds 256 random bits, so a plain hash cannot be guessed. */
export const secretHash = (secret: string): Digest => hash("sha256", secret);

const checksumOf = (body: string): string =>
  hash("sha256", `cnct/service-key/v1\n${body}`).slice(0, 8);
