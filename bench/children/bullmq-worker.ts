/** A BullMQ worker that computes nothing, 100 jobs at once. */
import { Worker } from "bullmq";
import { runChild } from "../link.ts";

await runChild<{ readonly port: number }>(async ({ port }) => {
  const worker = new Worker("bench", async () => "", {
    connection: { host: "127.0.0.1", port, maxRetriesPerRequest: null },
    concurrency: 100,
  });
  worker.on("error", (error) => process.stderr.write(`bullmq worker: ${String(error)}\n`));
  await worker.waitUntilReady();
  return { close: () => worker.close() };
});
