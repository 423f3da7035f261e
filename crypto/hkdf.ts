/** HKDF with SHA-256 (RFC 5869) over an HMAC, so that both implementations run the same lines. */
import { concat } from "./bytes.ts";
import type { Primitives } from "./primitives.ts";

const hashBytes = 32;

export const hkdfOver = (
  hmacSha256: Primitives["hmacSha256"],
): Pick<Primitives, "hkdfExtract" | "hkdfExpand"> => ({
  hkdfExtract: ({ salt, secret }) => hmacSha256({ key: salt, message: secret }),

  hkdfExpand: ({ key, info, bytes }) => {
    if (!Number.isInteger(bytes) || bytes < 1 || bytes > 255 * hashBytes)
      throw new RangeError(`HKDF gives 1 to ${255 * hashBytes} bytes, not ${bytes}`);
    const out = new Uint8Array(bytes);
    let block: Uint8Array = new Uint8Array(0);
    for (let at = 0, count = 1; at < bytes; at += hashBytes, count++) {
      block = hmacSha256({ key, message: concat(block, info, Uint8Array.of(count)) });
      out.set(block.subarray(0, bytes - at), at);
    }
    return out;
  },
});
