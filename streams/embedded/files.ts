/**
 * The little that the log asks of a disk. Tests put a faulty one in its place.
 *
 * A durable write is one `pwrite` on a file opened with O_DSYNC: one trip to the thread pool instead
 * of two. Measured on ext4, 400 bytes at a time: write + fdatasync 160 us of CPU, O_DSYNC 120 us,
 * p50 0.19 ms both; the blocking pair takes 75 us and 0.14 ms, but stops everything else in the
 * process meanwhile, and the disk's slow moments (p99 3 to 13 ms) would stop it for as long.
 */

import * as fs from "node:fs";
import { constants } from "node:fs";
import * as fsp from "node:fs/promises";
import { dirname } from "node:path";

export interface LogFile {
  /** Fills the target from `position`; returns the bytes read, fewer only at the end of the file. */
  read(target: Uint8Array, position: number): Promise<number>;
  readSync(target: Uint8Array, position: number): number;
  /** Writes all bytes at `position`; durable when it resolves if the file was opened so. */
  write(source: Uint8Array, position: number): Promise<void>;
  sync(): Promise<void>;
  truncate(length: number): Promise<void>;
  size(): Promise<number>;
  close(): Promise<void>;
}

export interface Files {
  makeDirectory(path: string): Promise<void>;
  list(directory: string): Promise<readonly string[]>;
  /** Opens for reading and writing; makes the file if it is not there. */
  open(path: string, options: { readonly durable: boolean }): Promise<LogFile>;
  /** Whole content, or undefined where there is no such file. */
  load(path: string): Promise<Buffer | undefined>;
  /** Replaces a whole file durably: readers see the old or the new content, never a part. */
  save(path: string, content: Uint8Array): Promise<void>;
  remove(path: string): Promise<void>;
  syncDirectory(path: string): Promise<void>;
}

const readFully = (fd: number, target: Uint8Array, position: number): Promise<number> =>
  new Promise((resolve, reject) => {
    let done = 0;
    const next = (): void => {
      fs.read(fd, target, done, target.length - done, position + done, (error, count) => {
        if (error !== null) return reject(error);
        done += count;
        if (count === 0 || done === target.length) return resolve(done);
        next();
      });
    };
    next();
  });

const writeFully = (fd: number, source: Uint8Array, position: number): Promise<void> =>
  new Promise((resolve, reject) => {
    let done = 0;
    const next = (): void => {
      fs.write(fd, source, done, source.length - done, position + done, (error, count) => {
        if (error !== null) return reject(error);
        done += count;
        if (done === source.length) return resolve();
        next();
      });
    };
    next();
  });

const onDisk = (fd: number, syncAfterWrite: boolean): LogFile => ({
  read: (target, position) => readFully(fd, target, position),
  readSync: (target, position) => {
    let done = 0;
    while (done < target.length) {
      const count = fs.readSync(fd, target, done, target.length - done, position + done);
      if (count === 0) break;
      done += count;
    }
    return done;
  },
  write: async (source, position) => {
    await writeFully(fd, source, position);
    if (syncAfterWrite) await fdatasync(fd);
  },
  sync: () => fdatasync(fd),
  truncate: (length) => call((done) => fs.ftruncate(fd, length, done)),
  size: async () => fs.fstatSync(fd).size,
  close: () => call((done) => fs.close(fd, done)),
});

const call = (run: (done: (error: Error | null | undefined) => void) => void): Promise<void> =>
  new Promise((resolve, reject) => {
    run((error) => (error ? reject(error) : resolve()));
  });

const fdatasync = (fd: number): Promise<void> => call((done) => fs.fdatasync(fd, done));

const isMissing = (error: unknown): boolean =>
  error instanceof Error && "code" in error && error.code === "ENOENT";

/** The disk itself. */
export const diskFiles: Files = {
  makeDirectory: async (path) => {
    await fsp.mkdir(path, { recursive: true, mode: 0o700 });
  },
  list: (directory) => fsp.readdir(directory),
  open: async (path, { durable }) => {
    // Windows knows no O_DSYNC.
    const dsync: number | undefined = constants.O_DSYNC;
    const flags = constants.O_RDWR | constants.O_CREAT | (durable ? (dsync ?? 0) : 0);
    return onDisk(fs.openSync(path, flags, 0o600), durable && dsync === undefined);
  },
  load: async (path) => {
    try {
      return await fsp.readFile(path);
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  },
  save: async (path, content) => {
    const temporary = `${path}.new`;
    const handle = await fsp.open(temporary, "w", 0o600);
    try {
      await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await fsp.rename(temporary, path);
    await diskFiles.syncDirectory(dirname(path));
  },
  remove: (path) => fsp.rm(path, { force: true }),
  syncDirectory: async (path) => {
    if (process.platform === "win32") return; // A directory cannot be opened there.
    const handle = await fsp.open(path, "r");
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  },
};
