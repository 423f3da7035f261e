/**
 * The event store of a simulation: the real embedded engine on a disk in memory, and links to it over
 * which calls, answers and subscriptions can be late, lost or broken. It keeps a copy of all that it
 * ever showed, to be held against what it shows later.
 */
import type { Random } from "../../domain/chance.ts";
import type { Files } from "../../streams/embedded/files.ts";
import { type EmbeddedStore, openEmbeddedStore } from "../../streams/embedded/store.ts";
import {
  type AppendResult,
  beforeFirst,
  type EventStore,
  EventStoreError,
  type RecordedEvent,
  type SubscribeOptions,
  type Subscription,
} from "../../streams/event-store.ts";
import { memoryDisk } from "../memory-disk.ts";
import { noStoreFaults, type StoreFaults } from "./faults.ts";
import type { Life } from "./life.ts";
import type { Scheduler } from "./scheduler.ts";

export interface StoreHost {
  /** Powers it on; resolves when it answers. */
  start(): Promise<void>;
  /** The power fails. */
  crash(): void;
  isUp(): boolean;
  /** Whether events are on their way to the disk. */
  isWriting(): boolean;
  /** Refuses every call and breaks every subscription until told otherwise. */
  setOutage(out: boolean): void;
  setFaults(faults: StoreFaults): void;
  breakSubscriptions(): void;
  link(life: Life): EventStore;
  /** Everything that was ever visible, in order. */
  readonly log: readonly RecordedEvent[];
  /** What the engine itself says now. */
  readAll(): Promise<readonly RecordedEvent[]>;
  counts(): StoreCounts;
}

export type StoreCounts = Readonly<
  Record<"requestsLost" | "answersLost" | "delays" | "breaks" | "conflicts" | "torn", number>
>;

interface Session {
  readonly store: EmbeddedStore;
  readonly tap: Subscription;
}

const directory = "events";
const timeoutMs = 5_000;
const delayMaxMs = 4_000;
const outOfReach = (): EventStoreError =>
  new EventStoreError("unavailable", "it cannot be reached");

