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

/** A whole store of blobs, as a gateway has one; `blobs/packed.ts` implements it. */
export interface BlobStore extends BlobSource, BlobSink {
  /** Stores small blobs that came together; answers in the order given. All or none are stored. */
  putMany(blobs: readonly Uint8Array[]): Promise<readonly BlobStat[]>;
  /** Stores what comes, piece by piece; refuses any other digest than `expected`, and more than `most` bytes. */
  putStream(
    pieces: AsyncIterable<Uint8Array>,
    options?: { readonly expected?: Digest; readonly most?: number },
  ): Promise<BlobStat>;
  /**
   * The bytes piece by piece, or a range of them. A whole read is verified as it goes: a blob that
   * is corrupt ends in `blob-corrupt` before its last piece, so that nobody takes it for good.
   *
   * @throws {BlobError} `blob-unknown`, `bad-range`; the pieces also `blob-corrupt`, `unavailable`.
   */
  getStream(digest: Digest, range?: ByteRange): Promise<BlobRead>;
  /** Undefined if it is not stored here. */
  stat(digest: Digest): Promise<BlobStat | undefined>;
  has(digest: Digest): Promise<boolean>;
  /** Every blob, in no order. */
  list(): AsyncIterable<BlobStat>;
  /** Removes it if it is there. */
  remove(digest: Digest): Promise<void>;
  usage(): { readonly count: number; readonly bytes: number };
  /** Waits for what is being written. */
  close(): Promise<void>;
}

export interface BlobRead extends BlobStat {
  readonly pieces: AsyncIterable<Uint8Array>;
}

/** Bytes of one blob at most: 64 MiB. */
export const blobBytesMax = 64 * 1024 * 1024;

/** From the first to the last byte, both included, as in an HTTP range. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
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
