/**
 * The blob store of one machine: blobs that come alone have files of their own (`local.ts`), small ones
 * that come together share one (`packs.ts`).
 */
import { hash } from "node:crypto";
import { join } from "node:path";
import type { Digest } from "../../domain/ids.ts";
import { BlobError, type BlobRead, type BlobStat, type BlobStore } from "../blob-store.ts";
import { diskError, nodeDisk } from "./disk.ts";
import { openLocalBlobStore } from "./local.ts";
import { openPacks, type PackedBlob } from "./packs.ts";

/** @param options - As `openLocalBlobStore` takes them. */
export const openBlobStore = async (
  options: Omit<Parameters<typeof openLocalBlobStore>[0], "bytesElsewhere">,
): Promise<BlobStore> => {
  const { directory, maxBytes, disk = nodeDisk } = options;
  /** Bytes of packs that are being written. */
  let reserved = 0;
  const packs = await openPacks({ directory, disk });
  const bytesElsewhere = () => packs.usage().bytes + reserved;
  const local = await openLocalBlobStore({ ...options, bytesElsewhere });
  const underWay = new Set<Promise<unknown>>();

  const pack = async (blobs: readonly PackedBlob[]): Promise<void> => {
    const size = blobs.reduce((sum, { bytes }) => sum + bytes.length, 0);
    const stored = local.usage().bytes + bytesElsewhere();
    if (stored + size > maxBytes)
      throw new BlobError(
        "disk-full",
        `the blob store holds ${stored} of at most ${maxBytes} bytes and has no room for more`,
      );
    reserved += size;
    const work = packs.add(blobs);
    underWay.add(work);
    try {
      await work;
    } finally {
      underWay.delete(work);
      reserved -= size;
    }
  };

  /** Takes bytes that are no longer what they were out of the way, so that they can be stored anew. */
  const setAside = async (digest: Digest, bytes: Uint8Array): Promise<void> => {
    const path = join(directory, "corrupt", digest);
    try {
      await disk.remove(path);
      const file = await disk.create(path);
      await file.write(bytes).finally(() => file.close());
    } catch (error) {
      throw diskError(error, "setting a blob aside");
    }
    await packs.remove(digest);
  };

  const packed = async (digest: Digest): Promise<Uint8Array | undefined> => {
    const bytes = await packs.read(digest);
    if (bytes === undefined || hash("sha256", bytes) === digest) return bytes;
    await setAside(digest, bytes);
    throw new BlobError("blob-corrupt", `the stored bytes no longer have the digest ${digest}`);
  };

  return {
    ...local,
    put: async (bytes, mediaType) =>
      packs.stat(hash("sha256", bytes)) ?? local.put(bytes, mediaType),
    putMany: async (blobs) => {
      const all = blobs.map((bytes) => ({ digest: hash("sha256", bytes), bytes }));
      // One that has a file of its own gets a second copy, which costs less than to look for the file.
      await pack(all.filter(({ digest }) => !packs.stat(digest)));
      return all.map(({ digest, bytes: { length: size } }): BlobStat => ({ digest, size }));
    },
    get: async (digest) => (await packed(digest)) ?? local.get(digest),
    getStream: async (digest, range) => {
      const stat = packs.stat(digest);
      const bytes = stat && (await packed(digest));
      if (!stat || !bytes) return local.getStream(digest, range);
      const { start, end } = range ?? { start: 0, end: stat.size - 1 };
      if (range && !(start >= 0 && start <= end && end < stat.size))
        throw new BlobError(
          "bad-range",
          `${digest} has bytes 0 to ${stat.size - 1}, not ${start} to ${end}`,
        );
      return { ...stat, pieces: inOnePiece(bytes.subarray(start, end + 1)) } satisfies BlobRead;
    },
    stat: async (digest) => packs.stat(digest) ?? local.stat(digest),
    has: async (digest) => packs.stat(digest) !== undefined || local.has(digest),
    list: async function* () {
      yield* packs.list();
      for await (const stat of local.list()) if (!packs.stat(stat.digest)) yield stat;
    },
    remove: async (digest) => {
      await packs.remove(digest);
      await local.remove(digest);
    },
    usage: () => {
      const [own, others] = [packs.usage(), local.usage()];
      return { count: own.count + others.count, bytes: own.bytes + others.bytes };
    },
    close: async () => {
      await Promise.allSettled(underWay);
      await local.close();
    },
  };
};

async function* inOnePiece(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
