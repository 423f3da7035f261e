/**
 * How fast the event store is on this machine: appends by concurrency, in process and over the
 * wire, and reading back. `--json` prints one object. CPU time is that of this process, its thread
 * pool included; over the wire it holds both the client and the node.
 */

import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { serveEmbeddedStore } from "../streams/embedded/grpc/server.ts";
import { openEmbeddedStore } from "../streams/embedded/store.ts";
import type { EventStore, NewEvent } from "../streams/event-store.ts";
import { connectEventStoreDb } from "../streams/eventstoredb/store.ts";

interface Figure {
  readonly what: string;
  readonly eventsPerSecond: number;
  readonly cpuMicrosPerEvent: number;
  readonly p50Ms?: number;
  readonly p99Ms?: number;
}

const figures: Figure[] = [];
const json = process.argv.includes("--json");
const round = (value: number): number => Math.round(value * 100) / 100;

const note = (figure: Figure): void => {
  figures.push(figure);
  if (json) return;
  const { what, eventsPerSecond, cpuMicrosPerEvent, p50Ms, p99Ms } = figure;
  const latency = p50Ms === undefined ? "" : `  p50 ${p50Ms} ms, p99 ${p99Ms} ms`;
  console.log(`${what.padEnd(44)} ${eventsPerSecond}/s  ${cpuMicrosPerEvent} us CPU${latency}`);
};

/** Runs something that handles events and says how many; returns nothing but a figure. */
const measure = async (
  what: string,
  run: () => Promise<number>,
  latencies: Float64Array = new Float64Array(),
): Promise<void> => {
  const cpu = process.cpuUsage();
  const start = performance.now();
  const events = await run();
  const seconds = (performance.now() - start) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  latencies.sort();
  const at = (share: number): number => round(latencies[Math.floor(latencies.length * share)] ?? 0);
  note({
    what,
    eventsPerSecond: Math.round(events / seconds),
    cpuMicrosPerEvent: round((user + system) / events),
    ...(latencies.length === 0 ? {} : { p50Ms: at(0.5), p99Ms: at(0.99) }),
  });
};

const eventOf = (n: number): NewEvent => ({
  id: randomUUID(),
  type: "TaskAssigned",
  data: {
    jobHash: "a".repeat(64),
    n,
    at: 1_700_000_000_000,
    node: "b".repeat(40),
    price: "100000",
  },
});

/** Callers that each wait for their append before the next; every append is one event. */
const appends = async (
  where: string,
  store: EventStore,
  { callers, count }: { readonly callers: number; readonly count: number },
): Promise<void> => {
  const prepared = Array.from({ length: count }, (_, n) => ({
    stream: `job-${randomUUID().slice(0, 8)}-${String(n >>> 2).padStart(55, "0")}`,
    events: [eventOf(n)],
  }));
  const latencies = new Float64Array(count);
  let next = 0;
  const caller = async (): Promise<void> => {
    for (let at = next++; at < count; at = next++) {
      const { stream, events } = prepared[at]!;
      const began = performance.now();
      await store.append(stream, events, "any");
      latencies[at] = performance.now() - began;
    }
  };
  const run = async (): Promise<number> => {
    await Promise.all(Array.from({ length: callers }, caller));
    return count;
  };
  await measure(`append ${where}, ${callers} callers`, run, latencies);
};

const readEverything = (store: EventStore) => async (): Promise<number> => {
  let events = 0;
  for await (const _ of store.readAll("start")) events++;
  return events;
};

const catchUp = (store: EventStore) => async (): Promise<number> => {
  let events = 0;
  await new Promise<void>((resolve, reject) => {
    const subscription = store.subscribe({
      after: -1n,
      onEvents: (batch) => {
        events += batch.length;
      },
      onCaughtUp: resolve,
    });
    subscription.closed.catch(reject);
  });
  return events;
};

const directory = await mkdtemp(join(tmpdir(), "cnct-bench-"));
const embedded = await openEmbeddedStore({ directory });
const live = embedded.subscribe({ after: "end", onEvents: () => undefined });
if (!json) console.log("fsync policy: always; one live subscriber in process");
await appends("in process (warming up)", embedded, { callers: 4_096, count: 60_000 });
await appends("in process", embedded, { callers: 1, count: 2_000 });
await appends("in process", embedded, { callers: 64, count: 40_000 });
await appends("in process", embedded, { callers: 4_096, count: 200_000 });
await live.close();
await measure("read all in process", readEverything(embedded));
await measure("catch-up subscription in process", catchUp(embedded));
await embedded.close();
const reopening = performance.now();
const reopened = await openEmbeddedStore({ directory });
const openMs = Math.round(performance.now() - reopening);
if (!json) console.log(`open with ${reopened.log.committed} events: ${openMs} ms`);
const server = await serveEmbeddedStore(reopened);
const remote = await connectEventStoreDb(server.url);
await appends("over the wire (warming up)", remote, { callers: 64, count: 2_000 });
await appends("over the wire", remote, { callers: 1, count: 500 });
await appends("over the wire", remote, { callers: 64, count: 6_000 });
await appends("over the wire", remote, { callers: 4_096, count: 12_000 });
await measure("read all over the wire", readEverything(remote));
await remote.close();
await server.close();
await reopened.close();
await rm(directory, { recursive: true });
if (json) console.log(JSON.stringify({ figures, openMs }));
