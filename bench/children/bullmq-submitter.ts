/** A client of BullMQ that hears of ends through QueueEvents. */
import { Queue, QueueEvents } from "bullmq";
import { runChild } from "../link.ts";
import { type Loads, openLoads, type Target } from "../loads.ts";

await runChild<{ readonly port: number }>(async ({ port }) => {
  const connection = { host: "127.0.0.1", port };
  const queue = new Queue("bench", {
    connection,
    // The default forgets events beyond 10,000, so that a submitter that lags would wait for ever.
    streams: { events: { maxLen: 1_000_000 } },
  });
  const events = new QueueEvents("bench", {
    connection: { ...connection, maxRetriesPerRequest: null },
    // From the beginning, so that none is missed while the first read is on its way.
    lastEventId: "0",
  });
  const onError = (error: Error) => process.stderr.write(`bullmq: ${String(error)}\n`);
  queue.on("error", onError);
  events.on("error", onError);
  await queue.waitUntilReady();
  await events.waitUntilReady();
  const target: Target = {
    submit: async (count) => {
      const data = { app: "noop" };
      if (count === 1) return [(await queue.add("noop", data)).id ?? ""];
      const jobs = Array.from({ length: count }, () => ({ name: "noop", data }));
      return (await queue.addBulk(jobs)).map(({ id = "" }) => id);
    },
    onEnded: async (listener) => {
      events.on("completed", ({ jobId }) => listener(jobId));
      events.on("failed", ({ jobId, failedReason }) => {
        process.stderr.write(`bullmq: job ${jobId} failed: ${failedReason}\n`);
        process.exit(1);
      });
    },
  };
  const loads = await openLoads(target);
  return {
    answers: {
      throughput: (load: Parameters<Loads["throughput"]>[0]) => loads.throughput(load),
      latency: (load: Parameters<Loads["latency"]>[0]) => loads.latency(load),
    },
    close: async () => {
      await events.close();
      await queue.close();
    },
  };
});
