/** What every blob store promises; each adapter's test calls this with a way to open one. */
import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { emptyDigest } from "../../domain/hashing.ts";
import type { Digest } from "../../domain/ids.ts";
import {
  BlobError,
  type BlobSink,
  type BlobSource,
  type BlobStat,
} from "../../streams/blob-store.ts";

export interface OpenedBlobs {
  readonly blobs: BlobSource & BlobSink & { stat(digest: Digest): Promise<BlobStat | undefined> };
  /** Largest blob that it takes. */
  readonly blobMax: number;
  close(): Promise<void>;
}

const bytesOf = (length: number, seed: number): Uint8Array => {
  const bytes = new Uint8Array(length);
  let state = seed;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
};
const isBlobError = (code: string) => (error: unknown) =>
  error instanceof BlobError && error.code === code;

export const blobStoreContract = (name: string, open: () => Promise<OpenedBlobs>): void => {
  describe(`${name}, as a blob store,`, () => {
    let opened: OpenedBlobs;
    before(async () => {
      opened = await open();
    });
    after(() => opened.close());

    for (const length of [0, 1, 1000, 262_144, 262_145, 1_000_003])
      test(`gives back ${length} bytes as they were`, async () => {
        const bytes = bytesOf(length, length + 1);
        const digest = hash("sha256", bytes);
        const stored = await opened.blobs.put(bytes, "application/octet-stream");
        assert.equal(stored.digest, digest);
        assert.equal(stored.size, length);
        assert.deepEqual(Buffer.from(await opened.blobs.get(digest)), Buffer.from(bytes));
        const stat = await opened.blobs.stat(digest);
        assert.deepEqual({ ...stat }, { digest, size: length });
      });

    test("names the empty blob as everyone does", async () => {
      assert.equal((await opened.blobs.put(new Uint8Array(), "text/plain")).digest, emptyDigest);
    });

    test("takes a part of a larger array without its surroundings", async () => {
      const whole = bytesOf(100, 9);
      const { digest, size } = await opened.blobs.put(whole.subarray(10, 20), "text/plain");
      assert.equal(size, 10);
      assert.equal(digest, hash("sha256", whole.subarray(10, 20)));
    });

    test("stores the same bytes once, also when many say them at the same time", async () => {
      const bytes = bytesOf(50_000, 77);
      const all = await Promise.all(
        Array.from({ length: 20 }, () => opened.blobs.put(bytes, "image/png")),
      );
      assert.equal(new Set(all.map(({ digest }) => digest)).size, 1);
      assert.deepEqual(Buffer.from(await opened.blobs.get(all[0]!.digest)), Buffer.from(bytes));
    });

    test("says that it does not have what was never stored", async () => {
      const digest = hash("sha256", "never stored");
      await assert.rejects(opened.blobs.get(digest), isBlobError("blob-unknown"));
      assert.equal(await opened.blobs.stat(digest), undefined);
    });

    test("refuses one byte more than it takes, and keeps nothing of it", async () => {
      const bytes = bytesOf(opened.blobMax + 1, 5);
      await assert.rejects(opened.blobs.put(bytes, "image/png"), isBlobError("blob-too-large"));
      assert.equal(await opened.blobs.stat(hash("sha256", bytes)), undefined);
      await opened.blobs.put(bytes.subarray(1), "image/png");
    });
  });
};
