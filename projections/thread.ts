/**
 * The views, folded in a thread of their own: folding and SQLite take as much CPU as everything else
 * in a coordinator together. Reading stays here, on a connection of its own.
 */
import { Worker } from "node:worker_threads";
import type { Instant, Millis } from "../domain/decider.ts";
import type { Clock, Timer } from "../streams/clock.ts";
import type { Position } from "../streams/event-store.ts";
import { beforeFirst } from "../streams/event-store.ts";
import { type ReadableStore, shareStore } from "../streams/relay.ts";
import { openDatabase } from "./database.ts";
import { viewsPath } from "./open.ts";
import type { Lag, Projections } from "./projections.ts";
import { readViews } from "./read.ts";
import type { Views } from "./views.ts";

export interface ThreadOptions {
  readonly store: ReadableStore;
  /** Where the store is on the wire, if it is: the thread then has a connection of its own. */
  readonly storeUrl?: string | undefined;
  /** Holds `views.sqlite`; made if it is not there. */
  readonly directory: string;
  readonly clock: Clock;
  /** Hears what broke; the runner goes on by itself. */
  readonly onError: (error: unknown) => void;
  /** Hears that and why the views are rebuilt. Default: a line on standard error. */
  readonly onNotice?: (text: string) => void;
}

export interface ThreadProjections extends Projections {
  /** Ends the thread in the middle of its work, for tests of its return. */
  kill(): void;
}

export interface ThreadPlace {
  readonly directory: string;
  readonly storeUrl: string | undefined;
}

export type ThreadOrder =
  | {
      readonly order: "wait";
      readonly id: number;
      readonly position: Position;
      readonly timeoutMs: Millis;
    }
  | { readonly order: "close" };

export type ThreadNews =
  | { readonly news: "open"; readonly flushed: Position; readonly lag: Lag }
  | { readonly news: "flushed"; readonly flushed: Position }
  | { readonly news: "lag"; readonly lag: Lag }
  | {
      readonly news: "waited";
      readonly id: number;
      readonly reached: boolean;
      readonly flushed: Position;
    }
  | { readonly news: "trouble"; readonly message: string }
  | { readonly news: "notice"; readonly text: string };

const restartMs = 200;

interface Waiting {
  readonly position: Position;
  readonly until: Instant;
  readonly settle: (reached: boolean) => void;
}

/**
 * Opens the views of a directory and follows the store, as `openProjections` does. A thread that
 * dies is started again and goes on from the checkpoint.
 *
 * @throws {Error} SQLite's, when the file cannot be opened.
 */
