/**
 * The blob store port: content-addressed bytes. `blobs/` has a local durable one; workers and SDKs
 * reach it over HTTP through the gateway.
 */
import type { Digest } from "../domain/ids.ts";

export interface BlobStat {
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
}

/** Reads by digest. What workers and the validator need. */
export interface BlobSource {
  /**
   * The bytes, verified against the digest.
   * @throws {BlobError} `blob-unknown`, `blob-corrupt`, `unavailable`.
   */
  get(digest: Digest): Promise<Uint8Array>;
}

export interface BlobSink {
  /** Stores the bytes durably and answers their digest. Storing twice is storing once. */
  put(bytes: Uint8Array, mediaType: string): Promise<BlobStat>;
}

export type BlobErrorCode =
  | "blob-unknown"
  | "blob-corrupt"
  | "blob-too-large"
  | "digest-mismatch"
  | "bad-range"
  | "disk-full"
  | "unavailable";

export class BlobError extends Error {
  readonly code: BlobErrorCode;
  constructor(code: BlobErrorCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = "BlobError";
    this.code = code;
  }
}
