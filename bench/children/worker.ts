/** A node that computes nothing, as `cnct worker --apps noop` runs it. */
import { runWorkerHost } from "../../cli/worker.ts";
import { runChild } from "../link.ts";

interface Options {
  readonly gateway: string;
  readonly nodeId: string;
}

await runChild<Options>(async ({ gateway, nodeId }) => {
  const host = await runWorkerHost({
    gateway,
    nodeId,
    owner: nodeId,
    apps: ["noop"],
    engines: ["ort-node"],
    slots: 100,
    backlog: 4_000,
    version: "bench",
    notify: (notice) => {
      if (notice.type === "trouble") process.stderr.write(`${nodeId}: ${notice.what}\n`);
    },
    onLog: (line) => {
      if (!line.startsWith("nats is")) process.stderr.write(`${nodeId}: ${line}\n`);
    },
  });
  return { close: () => host.close() };
});
