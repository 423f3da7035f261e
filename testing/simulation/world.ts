/** What every part of a simulation is built from. */
import type { Random } from "../../domain/chance.ts";
import type { Millis } from "../../domain/decider.ts";
import { type EventIds, eventIds } from "../../streams/event-ids.ts";
import type { MemoryQueue } from "../memory-queue.ts";
import type { BlobHost } from "./blobs.ts";
import type { Faults } from "./faults.ts";
import { type Life, startLife } from "./life.ts";
import type { Sabotage } from "./sabotage.ts";
import type { Scheduler } from "./scheduler.ts";
import type { StoreHost } from "./store-host.ts";
import type { Trace } from "./trace.ts";
import type { Watch } from "./watch.ts";

export interface World {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly trace: Trace;
  readonly store: StoreHost;
  readonly queue: MemoryQueue;
  readonly blobs: BlobHost;
  readonly watch: Watch;
  readonly sabotage: Sabotage;
  /** Those of now: none after the healing. */
  faults(): Faults;
}

/** A new life of a process, with the clock that its machine has. */
export const beginLife = ({ scheduler, trace }: World, name: string, skewMs: Millis): Life => {
  trace.say(`${name} starts`);
  return startLife(scheduler, name, skewMs);
};

export const freshIds = (random: Random): EventIds =>
  eventIds(Array.from({ length: 12 }, () => Math.floor(random() * 16).toString(16)).join(""));

export const pause = (life: Life, delayMs: Millis): Promise<void> =>
  new Promise((resolve) => life.clock.after(delayMs, resolve));

/** Not now: what the services may meet and get over. Everything else that is thrown is a bug. */
export const isWeather = (error: unknown): boolean =>
  error instanceof Error && ["EventStoreError", "TaskQueueError", "BlobError"].includes(error.name);

/** What a worker may say in words is its trouble; these are ours. */
export const isBug = (error: unknown): boolean =>
  !(error instanceof Error) || /^(Type|Range|Reference|Assertion|Syntax)Error/.test(error.name);

export const sayOf = (error: unknown): string =>
  error instanceof Error ? `${error.name}: ${error.message}` : String(error);
