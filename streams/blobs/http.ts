/**
 * Blobs of a gateway, over HTTP. Runs in browsers as well: it needs `fetch` and nothing else. What it
 * reads it verifies, so the gateway need not be believed.
 */
import { type ParcelBlob, packParcel, parcelType } from "../../domain/blob/parcel.ts";
import { portableSha256 } from "../../domain/hashing.ts";
import type { Digest } from "../../domain/ids.ts";
import {
  BlobError,
  type BlobErrorCode,
  type BlobSink,
  type BlobSource,
  type BlobStat,
} from "../blob-store.ts";

export interface StoredBlob extends BlobStat {
  /** Where the event that says so stands in the log, in decimal: for `atLeast`. */
  readonly position: string;
}

export interface HttpBlobs extends BlobSource, BlobSink {
  put(bytes: Uint8Array, mediaType: string): Promise<StoredBlob>;
  /** Stores small blobs in one request; answers in the order given. */
  putParcel(blobs: readonly ParcelBlob[]): Promise<readonly StoredBlob[]>;
  /** Undefined if the gateway does not store it. */
  stat(digest: Digest): Promise<BlobStat | undefined>;
}

export type DigestOf = (bytes: Uint8Array<ArrayBuffer>) => Digest | Promise<Digest>;

/** SHA-256 by the platform; in JavaScript where a page has no right to the platform's. */
export const platformSha256: DigestOf = async (bytes) => {
  const subtle: SubtleCrypto | undefined = globalThis.crypto?.subtle;
  if (!subtle) return portableSha256(bytes);
  const digest = new Uint8Array(await subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
};

/**
 * @param gateway - Such as `http://127.0.0.1:8080`.
 * @param sha256 - The platform's if not given; servers have a faster one.
 * @param timeoutMs - For one request, with its body; 2 minutes if not given.
 */
export const httpBlobs = ({
  gateway,
  sha256 = platformSha256,
  fetch = globalThis.fetch,
  timeoutMs = 120_000,
}: {
  readonly gateway: string;
  readonly sha256?: DigestOf;
  readonly fetch?: typeof globalThis.fetch;
  readonly timeoutMs?: number;
}): HttpBlobs => {
  const urlOf = (digest: Digest): string => new URL(`/blobs/${digest}`, gateway).href;

  const ask = async <Answer>(
    url: string,
    init: RequestInit,
    read: (response: Response) => Promise<Answer>,
  ): Promise<Answer> => {
    try {
      const response = await fetch(url, { ...init, signal: AbortSignal.timeout(timeoutMs) });
      return await read(response);
    } catch (error) {
      if (error instanceof BlobError) throw error;
      const why = error instanceof Error ? error.message : String(error);
      throw new BlobError("unavailable", `${url} did not answer: ${why}`, error);
    }
  };

  return {
    get: (digest) =>
      ask(urlOf(digest), {}, async (response) => {
        if (!response.ok) throw await refusal(response);
        const bytes = new Uint8Array(await response.arrayBuffer());
        const actual = await sha256(bytes);
        if (actual === digest) return bytes;
        throw new BlobError("blob-corrupt", `the gateway sent bytes with the digest ${actual}`);
      }),

    put: async (bytes, mediaType) => {
      // A view of shared memory can neither be hashed nor sent; it is copied first.
      const body =
        bytes.buffer instanceof ArrayBuffer ? (bytes as Uint8Array<ArrayBuffer>) : bytes.slice();
      const digest = await sha256(body as Uint8Array<ArrayBuffer>);
      const init = { method: "PUT", body, headers: { "content-type": mediaType } };
      return ask(urlOf(digest), init as RequestInit, async (response) => {
        if (!response.ok) throw await refusal(response);
        const stored = (await response.json()) as StoredBlob;
        if (stored.digest !== digest || stored.size !== bytes.length)
          throw new BlobError("digest-mismatch", "the gateway stored something else");
        return stored;
      });
    },

    putParcel: async (blobs) => {
      const body = packParcel(blobs);
      const headers = { "content-type": parcelType };
      const url = new URL("/blobs/parcel", gateway).href;
      return ask(url, { method: "POST", body, headers }, async (response) => {
        if (!response.ok) throw await refusal(response);
        const { blobs: stored } = (await response.json()) as { blobs: readonly StoredBlob[] };
        for (const [index, { bytes }] of blobs.entries())
          if (stored[index]?.digest !== (await sha256(bytes as Uint8Array<ArrayBuffer>)))
            throw new BlobError("digest-mismatch", "the gateway stored something else");
        return stored;
      });
    },

    stat: (digest) =>
      ask(urlOf(digest), { method: "HEAD" }, async (response) => {
        if (response.status === 404) return undefined;
        if (!response.ok) throw await refusal(response);
        return { digest, size: Number(response.headers.get("content-length")) };
      }),
  };
};

const known: ReadonlySet<string> = new Set<BlobErrorCode>([
  "blob-unknown",
  "blob-corrupt",
  "blob-too-large",
  "digest-mismatch",
  "bad-range",
  "disk-full",
]);

const refusal = async (response: Response): Promise<BlobError> => {
  const text = await response.text();
  try {
    const { code, message } = JSON.parse(text) as {
      readonly code: string;
      readonly message: string;
    };
    if (known.has(code)) return new BlobError(code as BlobErrorCode, message);
  } catch (error) {
    // Not from a gateway: a proxy in between, say.
    return new BlobError("unavailable", `${response.url} answered ${response.status}`, error);
  }
  return new BlobError(
    "unavailable",
    `${response.url} answered ${response.status}: ${text.slice(0, 200)}`,
  );
};
