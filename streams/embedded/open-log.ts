/** Opens the log of a directory: reads index files, scans the last segment, cuts a torn tail. */

import { join } from "node:path";
import type { Files } from "./files.ts";
import { hashOfId, IdCache } from "./id-cache.ts";
import { type FsyncPolicy, Log } from "./log.ts";
import { LogIndex } from "./log-index.ts";
import { checkSealed, type Segment, scanSegment, segmentPath } from "./segment.ts";
import {
  encodeIndex,
  indexOfScan,
  indexPath,
  isTombstoneEntry,
  loadSegmentIndex,
  type SegmentIndex,
  typeOfEntry,
} from "./segment-index.ts";

export interface LogOptions {
  readonly files: Files;
  readonly directory: string;
  readonly fsync: FsyncPolicy;
  readonly segmentBytes: number;
  readonly now: () => number;
}

const basesIn = (names: readonly string[]): readonly number[] =>
  names
    .filter((name) => /^\d{16}\.log$/.test(name))
    .map((name) => Number(name.slice(0, 16)))
    .sort((a, b) => a - b);

/** Takes the events of a segment into the index of the log. */
const takeIn = (index: LogIndex, ids: IdCache, { streams, types, events }: SegmentIndex): void => {
  const streamIds = streams.map((name) => index.streamId(name));
  const typeIds = types.map((name) => index.typeId(name));
  for (let at = 0; at < events.length; at += 4) {
    const offset = events[at] as number;
    const stream = streamIds[events[at + 1] as number] as number;
    const entry = events[at + 2] as number;
    const type = typeIds[typeOfEntry(entry)] as number;
    const seq = isTombstoneEntry(entry)
      ? index.addTombstone(stream, type, offset)
      : index.add(stream, type, offset);
    ids.add(events[at + 3] as number, seq);
  }
};

/**
 * @throws {EventStoreError} `corrupt`, naming the file and the offset.
 */
export const openLog = async (options: LogOptions): Promise<Log> => {
  const { files, directory, fsync } = options;
  const index = new LogIndex();
  const ids = new IdCache();
  const segments: Segment[] = [];
  let openHashes: number[] = [];
  try {
    const bases = basesIn(await files.list(join(directory)));
    for (const [at, base] of bases.entries()) {
      const last = at === bases.length - 1;
      const path = segmentPath(directory, base);
      const file = await files.open(path, { durable: last && fsync === "always" });
      const segment: Segment = { base, firstSeq: index.length, path, file, end: 0, sealed: !last };
      segments.push(segment);
      let known = last ? undefined : await loadSegmentIndex(files, segment);
      if (known === undefined) {
        const scan = await scanSegment({ path, base, file, last });
        known = indexOfScan(scan.records, scan.end, hashOfId);
        if (last && scan.end < scan.size) {
          await file.truncate(scan.end);
          await file.sync();
        }
        if (!last) await files.save(indexPath(path), encodeIndex(base, known));
        openHashes = Array.from(
          { length: known.events.length / 4 },
          (_, entry) => known?.events[entry * 4 + 3] as number,
        );
      }
      segment.end = known.end;
      if (!last) await checkSealed(segment);
      takeIn(index, ids, known);
      if (last && known.end === 0) {
        // Died while it was being made: its header never became durable, and nothing was in it.
        await file.close();
        await files.remove(path);
        segments.pop();
      }
    }
  } catch (error) {
    for (const { file } of segments) await file.close();
    throw error;
  }
  return new Log({ ...options, index, ids, segments, openHashes });
};