export const createStoreHost = ({
  scheduler,
  random,
  wrapFiles,
  onEvent,
}: {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly wrapFiles: (files: Files) => Files;
  /** Hears each event when it becomes visible. */
  readonly onEvent: (event: RecordedEvent) => void;
}): StoreHost => {
  let faults = noStoreFaults;
  let session: Session | undefined;
  let starts = 0;
  let out = false;
  const log: RecordedEvent[] = [];
  /** Breaks what goes over the wire now. */
  const wires = new Set<(error: unknown) => void>();
  const counts = { requestsLost: 0, answersLost: 0, delays: 0, breaks: 0, conflicts: 0 };
  const disk = memoryDisk(
    (what) =>
      new Promise((resolve) => {
        scheduler.after(0.05 + random() * random() * 8, `disk ${what}`, resolve);
      }),
  );

  const hit = (probability: number, count: keyof typeof counts): boolean => {
    const happens = probability > 0 && random() < probability;
    if (happens) counts[count]++;
    return happens;
  };
  const latencyMs = (): number =>
    0.1 + random() + (hit(faults.delay, "delays") ? random() * delayMaxMs : 0);

  const breakWires = (): void => {
    for (const cut of [...wires]) cut(outOfReach());
    wires.clear();
  };

  const start = async (): Promise<void> => {
    const own = ++starts;
    const store = await openEmbeddedStore({
      directory,
      files: wrapFiles(disk.mount()),
      lock: () => ({ release: () => {} }),
      now: () => Math.floor(scheduler.now()),
    });
    if (own !== starts) return;
    const last = log.at(-1)?.position ?? beforeFirst;
    const head = await store.head();
    if (head < last) throw new Error(`events after position ${head} are gone, ${last} was shown`);
    const tap = store.subscribe({
      after: last,
      onEvents: (events) => {
        if (own !== starts) return;
        for (const event of events) {
          log.push(event);
          onEvent(event);
        }
      },
    });
    session = { store, tap };
  };

  const append = (life: Life, ...call: Parameters<EventStore["append"]>): Promise<AppendResult> =>
    new Promise((resolve, reject) => {
      const late = scheduler.after(timeoutMs, `${life.name} waited for an append`, () =>
        reject(new EventStoreError("timeout", "no answer in time")),
      );
      const answer = (settle: () => void): void => {
        wires.delete(cut);
        if (hit(faults.answerLost, "answersLost")) return;
        scheduler.after(latencyMs(), `append answers ${life.name}`, () => {
          late.cancel();
          settle();
        });
      };
      const cut = (error: unknown): void => answer(() => reject(error));
      if (hit(faults.requestLost, "requestsLost")) return;
      scheduler.after(latencyMs(), `append of ${life.name}`, () => {
        const current = session;
        if (!current || out) {
          answer(() => reject(outOfReach()));
          return;
        }
        wires.add(cut);
        current.store.append(...call).then(
          (result) => {
            if (!wires.has(cut)) return;
            if (!result.ok) counts.conflicts++;
            answer(() => resolve(result));
          },
          (error: unknown) => {
            if (wires.has(cut)) answer(() => reject(error));
          },
        );
      });
    });

  const hop = (life: Life, label: string): Promise<void> =>
    life.guard(
      new Promise((resolve) => {
        scheduler.after(latencyMs(), `${label} ${life.name}`, resolve);
      }),
    );

  async function* read(
    life: Life,
    ...[stream, from, options]: Parameters<EventStore["readStream"]>
  ): AsyncGenerator<RecordedEvent> {
    await hop(life, "read of");
    if (!session || out || hit(faults.requestLost, "requestsLost")) throw outOfReach();
    const { store } = session;
    const events = await new Promise<readonly RecordedEvent[]>((resolve, reject) => {
      wires.add(reject);
      const all = async (): Promise<void> => {
        const read: RecordedEvent[] = [];
        for await (const event of store.readStream(stream, from, options)) read.push(event);
        resolve(read);
      };
      all()
        .catch(reject)
        .finally(() => wires.delete(reject));
    });
    await hop(life, "read answers");
    yield* events;
  }

  /** The next batch is on its way when the last one was taken. */
  const subscribe = (life: Life, options: SubscribeOptions): Subscription => {
    const closed = Promise.withResolvers<void>();
    closed.promise.catch(() => undefined);
    let inner: Subscription | undefined;
    let open = true;
    const end = (error?: unknown): void => {
      if (!open) return;
      open = false;
      wires.delete(end);
      void inner?.close();
      if (life.isOver()) return;
      if (error) closed.reject(error);
      else closed.resolve();
    };
    life.onEnd(() => end());
    void hop(life, "subscription of").then(() => {
      if (!open) return;
      if (!session || out) {
        end(outOfReach());
        return;
      }
      wires.add(end);
      inner = session.store.subscribe({
        ...options,
        onEvents: async (events) => {
          if (hit(faults.subscriptionBreaks, "breaks")) {
            end(outOfReach());
            return;
          }
          await hop(life, "news for");
          if (!open) return;
          await options.onEvents(events);
        },
        onCaughtUp: () => {
          void hop(life, "caught up").then(() => {
            if (open) options.onCaughtUp?.();
          });
        },
      });
      inner.closed.catch((error: unknown) => {
        end(error);
      });
    });
    return {
      closed: closed.promise,
      close: async () => {
        end();
      },
    };
  };

  return {
    start,
    crash: () => {
      starts++;
      session = undefined;
      disk.crash(random);
      breakWires();
    },
    isUp: () => session !== undefined,
    isWriting: disk.isWriting,
    setOutage: (value) => {
      out = value;
      if (out) breakWires();
    },
    setFaults: (next) => {
      faults = next;
    },
    breakSubscriptions: breakWires,
    link: (life) => {
      const none = (): never => {
        throw new Error("no service of the simulation asks this of the event store");
      };
      return {
        append: (...call) => life.guard(append(life, ...call)),
        readStream: (...call) => read(life, ...call),
        subscribe: (options) => subscribe(life, options),
        readAll: none,
        deleteStream: none,
        tombstoneStream: none,
        getMetadata: none,
        setMetadata: none,
        head: none,
        close: async () => {},
      };
    },
    log,
    readAll: async () => {
      const events: RecordedEvent[] = [];
      if (session) for await (const event of session.store.readAll("start")) events.push(event);
      return events;
    },
    counts: () => ({ ...counts, torn: disk.torn() }),
  };
};
