/** Folds the whole log anew, beside the views that are in use. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { decode } from "../streams/codec.ts";
import { beforeFirst, type EventStore, type Position } from "../streams/event-store.ts";
import { type Comparison, compareViews, openSnapshot } from "./compare.ts";
import {
  createIndexes,
  createTables,
  isUnreadable,
  openDatabase,
  presentVersions,
  removeDatabase,
  versionFault,
} from "./database.ts";
import { isHeard, streamPrefixes } from "./facts.ts";
import { openFold } from "./fold.ts";
import { viewsPath } from "./open.ts";

export interface RebuildProgress {
  /** Folded so far. */
  readonly position: Position;
  readonly events: number;
  /** Where the rebuild ends. */
  readonly upTo: Position;
}

export interface RebuildOptions {
  readonly store: EventStore;
  /** Gets `rebuilt.sqlite`; an older one is replaced. */
  readonly directory: string;
  /** The last position to be folded. Default: the head of the log when the rebuild begins. */
  readonly upTo?: Position;
  readonly onProgress?: (progress: RebuildProgress) => void;
}

export interface Rebuilt {
  /** The SQLite file. */
  readonly path: string;
  readonly position: Position;
  readonly events: number;
}

/** Nobody reads the file before it is done, so that it is written in steps of this many events. */
const stepEvents = 50_000;

/**
 * Folds the log from its start into a fresh file.
 *
 * @throws {EventStoreError} When the store does not answer; the file is then removed.
 * @throws {Error} SQLite's, such as for a full disk.
 */
export const rebuildProjections = async (options: RebuildOptions): Promise<Rebuilt> => {
  const { store, directory, onProgress } = options;
  const upTo = options.upTo ?? (await store.head());
  const path = join(directory, "rebuilt.sqlite");
  removeDatabase(path);
  const database = openDatabase(path);
  let isWhole = false;
  try {
    // The file counts only when it is whole: no journal, no sync.
    database.exec("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF");
    createTables(database, { versions: presentVersions, indexes: false });
    const fold = openFold(database);
    let events = 0;
    let pending = 0;
    let position = beforeFirst;
    const flush = (): void => {
      fold.flush(position);
      pending = 0;
      onProgress?.({ position, events, upTo });
    };

    let finish = (): void => undefined;
    const finished = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const subscription = store.subscribe({
      after: beforeFirst,
      filter: { streamPrefixes },
      onEvents: (batch) => {
        for (const recorded of batch) {
          if (recorded.position > upTo) return finish();
          const event = isHeard(recorded.stream) ? decode(recorded) : undefined;
          if (event) {
            fold.apply(event, recorded);
            events++;
            pending++;
          }
          position = recorded.position;
        }
        if (pending >= stepEvents) flush();
        if (position === upTo) finish();
      },
      onCheckpoint: (looked) => {
        if (looked >= upTo) finish();
      },
      onCaughtUp: () => finish(),
    });
    const broken = subscription.closed.then(() => {
      throw new Error("the subscription of the rebuild ended by itself");
    });
    try {
      if (upTo > beforeFirst) await Promise.race([finished, broken]);
    } finally {
      broken.catch(() => undefined); // It is closed from here on.
      await subscription.close();
    }
    position = upTo;
    flush();
    createIndexes(database);
    isWhole = true;
    return { path, position, events };
  } finally {
    database.close();
    if (!isWhole) removeDatabase(path);
  }
};

/** There is nothing to compare with. */
export class ViewsError extends Error {
  readonly code: "no-views" | "views-unreadable" | "views-of-another-version";
  constructor(code: ViewsError["code"], message: string, cause?: unknown) {
    super(message, { cause });
    this.name = "ViewsError";
    this.code = code;
  }
}

/** @throws {ViewsError} `no-views`. */
export const demandViews = (directory: string): void => {
  const path = viewsPath(directory);
  if (!existsSync(path)) throw new ViewsError("no-views", `there are no views at ${path}`);
};

/** @throws {ViewsError} Why these views cannot be compared. */
const openLive = (directory: string): ReturnType<typeof openSnapshot> => {
  demandViews(directory);
  const path = viewsPath(directory);
  try {
    const fault = versionFault(path, presentVersions);
    if (fault !== undefined)
      throw new ViewsError(
        "views-of-another-version",
        `the views at ${path} cannot be compared: ${fault}`,
      );
    return openSnapshot(path);
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    throw new ViewsError("views-unreadable", `SQLite cannot read the views at ${path}`, error);
  }
};

/**
 * Proves that the views in use are what the log says: folds the log anew up to where they stand and
 * compares row by row. The views may be in use meanwhile; what is compared is one moment of them.
 *
 * @throws {ViewsError} If there are no views yet, or they cannot be read, or another version of the
 *   program folded them.
 */
export const proveProjections = async (
  options: Omit<RebuildOptions, "upTo">,
): Promise<Comparison & { readonly events: number }> => {
  const live = openLive(options.directory);
  try {
    const { path: rebuiltPath, events } = await rebuildProjections({
      ...options,
      upTo: live.position,
    });
    const rebuilt = openSnapshot(rebuiltPath);
    try {
      return { ...compareViews(live, rebuilt), events };
    } finally {
      rebuilt.close();
    }
  } finally {
    live.close();
  }
};
