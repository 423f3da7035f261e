/**
 * Small blobs that came together lie together in one file, a pack: what is synced is the pack, and not
 * each of them.
 *
 *     <directory>/packs/<n>.<edition>       records: digest, 32 bytes | size, 4 bytes | the bytes
 *     <directory>/packs/<n>.<edition>.new   being written; removed at the next start
 *
 * A pack is written, synced and given its name, and never changed: without a blob that is removed it is
 * written anew as its next edition. Which blob lies where is read at the start and kept in memory, about
 * 200 bytes a blob.
 */
import { join } from "node:path";
import type { Digest } from "../../domain/ids.ts";
import type { BlobStat } from "../blob-store.ts";
import { type Disk, diskError } from "./disk.ts";

export interface PackedBlob {
  readonly digest: Digest;
  readonly bytes: Uint8Array;
}

export interface Packs {
  stat(digest: Digest): BlobStat | undefined;
  /** Writes a pack of those that are in none. @throws {BlobError} `disk-full`, `unavailable`. */
  add(blobs: readonly PackedBlob[]): Promise<void>;
  /** The bytes as they lie there, not verified; undefined for a blob that is in no pack. */
  read(digest: Digest): Promise<Uint8Array | undefined>;
  /** Removes it if it is there. */
  remove(digest: Digest): Promise<void>;
  list(): Iterable<BlobStat>;
  usage(): { readonly count: number; readonly bytes: number };
}

/** Bytes of blobs that were stored of late and are kept in memory: who stores one is soon asked for it. */
const keptBytesMax = 16 * 1024 * 1024;

const digestBytes = 32;
const headBytes = digestBytes + 4;
const nameForm = /^(\d{1,15})\.(\d{1,15})$/;

interface Pack {
  readonly number: number;
  readonly edition: number;
}
interface Place {
  readonly pack: Pack;
  readonly start: number;
  readonly size: number;
}