export const openProjectionsThread = async (options: ThreadOptions): Promise<ThreadProjections> => {
  const { store, storeUrl, directory, clock, onError } = options;
  const notice = options.onNotice ?? ((text) => void process.stderr.write(`views: ${text}\n`));
  let flushed: Position = beforeFirst;
  let lag: Lag = { flushed, pending: 0, live: false, behindMs: 0 };
  let lagAt = clock.now();
  const waiting = new Map<number, Waiting>();
  let lastId = 0;
  let closing = false;
  let worker: Worker;
  let restarting: Timer | undefined;
  let ended: () => void = () => undefined;
  let reader: Reader | undefined;

  const ask = (id: number, { position, until }: Waiting): void => {
    const timeoutMs = Math.max(0, until - clock.now());
    worker.postMessage({ order: "wait", id, position, timeoutMs } satisfies ThreadOrder);
  };

  const hear = (news: ThreadNews): void => {
    if ("flushed" in news) flushed = news.flushed;
    switch (news.news) {
      case "open":
        reader?.renew();
        lag = news.lag;
        lagAt = clock.now();
        break;
      case "lag":
        lag = news.lag;
        lagAt = clock.now();
        break;
      case "waited":
        waiting.get(news.id)?.settle(news.reached);
        break;
      case "trouble":
        onError(new Error(news.message));
        break;
      case "notice":
        notice(news.text);
    }
  };

  const start = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const thread = new Worker(new URL("run-thread.ts", import.meta.url), {
        workerData: { directory, storeUrl } satisfies ThreadPlace,
        name: "views",
      });
      worker = thread;
      const unshare = shareStore(store, thread);
      let isOpen = false;
      let failure: unknown;
      thread.on("message", (message: { readonly news?: string }) => {
        if (message.news === undefined) return; // The store's.
        hear(message as ThreadNews);
        if (message.news !== "open") return;
        isOpen = true;
        for (const [id, one] of waiting) ask(id, one);
        resolve();
      });
      thread.once("error", (error) => {
        failure = error;
      });
      thread.once("exit", (code) => {
        void unshare().catch(onError);
        lag = { ...lag, live: false };
        ended();
        if (closing) return;
        const error = failure ?? new Error(`the thread of the views ended with code ${code}`);
        if (!isOpen) return reject(error);
        onError(error);
        restart();
      });
    });

  const restart = (): void => {
    restarting = clock.after(restartMs, () => {
      start().catch((error: unknown) => {
        onError(error);
        if (!closing) restart();
      });
    });
  };

  await start();
  const reading = openReader(viewsPath(directory), () => flushed);
  reader = reading;
  let closed: Promise<void> | undefined;

  return {
    views: reading.views,
    position: () => flushed,

    waitFor: (position, timeoutMs) => {
      if (position <= flushed) return Promise.resolve(true);
      if (closing) return Promise.resolve(false);
      return new Promise((resolve) => {
        const id = ++lastId;
        // The thread may be busy or away: here the time is kept, there only the hurry.
        const timer = clock.after(timeoutMs, () => settle(false));
        const settle = (reached: boolean): void => {
          timer.cancel();
          waiting.delete(id);
          resolve(reached);
        };
        const one: Waiting = { position, until: clock.now() + timeoutMs, settle };
        waiting.set(id, one);
        ask(id, one);
      });
    },

    lag: () => {
      const sinceMs = lag.pending > 0 ? clock.now() - lagAt : 0;
      return { ...lag, flushed, behindMs: lag.behindMs + sinceMs };
    },

    kill: () => void worker.terminate(),

    close: () => {
      closed ??= (async () => {
        closing = true;
        restarting?.cancel();
        for (const { settle } of waiting.values()) settle(false);
        if (worker.threadId !== -1) {
          const gone = new Promise<void>((resolve) => {
            ended = resolve;
          });
          worker.postMessage({ order: "close" } satisfies ThreadOrder);
          await gone;
        }
        reading.close();
      })();
      return closed;
    },
  };
};

interface Reader {
  readonly views: Views;
  /** Reads the file that is there now: a thread that begins may have put another in its place. */
  renew(): void;
  close(): void;
}

const openReader = (path: string, position: () => Position): Reader => {
  let database = openDatabase(path, { readOnly: true });
  let now = readViews(database, position);
  return {
    views: {
      position,
      job: (jobHash) => now.job(jobHash),
      jobs: (filter, page) => now.jobs(filter, page),
      node: (nodeId) => now.node(nodeId),
      nodes: (filter, page) => now.nodes(filter, page),
      track: (nodeId) => now.track(nodeId),
      scoreChanges: (nodeId, page) => now.scoreChanges(nodeId, page),
      policy: () => now.policy(),
      account: (account) => now.account(account),
      accounts: (filter, page) => now.accounts(filter, page),
      entries: (account, page) => now.entries(account, page),
      blob: (digest) => now.blob(digest),
      blobs: (page) => now.blobs(page),
      serviceKey: (secretHash) => now.serviceKey(secretHash),
      nodesOfRevoked: (most) => now.nodesOfRevoked(most),
      totals: () => now.totals(),
    },
    renew: () => {
      const before = database;
      database = openDatabase(path, { readOnly: true });
      now = readViews(database, position);
      before.close();
    },
    close: () => database.close(),
  };
};
