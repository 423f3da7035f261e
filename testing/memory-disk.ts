/**
 * A disk in memory that can lose its power: what was not synced is lost, a durable write under way is
 * torn at any byte, a file whose directory was not synced was never there.
 */
import type { Random } from "../domain/chance.ts";
import type { Files, LogFile } from "../streams/embedded/files.ts";

export interface MemoryDisk {
  /** The disk for one process; after a crash its calls are never answered. */
  mount(): Files;
  /** The power fails. Whoever mounts it next finds what was durable. */
  crash(random: Random): void;
  /** Whether a durable write is under way. */
  isWriting(): boolean;
  /** Durable writes that were cut in the middle by a crash. */
  torn(): number;
}

interface Content {
  readonly live: Bytes;
  readonly durable: Bytes;
  /** Whether its name would survive. */
  named: boolean;
}

interface Bytes {
  buffer: Buffer;
  length: number;
}

interface Write {
  readonly content: Content;
  readonly bytes: Buffer;
  readonly position: number;
}

/** @param work - Resolves when the disk has done what it was asked: its latency. */
export const memoryDisk = (work: (what: string) => Promise<void>): MemoryDisk => {
  const contents = new Map<string, Content>();
  const writing = new Set<Write>();
  let generation = 0;
  let torn = 0;

  const mount = (): Files => {
    const own = generation;
    /** Goes on only if the power is still on. */
    const done = (what: string): Promise<void> =>
      new Promise((resolve) => {
        void work(what).then(() => {
          if (own === generation) resolve();
        });
      });

    const fileOf = (content: Content, durable: boolean): LogFile => {
      const { live } = content;
      const readSync = (target: Uint8Array, position: number): number =>
        live.buffer.copy(target, 0, position, Math.min(live.length, position + target.length));
      return {
        readSync,
        read: async (target, position) => {
          await done("read");
          return readSync(target, position);
        },
        write: async (source, position) => {
          const write: Write = { content, bytes: Buffer.from(source), position };
          if (durable && own === generation) writing.add(write);
          await done("write");
          writing.delete(write);
          put(live, write.bytes, position);
          if (durable) put(content.durable, write.bytes, position);
        },
        sync: async () => {
          await done("sync");
          copyInto(content.durable, live);
        },
        truncate: async (length) => {
          await done("truncate");
          resize(live, length);
        },
        size: async () => live.length,
        close: async () => {},
      };
    };

    const contentOf = (path: string): Content => {
      const known = contents.get(path);
      if (known) return known;
      const content: Content = { live: noBytes(), durable: noBytes(), named: false };
      contents.set(path, content);
      return content;
    };

    return {
      makeDirectory: async () => done("mkdir"),
      list: async (directory) => {
        await done("list");
        const start = `${directory}/`;
        return [...contents.keys()]
          .filter((path) => path.startsWith(start))
          .map((path) => path.slice(start.length));
      },
      open: async (path, { durable }) => {
        await done("open");
        return fileOf(contentOf(path), durable);
      },
      load: async (path) => {
        await done("load");
        const content = contents.get(path);
        return content && Buffer.from(content.live.buffer.subarray(0, content.live.length));
      },
      save: async (path, bytes) => {
        await done("save");
        const content = contentOf(path);
        resize(content.live, 0);
        put(content.live, bytes, 0);
        copyInto(content.durable, content.live);
        content.named = true;
      },
      remove: async (path) => {
        await done("remove");
        contents.delete(path);
      },
      syncDirectory: async (directory) => {
        await done("sync directory");
        const start = `${directory}/`;
        for (const [path, content] of contents) if (path.startsWith(start)) content.named = true;
      },
    };
  };

  return {
    mount,
    crash: (random) => {
      generation++;
      for (const { content, bytes, position } of writing) {
        const length = Math.floor(random() * (bytes.length + 1));
        if (length > 0 && length < bytes.length) torn++;
        put(content.durable, bytes.subarray(0, length), position);
      }
      writing.clear();
      for (const [path, content] of contents) {
        if (!content.named) contents.delete(path);
        copyInto(content.live, content.durable);
      }
    },
    isWriting: () => writing.size > 0,
    torn: () => torn,
  };
};

const noBytes = (): Bytes => ({ buffer: Buffer.alloc(0), length: 0 });

const resize = (bytes: Bytes, length: number): void => {
  if (length > bytes.buffer.length) {
    const grown = Buffer.alloc(Math.max(length, bytes.buffer.length * 2));
    bytes.buffer.copy(grown, 0, 0, bytes.length);
    bytes.buffer = grown;
  } else if (length < bytes.length) bytes.buffer.fill(0, length, bytes.length);
  bytes.length = length;
};

const put = (into: Bytes, bytes: Uint8Array, position: number): void => {
  if (position + bytes.length > into.length) resize(into, position + bytes.length);
  into.buffer.set(bytes, position);
};

const copyInto = (target: Bytes, source: Bytes): void => {
  resize(target, source.length);
  source.buffer.copy(target.buffer, 0, 0, source.length);
};
