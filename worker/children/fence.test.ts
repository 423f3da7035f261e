/** A program that tries to get out, inside the fence and without one. */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createSocket, type Socket } from "node:dgram";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { type Fence, FenceError, openFence } from "./fence.ts";
import type { Targets, Try } from "./testing/fence-probe.ts";

const probe = fileURLToPath(new URL("./testing/fence-probe.ts", import.meta.url));
const fence = await openFence("auto");
const isLinux = process.platform === "linux";

describe(
  "a program that tries to get out",
  isLinux ? {} : { skip: "there is no fence here" },
  () => {
    let directory: string;
    let servers: readonly Server[];
    let names: Socket;
    let targets: Omit<Targets, "inside">;
    /** Who came, by any way. */
    let visits = 0;

    before(async () => {
      directory = await mkdtemp(join(tmpdir(), "cnct-fence-"));
      await writeFile(join(directory, "secret.txt"), "canary in a file");
      const listen = (where: object) =>
        new Promise<Server>((resolve) => {
          const server: Server = createServer((socket) => {
            visits++;
            socket.destroy();
          }).listen(where, () => resolve(server));
        });
      const socket = join(directory, "socket");
      const abstractSocket = `cnct-fence-${process.pid}`;
      const tcp = await listen({ port: 0, host: "127.0.0.1" });
      servers = [
        tcp,
        await listen({ path: socket }),
        await listen({ path: `\0${abstractSocket}` }),
      ];
      names = createSocket("udp4");
      names.on("message", (_message, { port, address }) => {
        visits++;
        names.send("I am", port, address);
      });
      await new Promise<void>((resolve) => names.bind(0, "127.0.0.1", resolve));
      targets = {
        directory,
        file: join(directory, "secret.txt"),
        home: directory,
        supervisor: process.pid,
        // What it had from its start: changes of `process.env` are not seen from outside.
        secret: `PATH=${process.env["PATH"]}`,
        hostname: hostname(),
        tcpPort: (tcp.address() as { readonly port: number }).port,
        udpPort: names.address().port,
        socket,
        abstractSocket,
      };
    });
    after(async () => {
      for (const server of servers) server.close();
      names.close();
      await rm(directory, { recursive: true, force: true });
    });

    const run = async (inner: Fence): Promise<readonly Try[]> => {
      const inside = inner.kind !== "none";
      const command = [probe, JSON.stringify({ ...targets, inside } satisfies Targets)];
      const { file, args, ...options } = inner.command(command, 2 ** 30);
      const limits = { timeout: 60_000, killSignal: "SIGKILL" } as const;
      const { stdout } = await promisify(execFile)(file, args, { ...options, ...limits });
      return JSON.parse(stdout) as readonly Try[];
    };

    test(
      "is refused all of it inside",
      fence.kind === "none" ? { skip: fence.says } : {},
      async (context) => {
        const tries = await run(fence);
        for (const { name, says } of tries) context.diagnostic(`${name}: ${says}`);
        assert.deepEqual(
          tries.filter(({ reached }) => reached),
          [],
        );
        assert.equal(visits, 0, "somebody came");
        assert.ok(tries.length >= (process.arch === "x64" ? 60 : 40), `${tries.length} tries`);
      },
    );

    test("gets what it tries without a fence, so that the refusals come from the fence", async () => {
      const tries = await run(await openFence("off"));
      assert.deepEqual(
        tries.filter(({ reached }) => !reached),
        [],
      );
      assert.equal(visits, 4);
      assert.ok(tries.length >= 16, `${tries.length} tries`);
    });
  },
);

describe("whether there is a fence", () => {
  test("is found out, and said", async () => {
    assert.match(fence.says, /^(bubblewrap|none \(.+\))/);
    assert.equal(fence.kind === "none", fence.says.startsWith("none"));
    const off = await openFence("off");
    assert.deepEqual([off.kind, off.says.startsWith("none (switched off;")], ["none", true]);
  });

  test("is not taken from the name of a program", async () => {
    const found = { bwrap: "/bin/false" };
    const without = await openFence("auto", found);
    assert.equal(without.kind, "none");
    assert.match(
      without.says,
      isLinux ? /cannot build one here: it ended with 1/ : /there is none/,
    );
    // It builds nothing, and runs what it is given.
    const directory = await mkdtemp(join(tmpdir(), "cnct-fence-"));
    await chmod(directory, 0o755);
    const pretender = join(directory, "bwrap");
    await writeFile(
      pretender,
      '#!/bin/sh\nwhile [ "$1" != -- ]; do shift; done; shift\nexec "$@"\n',
      {
        mode: 0o755,
      },
    );
    const pretended = await openFence("auto", { bwrap: pretender });
    await rm(directory, { recursive: true });
    assert.equal(pretended.kind, "none");
    assert.match(pretended.says, isLinux ? /holes: .*\/etc\/passwd/ : /there is none/);
  });

  test("decides whether a worker starts that is to have one", async () => {
    await assert.rejects(openFence("require", {}), (error) => {
      assert.ok(error instanceof FenceError);
      assert.equal(error.code, "no-fence");
      assert.match(error.message, /^there is no fence: /);
      return true;
    });
    if (fence.kind === "bubblewrap") assert.equal((await openFence("require")).kind, "bubblewrap");
  });
});
