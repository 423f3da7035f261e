/**
 * Blobs in files on this machine, each named by its digest, in 256 directories:
 *
 *     <directory>/ab/ab3f…        the bytes
 *     <directory>/new/<n>         being written; removed at the next start
 *     <directory>/corrupt/ab3f…   bytes that no longer have their digest, kept for a look
 *
 * A blob is visible when its bytes and its name are on disk: written, synced, renamed, and the
 * directory synced. What cannot be written whole leaves nothing behind.
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { type Digest, isDigest } from "../../domain/ids.ts";
import {
  BlobError,
  type BlobRead,
  type BlobStat,
  type BlobStore,
  type ByteRange,
  blobBytesMax,
} from "../blob-store.ts";
import { type BlobFile, type Disk, diskError, groupedDirectorySync, nodeDisk } from "./disk.ts";

const pieceBytes = 256 * 1024;
/** Digests whose size is remembered, so that asking for a known blob costs no disk access. */
const rememberedMax = 50_000;

/**
 * @param maxBytes - What all blobs together may take.
 * @param blobMax - What one may take; 64 MiB if not given.
 */
export const openLocalBlobStore = async ({
  directory,
  maxBytes,
  blobMax = blobBytesMax,
  disk = nodeDisk,
  bytesElsewhere = () => 0,
}: {
  readonly directory: string;
  readonly maxBytes: number;
  readonly blobMax?: number;
  readonly disk?: Disk;
  /** What others keep of the same room. */
  readonly bytesElsewhere?: () => number;
}): Promise<Omit<BlobStore, "putMany">> => {
  const newDirectory = join(directory, "new");
  const corruptDirectory = join(directory, "corrupt");
  const folderOf = (digest: Digest): string => join(directory, digest.slice(0, 2));
  const pathOf = (digest: Digest): string => join(folderOf(digest), digest);
  const syncDirectory = groupedDirectorySync(disk);

  let count = 0;
  let bytes = 0;
  /** Bytes of blobs that are being written. */
  let reserved = 0;
  let names = 0;
  /** Who looks for, stores or removes the file of a blob: one after the other for each. */
  const turns = new Map<Digest, Promise<unknown>>();
  const underWay = new Set<Promise<unknown>>();
  const sizes = new Map<Digest, number>();

  const remember = (digest: Digest, size: number): void => {
    if (sizes.size >= rememberedMax) {
      const [oldest] = sizes.keys();
      if (oldest !== undefined) sizes.delete(oldest);
    }
    sizes.set(digest, size);
  };

  const inTurn = <Answer>(digest: Digest, work: () => Promise<Answer>): Promise<Answer> => {
    const mine = (turns.get(digest) ?? Promise.resolve()).then(work, work);
    turns.set(digest, mine);
    const leave = (): void => {
      if (turns.get(digest) === mine) turns.delete(digest);
    };
    mine.then(leave, leave);
    return mine;
  };

  await prepare();

  async function prepare(): Promise<void> {
    try {
      await Promise.all(
        [newDirectory, corruptDirectory, ...folders(directory)].map(disk.makeDirectory),
      );
      for (const name of await disk.list(newDirectory)) await disk.remove(join(newDirectory, name));
      // A name that a crash left unsynced is made durable before anyone is told that it is there.
      for (const folder of folders(directory)) await disk.syncDirectory(folder);
      await disk.syncDirectory(directory);
      for await (const { size } of listed()) {
        count++;
        bytes += size;
      }
    } catch (error) {
      throw diskError(error, `opening the blob store in ${directory}`);
    }
  }

  async function* listed(): AsyncGenerator<BlobStat> {
    for (const folder of folders(directory))
      for (const name of await disk.list(folder)) {
        if (!isDigest(name)) continue;
        const size = await disk.size(join(folder, name));
        if (size !== undefined) yield { digest: name, size };
      }
  }

  /** Looks on the disk; only in the blob's turn, since at other times a name may not last. */
  const look = async (digest: Digest): Promise<BlobStat | undefined> => {
    const size = await disk.size(pathOf(digest)).catch((error: unknown) => {
      throw diskError(error, `looking for ${digest}`);
    });
    if (size === undefined) return undefined;
    remember(digest, size);
    return { digest, size };
  };

  const stat = async (digest: Digest): Promise<BlobStat | undefined> => {
    if (!isDigest(digest)) return undefined;
    const known = sizes.get(digest);
    if (known !== undefined) return { digest, size: known };
    return inTurn(digest, () => look(digest));
  };

  /**
   * Gives the finished file its name, once and for all who wrote the same bytes.
   *
   * @returns Whether it has one: otherwise somebody else's file has it.
   */
  const land = (temporary: string, { digest, size }: BlobStat): Promise<boolean> =>
    inTurn(digest, async () => {
      if (await look(digest)) return false;
      await disk.rename(temporary, pathOf(digest));
      await syncDirectory(folderOf(digest)).catch(async (error: unknown) => {
        await disk.remove(pathOf(digest)); // A name that may not last must not be seen.
        throw error;
      });
      count++;
      bytes += size;
      remember(digest, size);
      return true;
    });

  const reserve = (size: number): void => {
    const stored = bytes + bytesElsewhere();
    if (stored + reserved + size > maxBytes)
      throw new BlobError(
        "disk-full",
        `the blob store holds ${stored} of at most ${maxBytes} bytes and has no room for more`,
      );
    reserved += size;
  };

  const writeAll = async (
    pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
    { expected, most = blobMax }: { readonly expected?: Digest; readonly most?: number },
  ): Promise<BlobStat> => {
    const temporary = join(newDirectory, String(names++));
    const hash = createHash("sha256");
    let size = 0;
    let file: BlobFile | undefined;
    let isNamed = false;
    try {
      file = await disk.create(temporary);
      for await (const piece of pieces) {
        if (size + piece.length > most) throw tooLarge(size + piece.length, most);
        reserve(piece.length);
        size += piece.length;
        hash.update(piece);
        await file.write(piece);
      }
      const digest: Digest = hash.digest("hex");
      if (expected !== undefined && digest !== expected) throw mismatch(expected, digest);
      if (sizes.has(digest)) return { digest, size };
      await file.sync();
      await file.close();
      file = undefined;
      isNamed = await land(temporary, { digest, size });
      return { digest, size };
    } catch (error) {
      throw diskError(error, "storing a blob");
    } finally {
      reserved -= size;
      await file?.close();
      if (!isNamed) await disk.remove(temporary);
    }
  };

  const put = (
    pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
    limits: { readonly expected?: Digest; readonly most?: number } = {},
  ): Promise<BlobStat> => {
    const work = writeAll(pieces, limits);
    underWay.add(work);
    const done = (): boolean => underWay.delete(work);
    work.then(done, done);
    return work;
  };

  const openFile = async (digest: Digest): Promise<BlobFile> => {
    const file = await disk.open(pathOf(digest)).catch((error: unknown) => {
      throw diskError(error, `reading ${digest}`);
    });
    if (file) return file;
    sizes.delete(digest);
    throw unknown(digest);
  };

  /**
   * Takes bytes that are no longer what they were out of the way, so that they can be stored anew;
   * unless that was done while they were being read.
   */
  const setAside = (digest: Digest): Promise<void> =>
    inTurn(digest, async () => {
      const known = await look(digest);
      if (!known) return;
      let actual = "";
      const all = { start: 0, end: known.size - 1 };
      const pieces = readPieces(
        () => openFile(digest),
        all,
        async (hash) => {
          actual = hash();
        },
      );
      for await (const _ of pieces);
      if (actual === digest) return;
      sizes.delete(digest);
      await disk.rename(pathOf(digest), join(corruptDirectory, digest));
      count--;
      bytes -= known.size;
    });

  const getStream = async (digest: Digest, range?: ByteRange): Promise<BlobRead> => {
    const known = await stat(digest);
    if (!known) throw unknown(digest);
    const { size } = known;
    const { start, end } = range ?? { start: 0, end: size - 1 };
    if (range && !(start >= 0 && start <= end && end < size))
      throw new BlobError(
        "bad-range",
        `${digest} has bytes 0 to ${size - 1}, not ${start} to ${end}`,
      );
    const whole = start === 0 && end === size - 1;
    const pieces = readPieces(
      () => openFile(digest),
      { start, end },
      async (hash) => {
        if (!whole || hash() === digest) return;
        await setAside(digest);
        throw new BlobError("blob-corrupt", `the stored bytes no longer have the digest ${digest}`);
      },
    );
    return { digest, size, pieces };
  };

  return {
    put: (whole) => put([whole]),
    putStream: put,
    getStream,
    get: async (digest) => {
      const { size, pieces } = await getStream(digest);
      const whole = new Uint8Array(size);
      let at = 0;
      for await (const piece of pieces) {
        whole.set(piece, at);
        at += piece.length;
      }
      return whole;
    },
    stat,
    has: async (digest) => (await stat(digest)) !== undefined,
    list: listed,
    remove: async (digest) => {
      if (!isDigest(digest)) return;
      await inTurn(digest, async () => {
        const known = await look(digest);
        sizes.delete(digest); // From here on nobody may rely on it.
        if (!known) return;
        await disk.remove(pathOf(digest));
        count--;
        bytes -= known.size;
      });
    },
    usage: () => ({ count, bytes }),
    close: async () => {
      await Promise.allSettled(underWay);
    },
  };
};

