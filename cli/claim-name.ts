/**
 * One worker of a name on a machine: two would answer for one node, and each would take the other's
 * tasks for lost ones.
 *
 * The claim is an abstract Unix socket, which Linux gives to one process at a time and takes back the
 * moment that process ends, however it ends: a worker that was killed can start again at once. Other
 * systems have none, and other machines do not see it: there nothing is noticed.
 */

import { createHash } from "node:crypto";
import { createServer } from "node:net";
import { exitCodes } from "./exit-codes.ts";
import { CliFailure } from "./failures.ts";

/**
 * Claims a node's name in the network of a gateway, until it is released or the process ends.
 *
 * @returns Releases it.
 * @throws {CliFailure} `name-in-use`.
 */
export const claimName = (gateway: string, nodeId: string): Promise<() => Promise<void>> => {
  const url = new URL(gateway);
  const host = /^(localhost|\[::1\])$/.test(url.hostname) ? "127.0.0.1" : url.hostname;
  const network = `${host}:${url.port || url.protocol}`;
  return claim("worker", `${network} ${nodeId}`, {
    code: "name-in-use",
    message: `a worker named ${nodeId} runs on this machine already; stop it, or give another --name`,
  });
};

/**
 * Claims anything for one process of this machine.
 *
 * @param kind - Of the thing, such as `worker`.
 * @returns Releases it.
 * @throws {CliFailure} `taken`, while another process has it.
 */
export const claim = async (
  kind: string,
  name: string,
  taken: { readonly code: string; readonly message: string },
): Promise<() => Promise<void>> => {
  if (process.platform !== "linux") return async () => undefined;
  const digest = createHash("sha256").update(name).digest("hex");
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    server.once("listening", resolve);
    server.once("error", (error: NodeJS.ErrnoException) =>
      reject(
        error.code === "EADDRINUSE"
          ? new CliFailure(taken.code, taken.message, exitCodes.machine, error)
          : error,
      ),
    );
    server.listen({ path: `\0cnct-${kind}-${digest}` });
  });
  server.unref();
  return () => new Promise((resolve) => server.close(() => resolve()));
};