/** @throws {BlobError} `unavailable` if the packs cannot be read. */
export const openPacks = async ({
  directory: parent,
  disk,
}: {
  readonly directory: string;
  readonly disk: Disk;
}): Promise<Packs> => {
  const directory = join(parent, "packs");
  const places = new Map<Digest, Place>();
  const kept = new Map<Digest, Uint8Array>();
  let keptBytes = 0;
  let bytes = 0;
  let lastNumber = 0;
  const waiting: {
    readonly blobs: readonly PackedBlob[];
    readonly stored: PromiseWithResolvers<void>;
  }[] = [];
  /** One write after the other. */
  let turn: Promise<unknown> = Promise.resolve();

  const pathOf = ({ number, edition }: Pack): string => join(directory, `${number}.${edition}`);

  const note = (digest: Digest, place: Place): void => {
    const before = places.get(digest);
    places.set(digest, place);
    bytes += place.size - (before?.size ?? 0);
  };

  const forget = (digest: Digest): void => {
    keptBytes -= kept.get(digest)?.length ?? 0;
    kept.delete(digest);
  };
  const keep = ({ digest, bytes: own }: PackedBlob): void => {
    forget(digest);
    kept.set(digest, own.slice()); // Not a part of a request that would be kept whole.
    keptBytes += own.length;
    for (const oldest of kept.keys()) {
      if (keptBytes <= keptBytesMax) break;
      forget(oldest);
    }
  };

  /** Writes an edition whole, or leaves nothing of it. */
  const write = async (pack: Pack, blobs: readonly PackedBlob[]): Promise<void> => {
    const path = pathOf(pack);
    const temporary = `${path}.new`;
    const file = await disk.create(temporary);
    try {
      await file.write(recordsOf(blobs));
      await file.sync();
      await file.close();
      await disk.rename(temporary, path);
      await disk.syncDirectory(directory);
    } catch (error) {
      await file.close();
      await disk.remove(temporary);
      await disk.remove(path); // A name that may not last must not be seen.
      throw error;
    }
  };

  const load = async (pack: Pack): Promise<void> => {
    const content = await readAll(disk, pathOf(pack));
    for (const { digest, start, size } of recordsIn(content))
      if (!places.has(digest)) note(digest, { pack, start, size });
  };

  const open = async (): Promise<void> => {
    await disk.makeDirectory(directory);
    const newest = new Map<number, Pack>();
    const superseded: string[] = [];
    for (const name of await disk.list(directory)) {
      const [, number, edition] = nameForm.exec(name) ?? [];
      if (number === undefined || edition === undefined) {
        superseded.push(name);
        continue;
      }
      const pack = { number: Number(number), edition: Number(edition) };
      const other = newest.get(pack.number);
      const isNewer = other === undefined || other.edition < pack.edition;
      if (isNewer) newest.set(pack.number, pack);
      const older = isNewer ? other : pack;
      if (older) superseded.push(`${older.number}.${older.edition}`);
    }
    // A newer edition that a crash left unsynced must last before the older one goes.
    await disk.syncDirectory(directory);
    for (const name of superseded) await disk.remove(join(directory, name));
    for (const pack of [...newest.values()].sort((a, b) => a.number - b.number)) {
      lastNumber = pack.number;
      await load(pack);
    }
  };
  await open().catch((error: unknown) => {
    throw diskError(error, `opening the packs in ${directory}`);
  });

  const inTurn = <Answer>(doing: string, work: () => Promise<Answer>): Promise<Answer> => {
    const mine = turn.then(work, work).catch((error: unknown) => {
      throw diskError(error, doing);
    });
    turn = mine.catch(() => undefined); // Whoever asked hears of it.
    return mine;
  };

  const noteAll = (pack: Pack, blobs: readonly PackedBlob[]): void => {
    let at = 0;
    for (const { digest, bytes: own } of blobs) {
      note(digest, { pack, start: at + headBytes, size: own.length });
      at += headBytes + own.length;
    }
  };

  /** All who wait while a pack is written share the next one. */
  const addWaiting = async (): Promise<void> => {
    const adding = waiting.splice(0);
    const fresh = new Map<Digest, PackedBlob>();
    for (const { blobs } of adding)
      for (const blob of blobs) if (!places.has(blob.digest)) fresh.set(blob.digest, blob);
    try {
      if (fresh.size > 0) {
        const pack = { number: ++lastNumber, edition: 1 };
        const blobs = [...fresh.values()];
        await write(pack, blobs);
        noteAll(pack, blobs);
        for (const blob of blobs) keep(blob);
      }
      for (const { stored } of adding) stored.resolve();
    } catch (error) {
      const reason = diskError(error, "storing a pack");
      for (const { stored } of adding) stored.reject(reason);
    }
  };

  const readPlace = async ({ pack, start, size }: Place): Promise<Uint8Array | undefined> => {
    const file = await disk.open(pathOf(pack));
    if (!file) return undefined;
    try {
      const target = new Uint8Array(size);
      return target.subarray(0, await file.read(target, start));
    } finally {
      await file.close();
    }
  };

  const removeNow = async (digest: Digest): Promise<void> => {
    const place = places.get(digest);
    if (!place) return;
    const { pack } = place;
    const content = await readAll(disk, pathOf(pack));
    const left: PackedBlob[] = [];
    for (const record of recordsIn(content)) {
      const isHere = places.get(record.digest)?.pack === pack;
      if (!isHere || record.digest === digest) continue;
      left.push({
        digest: record.digest,
        bytes: content.subarray(record.start, record.start + record.size),
      });
    }
    const next = { number: pack.number, edition: pack.edition + 1 };
    if (left.length > 0) await write(next, left);
    places.delete(digest);
    forget(digest);
    bytes -= place.size;
    noteAll(next, left);
    await disk.remove(pathOf(pack));
    await disk.syncDirectory(directory);
  };

  return {
    stat: (digest) => {
      const place = places.get(digest);
      return place && { digest, size: place.size };
    },
    add: async (blobs) => {
      const stored = Promise.withResolvers<void>();
      waiting.push({ blobs, stored });
      void inTurn("storing a pack", addWaiting);
      await stored.promise;
    },
    read: async (digest) => {
      const known = kept.get(digest);
      if (known !== undefined) return known;
      for (let place = places.get(digest); place; ) {
        const found = await readPlace(place).catch((error: unknown) => {
          throw diskError(error, `reading ${digest}`);
        });
        const now = places.get(digest);
        // Gone, unless the pack was written anew meanwhile.
        if (found !== undefined || now === place) return found;
        place = now;
      }
      return undefined;
    },
    remove: (digest) => inTurn(`removing ${digest}`, () => removeNow(digest)),
    list: function* () {
      for (const [digest, { size }] of places) yield { digest, size };
    },
    usage: () => ({ count: places.size, bytes }),
  };
};

const recordsOf = (blobs: readonly PackedBlob[]): Uint8Array =>
  Buffer.concat(
    blobs.flatMap(({ digest, bytes }) => {
      const head = Buffer.alloc(headBytes);
      head.write(digest, "hex");
      head.writeUInt32BE(bytes.length, digestBytes);
      return [head, bytes];
    }),
  );

/** Up to the first that does not fit, which only a damaged disk can make. */
function* recordsIn(
  content: Buffer,
): Generator<{ readonly digest: Digest; readonly start: number; readonly size: number }> {
  for (let at = 0; at + headBytes <= content.length; ) {
    const digest = content.toString("hex", at, at + digestBytes);
    const size = content.readUInt32BE(at + digestBytes);
    const start = at + headBytes;
    if (start + size > content.length) return;
    yield { digest, start, size };
    at = start + size;
  }
}

const readAll = async (disk: Disk, path: string): Promise<Buffer> => {
  const size = await disk.size(path);
  const file = await disk.open(path);
  if (size === undefined || !file) throw new Error(`the pack ${path} is gone`);
  try {
    const content = Buffer.alloc(size);
    return content.subarray(0, await file.read(content, 0));
  } finally {
    await file.close();
  }
};