/** Reads a file piece by piece; `check` hears the digest of all pieces before the last is given out. */
async function* readPieces(
  open: () => Promise<BlobFile>,
  { start, end }: ByteRange,
  check: (digest: () => Digest) => Promise<void>,
): AsyncGenerator<Uint8Array> {
  const hash = createHash("sha256");
  const file = await open();
  try {
    let position = start;
    do {
      const piece = new Uint8Array(Math.min(pieceBytes, end + 1 - position));
      const read = await file.read(piece, position).catch((error: unknown) => {
        throw diskError(error, "reading a blob");
      });
      const part = read === piece.length ? piece : piece.subarray(0, read);
      hash.update(part);
      position += read;
      if (read < piece.length || position > end) await check(() => hash.digest("hex"));
      if (read < piece.length)
        throw new BlobError("blob-corrupt", "the stored file is shorter than it was");
      yield part;
    } while (position <= end);
  } finally {
    await file.close();
  }
}

const folders = (directory: string): readonly string[] =>
  Array.from({ length: 256 }, (_, n) => join(directory, n.toString(16).padStart(2, "0")));

const tooLarge = (size: number, most: number): BlobError =>
  new BlobError(
    "blob-too-large",
    `a blob has at most ${most} bytes, and this one has ${size} or more`,
  );
const mismatch = (expected: Digest, actual: Digest): BlobError =>
  new BlobError("digest-mismatch", `the bytes have the digest ${actual}, not ${expected}`);
const unknown = (digest: Digest): BlobError =>
  new BlobError("blob-unknown", `no blob ${digest} is stored here`);
