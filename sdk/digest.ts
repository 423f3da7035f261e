import { portableSha256 } from "../domain/hashing.ts";
import type { Digest } from "../domain/ids.ts";

/**
 * SHA-256 of the bytes, by WebCrypto where the page may use it: browsers offer it to secure origins
 * only.
 */
export const digestOf = async (bytes: Uint8Array): Promise<Digest> => {
  const subtle = globalThis.crypto?.subtle;
  if (subtle === undefined) return portableSha256(bytes);
  const hash = new Uint8Array(await subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
};
