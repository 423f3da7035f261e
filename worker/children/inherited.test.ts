import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const supervisor = fileURLToPath(new URL("./testing/inheriting.ts", import.meta.url));

test(
  "what a worker was started with is not open in its children",
  process.platform === "linux" ? {} : { skip: "descriptors are listed on Linux alone" },
  () => {
    const directory = mkdtempSync(join(tmpdir(), "cnct-inherited-"));
    try {
      const lock = join(directory, "lock");
      const descriptor = openSync(lock, "a");
      const between = Array.from({ length: 197 }, () => "ignore" as const);
      const { stdout, stderr } = spawnSync(process.execPath, [supervisor], {
        encoding: "utf8",
        stdio: ["ignore", "pipe", "pipe", ...between, descriptor, descriptor],
        timeout: 30_000,
      });
      closeSync(descriptor);
      assert.notEqual(stdout, "", stderr);
      const { own, childs } = JSON.parse(stdout) as Record<"own" | "childs", readonly string[]>;
      const isLock = (path: string) => path === lock;
      assert.equal(own.filter(isLock).length, 2, "the worker has it twice");
      assert.deepEqual(childs.filter(isLock), []);
      assert.ok(childs.length > 3, "the child was there");
    } finally {
      rmSync(directory, { recursive: true });
    }
  },
);
