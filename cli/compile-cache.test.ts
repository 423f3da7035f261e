import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { compiledDirectory } from "./compile-cache.ts";

const run = (...args: readonly string[]) => {
  const { NODE_COMPILE_CACHE: _, ...env } = process.env;
  const all = ["--disable-warning=ExperimentalWarning", ...args];
  return spawnSync(process.execPath, all, { env, encoding: "utf8", cwd: import.meta.dirname });
};
const filesBelow = (directory: string) =>
  readdirSync(directory, { recursive: true, withFileTypes: true }).filter((one) => one.isFile());

test("what a command has compiled is kept in the project's own folder", () => {
  const tell = `import { getCompileCacheDir } from "node:module";
    process.once("exit", () => console.log(getCompileCacheDir()));`;
  const url = `data:text/javascript,${encodeURIComponent(tell)}`;
  const { status, stdout, stderr } = run("--import", url, "main.ts", "--version");
  assert.deepEqual([status, stderr], [0, ""]);
  assert.equal(dirname(stdout.trimEnd().split("\n").at(-1) ?? ""), compiledDirectory);
});

test("modules loaded after it are kept, and nothing is lost where they cannot be", (t) => {
  const directory = mkdtempSync(join(tmpdir(), "cnct-compiled-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const load = (into: string) =>
    run(
      "--input-type=module",
      "--eval",
      `import { keepCompiled } from "./compile-cache.ts"; keepCompiled(${JSON.stringify(into)});
      console.log(typeof (await import("./exit-codes.ts")).exitCodes);`,
    );
  const { stdout } = load(join(directory, "kept"));
  assert.equal(stdout, "object\n");
  assert.ok(filesBelow(join(directory, "kept")).length > 0);
  writeFileSync(join(directory, "file"), "in the way");
  const { status, stdout: same, stderr } = load(join(directory, "file"));
  assert.deepEqual([status, same, stderr], [0, "object\n", ""]);
});
