/** The little that the local blob store asks of a disk. Tests put a faulty one in its place. */
import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { BlobError } from "../blob-store.ts";

export interface BlobFile {
  /** Writes all bytes behind those that were written before. */
  write(bytes: Uint8Array): Promise<void>;
  /** Resolves when what was written is on disk. */
  sync(): Promise<void>;
  /** Fills the target from `position`; answers the bytes read, fewer only at the end of the file. */
  read(target: Uint8Array, position: number): Promise<number>;
  close(): Promise<void>;
}

export interface Disk {
  makeDirectory(path: string): Promise<void>;
  list(directory: string): Promise<readonly string[]>;
  create(path: string): Promise<BlobFile>;
  /** Undefined if there is no such file. */
  open(path: string): Promise<BlobFile | undefined>;
  /** Bytes; undefined if there is no such file. */
  size(path: string): Promise<number | undefined>;
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  syncDirectory(path: string): Promise<void>;
}

const fileOf = (handle: FileHandle): BlobFile => ({
  write: async (bytes) => {
    for (let done = 0; done < bytes.length; )
      done += (await handle.write(bytes, done, bytes.length - done)).bytesWritten;
  },
  sync: () => handle.datasync(),
  read: async (target, position) => {
    let done = 0;
    while (done < target.length) {
      const { bytesRead } = await handle.read(target, done, target.length - done, position + done);
      if (bytesRead === 0) break;
      done += bytesRead;
    }
    return done;
  },
  close: () => handle.close(),
});

const unlessMissing = async <T>(work: Promise<T>): Promise<T | undefined> => {
  try {
    return await work;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
};

/** The disk itself. */
export const nodeDisk: Disk = {
  makeDirectory: async (path) => {
    await mkdir(path, { recursive: true, mode: 0o700 });
  },
  list: (directory) => readdir(directory),
  create: async (path) => fileOf(await open(path, "wx", 0o600)),
  open: async (path) => {
    const handle = await unlessMissing(open(path, "r"));
    return handle && fileOf(handle);
  },
  size: async (path) => (await unlessMissing(stat(path)))?.size,
  rename: (from, to) => rename(from, to),
  remove: (path) => rm(path, { force: true }),
  syncDirectory: async (path) => {
    if (process.platform === "win32") return; // A directory cannot be opened there.
    const handle = await open(path, "r");
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  },
};

const codeOf = (error: unknown): string | undefined =>
  error instanceof Error && "code" in error ? String(error.code) : undefined;

const fullCodes: ReadonlySet<string | undefined> = new Set(["ENOSPC", "EDQUOT", "EFBIG"]);

/** The blob store's error for what the disk said. */
export const diskError = (error: unknown, doing: string): BlobError => {
  if (error instanceof BlobError) return error;
  if (fullCodes.has(codeOf(error)))
    return new BlobError("disk-full", `no room left while ${doing}`, error);
  return new BlobError("unavailable", `the disk failed while ${doing}`, error);
};

/**
 * Syncs directories for many callers at once: who comes while a sync runs waits for the next one,
 * which serves all who came meanwhile.
 */
export const groupedDirectorySync = (disk: Disk): ((path: string) => Promise<void>) => {
  interface Syncing {
    readonly running: Promise<void>;
    next: Promise<void> | undefined;
  }
  const byPath = new Map<string, Syncing>();
  const start = (path: string): Promise<void> => {
    const running = disk.syncDirectory(path).finally(() => {
      if (byPath.get(path)?.running === running) byPath.delete(path);
    });
    byPath.set(path, { running, next: undefined });
    return running;
  };
  return (path) => {
    const now = byPath.get(path);
    if (!now) return start(path);
    now.next ??= now.running.then(
      () => start(path),
      () => start(path),
    );
    return now.next;
  };
};
