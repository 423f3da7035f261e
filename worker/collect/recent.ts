/** What the node collected not long ago: copies that a server can confirm, and bodies seen before. */

import type { Instant } from "../../domain/decider.ts";
import type { Digest } from "../../domain/ids.ts";

export interface Copy {
  readonly status: number;
  readonly mediaType: string;
  readonly body: Uint8Array;
  readonly headersDigest: Digest;
  readonly address: string;
  readonly etag: string | undefined;
  readonly lastModified: string | undefined;
  /** When the server itself last stood for it. */
  readonly confirmedAt: Instant;
}

export interface Recent {
  copyOf(key: string): Copy | undefined;
  keep(key: string, copy: Copy): void;
  drop(key: string): void;
  /** When the body was first seen, if it was; from now on it was. */
  see(digest: Digest, at: Instant): Instant | undefined;
}

const copyBytesMax = 32 * 1024 * 1024;
const digestsMax = 20_000;

/** In memory: a node that starts again has seen nothing. */
export const openRecent = (): Recent => {
  const copies = new Map<string, Copy>();
  const seen = new Map<Digest, Instant>();
  let bytes = 0;

  const drop = (key: string) => {
    bytes -= copies.get(key)?.body.length ?? 0;
    copies.delete(key);
  };

  return {
    copyOf: (key) => {
      const copy = copies.get(key);
      if (!copy) return undefined;
      copies.delete(key); // The last used goes to the end.
      copies.set(key, copy);
      return copy;
    },
    keep: (key, copy) => {
      drop(key);
      copies.set(key, copy);
      bytes += copy.body.length;
      for (const oldest of copies.keys()) {
        if (bytes <= copyBytesMax) break;
        drop(oldest);
      }
    },
    drop,
    see: (digest, at) => {
      const before = seen.get(digest);
      seen.delete(digest);
      seen.set(digest, before ?? at);
      const oldest = seen.size > digestsMax ? seen.keys().next().value : undefined;
      if (oldest !== undefined) seen.delete(oldest);
      return before;
    },
  };
};
