/** A node that computes nothing, as `cnct worker --apps noop,echo` runs it. */
import { runWorkerHost } from "../../cli/worker.ts";
import { native } from "../../crypto/primitives-native.ts";
import { newIdentity } from "../../sdk/index.ts";
import { runChild } from "../link.ts";

interface Options {
  readonly gateway: string;
  readonly nodeId: string;
  /** Whether it has an identity. */
  readonly secure: boolean;
}

await runChild<Options>(async ({ gateway, nodeId, secure }) => {
  const own = secure ? newIdentity({ roles: ["worker"] }, native) : undefined;
  const host = await runWorkerHost({
    gateway,
    nodeId,
    owner: own?.id ?? nodeId,
    ...(own && { identity: { latest: () => own, current: async () => own } }),
    apps: ["noop", "echo"],
    engines: ["ort-node"],
    slots: 100,
    backlog: 4_000,
    version: "bench",
    notify: (notice) => {
      if (notice.type === "trouble") process.stderr.write(`${nodeId}: ${notice.what}\n`);
    },
    onLog: (line) => {
      if (!/^(?:nats is|fence:)/.test(line)) process.stderr.write(`${nodeId}: ${line}\n`);
    },
  });
  return { close: () => host.close() };
});
