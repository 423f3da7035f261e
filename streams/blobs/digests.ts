/** What the blob stores know of bytes besides their digest. */

/** Bytes of one blob at most: 64 MiB. */
export const blobBytesMax = 64 * 1024 * 1024;

/** From the first to the last byte, both included, as in an HTTP range. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}
