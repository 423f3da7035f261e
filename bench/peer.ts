/** The peer: BullMQ on a Redis of our own that syncs its file before each answer. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { connect, createServer } from "node:net";
import { delimiter, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Child, startChild } from "./link.ts";
import type { System } from "./system.ts";
import { removeDirectory, temporaryDirectory } from "./temporary.ts";

/** Undefined if there is none on the PATH. */
export const findRedisServer = (): string | undefined =>
  (process.env["PATH"] ?? "")
    .split(delimiter)
    .filter((place) => place !== "")
    .map((place) => join(place, "redis-server"))
    .find((path) => existsSync(path));

const readyWithinMs = 10_000;

/** Redis, one worker of 100 jobs at once, and a submitter; its files are removed at its end. */
export const startPeer = async (binary: string): Promise<System> => {
  const directory = await temporaryDirectory("redis");
  const children: Child[] = [];
  let redis: ChildProcess | undefined;
  const endWithUs = () => redis?.kill("SIGKILL");
  const end = async () => {
    for (const child of children.splice(0).reverse()) await child.end();
    if (redis) await endProcess(redis);
    process.removeListener("exit", endWithUs);
    await removeDirectory(directory);
  };
  try {
    const port = await freePort();
    redis = spawn(
      binary,
      [
        ...["--bind", "127.0.0.1", "--port", String(port), "--dir", directory],
        ...["--appendonly", "yes", "--appendfsync", "always", "--save", ""],
      ],
      { stdio: "ignore" },
    );
    redis.once("error", () => undefined); // It will not answer, which is noticed next.
    process.once("exit", endWithUs);
    await answers(port);
    for (const program of ["bullmq-worker", "bullmq-submitter"])
      children.push(await startChild(program, { port }, program.replace("bullmq-", "")));
    const submitter = children.at(-1);
    if (!submitter) throw new Error("the submitter did not start");
    return {
      submitter,
      profiled: children,
      processes: [...children, { name: "redis-server", pid: redis.pid ?? -1 }],
      end,
    };
  } catch (error) {
    await end();
    throw error;
  }
};

/** Redis cannot choose one by itself. */
const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" ? (address?.port ?? 0) : 0));
    });
  });

const answers = async (port: number): Promise<void> => {
  const giveUpAt = performance.now() + readyWithinMs;
  while (!(await accepts(port))) {
    if (performance.now() > giveUpAt)
      throw new Error(`redis-server did not answer within ${readyWithinMs} ms`);
    await sleep(50);
  }
};

const accepts = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port });
    const settle = (isThere: boolean) => {
      socket.destroy();
      resolve(isThere);
    };
    socket.once("error", () => settle(false));
    socket.once("data", () => settle(true));
    socket.write("PING\r\n");
  });

const endProcess = async (child: ChildProcess): Promise<void> => {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const exit = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), 5_000);
  await exit;
  clearTimeout(timer);
};
