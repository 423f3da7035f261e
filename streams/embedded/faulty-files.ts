/** A disk for tests: the real one, until a fault is planted. */

import { diskFiles, type Files, type LogFile } from "./files.ts";

export interface FaultyFiles extends Files {
  /** Bytes that may still be written; then writes end in the middle with ENOSPC. */
  setSpace(bytes: number): void;
  /** The next writes fail so, after writing half of their bytes. */
  failWrites(code: string | undefined): void;
  failTruncates(code: string | undefined): void;
  failReads(code: string | undefined): void;
}

const fault = (code: string): Error => Object.assign(new Error(`${code}: planted`), { code });

export const faultyFiles = (disk: Files = diskFiles): FaultyFiles => {
  let space = Number.POSITIVE_INFINITY;
  let writeFault: string | undefined;
  let truncateFault: string | undefined;
  let readFault: string | undefined;

  const wrap = (file: LogFile): LogFile => ({
    ...file,
    read: async (target, position) => {
      if (readFault !== undefined) throw fault(readFault);
      return file.read(target, position);
    },
    write: async (source, position) => {
      if (writeFault !== undefined) {
        await file.write(source.subarray(0, source.length >>> 1), position);
        throw fault(writeFault);
      }
      if (source.length > space) {
        if (space > 0) await file.write(source.subarray(0, space), position);
        throw fault("ENOSPC");
      }
      space -= source.length;
      await file.write(source, position);
    },
    truncate: async (length) => {
      if (truncateFault !== undefined) throw fault(truncateFault);
      await file.truncate(length);
    },
  });

  return {
    ...disk,
    open: async (path, options) => wrap(await disk.open(path, options)),
    save: async (path, content) => {
      if (content.length > space) throw fault("ENOSPC");
      await disk.save(path, content);
    },
    setSpace: (bytes) => {
      space = bytes;
    },
    failWrites: (code) => {
      writeFault = code;
    },
    failTruncates: (code) => {
      truncateFault = code;
    },
    failReads: (code) => {
      readFault = code;
    },
  };
};
