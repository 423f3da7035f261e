import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { connectNats } from "./connection.ts";
import { startNatsServer } from "./server.ts";
import { NatsServerError, type NatsServerErrorCode } from "./server-error.ts";

const inDirectory = (run: (directory: string) => Promise<void>) => async (): Promise<void> => {
  const directory = await mkdtemp(join(tmpdir(), "cnct-nats-"));
  try {
    await run(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
};

const refused = (code: NatsServerErrorCode) => (error: unknown) =>
  error instanceof NatsServerError && error.code === code && error.message.length > 20;

/** A process that has ended but whose parent does not care is not alive. */
const isAlive = (pid: number): boolean => {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
};

describe("a nats-server of our own", () => {
  test(
    "serves on a free port, and is gone when it is stopped",
    inDirectory(async (directory) => {
      const lines: string[] = [];
      const server = await startNatsServer({ directory, onLog: (line) => lines.push(line) });
      const pid = server.pid();
      assert.ok(pid !== undefined && isAlive(pid) && server.port > 0);
      const link = await connectNats({ url: server.url, name: "test" });
      assert.equal(link.connection.info?.max_payload, 1024 ** 2);
      await link.close();
      await server.stop();
      assert.equal(isAlive(pid), false);
      assert.ok(lines.some((line) => line.includes("Server is ready")));
    }),
  );

  test(
    "starts again on the same port when it is killed, and tells",
    inDirectory(async (directory) => {
      const exits: string[] = [];
      const server = await startNatsServer({
        directory,
        onExit: ({ signal, restartInMs }) => exits.push(`${signal} ${restartInMs}`),
      });
      const first = server.pid();
      assert.ok(first !== undefined);
      process.kill(first, "SIGKILL");
      for (let i = 0; i < 300 && (!server.pid() || server.pid() === first); i++) await sleep(10);
      assert.notEqual(server.pid(), first);
      const link = await connectNats({ url: server.url, name: "test" });
      await link.close();
      assert.deepEqual(exits, ["SIGKILL 100"]);
      await server.stop();
      assert.equal(server.pid(), undefined);
    }),
  );

  test(
    "says that a port is in use",
    inDirectory(async (directory) => {
      const other = createServer().listen(0, "127.0.0.1");
      await once(other, "listening");
      const address = other.address();
      assert.ok(address && typeof address === "object");
      const starting = startNatsServer({ directory, port: address.port });
      await assert.rejects(starting, refused("port-in-use"));
      other.close();
    }),
  );

  test(
    "says that there is no nats-server",
    inDirectory(async (directory) => {
      const starting = startNatsServer({ directory, binary: join(directory, "nats-server") });
      await assert.rejects(starting, refused("nats-not-found"));
    }),
  );

  test(
    "refuses a directory that another one of us uses",
    inDirectory(async (directory) => {
      const server = await startNatsServer({ directory });
      await assert.rejects(startNatsServer({ directory }), refused("directory-in-use"));
      assert.ok(isAlive(server.pid() ?? 0));
      await server.stop();
    }),
  );

  test(
    "ends the server that a killed parent left behind, and keeps what it stored",
    inDirectory(async (directory) => {
      const program = `
        import { startNatsServer } from ${JSON.stringify(join(import.meta.dirname, "server.ts"))};
        const server = await startNatsServer({ directory: ${JSON.stringify(directory)} });
        console.log(server.pid());
      `;
      const parent = spawn(process.execPath, ["--input-type=module", "-e", program], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      const [said] = (await once(parent.stdout, "data")) as [Buffer];
      const orphan = Number(said.toString());
      parent.kill("SIGKILL");
      await once(parent, "exit");
      assert.ok(isAlive(orphan), "it must outlive its parent for this test to say anything");
      const server = await startNatsServer({ directory });
      assert.equal(isAlive(orphan), false);
      assert.ok(existsSync(join(directory, "jetstream")));
      const pid = await readFile(join(directory, "nats-server.pid"), "utf8");
      assert.equal(Number(pid), server.pid());
      await server.stop();
    }),
  );
});
