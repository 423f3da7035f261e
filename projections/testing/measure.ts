/**
 * Measures how fast the views are folded:
 *
 *     node projections/testing/measure.ts [jobs]
 *
 * `catch-up` folds a log that is there, as a gateway does that starts without views; `live` folds
 * while jobs are appended in the same process, so that its CPU time contains the appends (given
 * beside it without views); `rebuild` is what `cnct projections rebuild` does.
 */
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { wallClock } from "../../streams/clock.ts";
import { decode } from "../../streams/codec.ts";
import { openEmbeddedStore } from "../../streams/embedded/store.ts";
import { beforeFirst, type EventStore } from "../../streams/event-store.ts";
import { openProjections } from "../open.ts";
import { proveProjections, rebuildProjections } from "../rebuild.ts";
import { beginning, lives, write } from "./history.ts";

const jobs = Number(process.argv[2] ?? 20_000);
const directory = mkdtempSync(join(tmpdir(), "cnct-views-"));

const measured = async <Result>(
  name: string,
  events: () => number,
  work: () => Promise<Result>,
): Promise<Result> => {
  const cpu = process.cpuUsage();
  const start = performance.now();
  const result = await work();
  const elapsedMs = performance.now() - start;
  const { user, system } = process.cpuUsage(cpu);
  const count = events();
  process.stdout.write(
    `${name}: ${count} events in ${elapsedMs.toFixed(0)} ms = ` +
      `${((count / elapsedMs) * 1000).toFixed(0)} events/s, ` +
      `${((user + system) / count).toFixed(2)} us CPU an event\n`,
  );
  return result;
};

const appendAll = async (store: EventStore): Promise<void> => {
  await write(store, beginning());
  for (let from = 0; from < jobs; from += 100)
    await write(
      store,
      lives(from, Math.min(from + 100, jobs)),
      (from + 2).toString().padStart(12, "0"),
    );
};

const countOf = (appends: ReturnType<typeof lives>): number =>
  appends.reduce((sum, { events }) => sum + events.length, 0);

try {
  const events = countOf(beginning()) + countOf(lives(0, jobs));
  const bare = await openEmbeddedStore({ directory: join(directory, "bare"), fsync: "none" });
  await measured(
    "append without views",
    () => events,
    () => appendAll(bare),
  );
  await bare.close();

  const store = await openEmbeddedStore({ directory: join(directory, "log"), fsync: "none" });
  const options = {
    store,
    clock: wallClock,
    onError: (error: unknown) => process.stderr.write(`${String(error)}\n`),
  };
  const live = await openProjections({ ...options, directory: join(directory, "live") });
  let flushes = 0;
  live.onFlush(() => flushes++);
  await measured(
    "live with appends",
    () => events,
    async () => {
      await appendAll(store);
      await live.waitFor(await store.head(), 60_000);
    },
  );
  process.stdout.write(`  in ${flushes} flushes\n`);
  await live.close();

  const reading = async (): Promise<void> => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const subscription = store.subscribe({
      after: beforeFirst,
      onEvents: (batch) => batch.forEach((recorded) => void decode(recorded)),
      onCaughtUp: resolve,
    });
    await promise;
    await subscription.close();
  };
  await measured("read alone", () => events, reading);
  const late = await openProjections({ ...options, directory: join(directory, "late") });
  await measured(
    "catch-up",
    () => events,
    async () => late.waitFor(await store.head(), 60_000),
  );
  await late.close();
  process.stdout.write(
    `  ${(statSync(join(directory, "late", "views.sqlite")).size / jobs).toFixed(0)} bytes a job\n`,
  );

  const rebuilt = await measured(
    "rebuild",
    () => events,
    () => rebuildProjections({ store, directory: join(directory, "live") }),
  );
  const proof = await measured(
    "rebuild and compare",
    () => events,
    () => proveProjections({ store, directory: join(directory, "live") }),
  );
  process.stdout.write(`  ${rebuilt.events} events, identical: ${proof.identical}\n`);
  await store.close();
} finally {
  rmSync(directory, { recursive: true, force: true });
}
