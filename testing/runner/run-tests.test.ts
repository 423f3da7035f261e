import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { longest, longestFirst } from "./longest-first.ts";

const runner = join(dirname(import.meta.dirname), "run-tests.ts");
const project = dirname(dirname(runner));
const imports =
  'import assert from "node:assert/strict"; import { before, describe, test } from "node:test";\n';

describe("the test runner", () => {
  let root = "";
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "cnct-runner-"));
  });
  afterEach(() => rmSync(root, { recursive: true }));

  const plant = (path: string, code: string): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), imports + code);
  };
  /** Runs the planted files; NODE_TEST_CONTEXT would make the inner run report to this one. */
  const runPlanted = (...args: readonly string[]) => runPlantedIn(process.env, ...args);
  const runPlantedIn = (environment: NodeJS.ProcessEnv, ...args: readonly string[]) => {
    const { NODE_TEST_CONTEXT: _, ...env } = environment;
    const all = [
      "--disable-warning=ExperimentalWarning",
      runner,
      "--quick",
      "--root",
      root,
      ...args,
    ];
    const { status, stdout, stderr } = spawnSync(process.execPath, all, { env, encoding: "utf8" });
    assert.equal(stderr, "");
    return { status, stdout, last: stdout.trimEnd().split("\n").at(-1) };
  };

  test("counts tests and not suites, and says so by group and at the end", () => {
    plant("a/one.test.ts", 'describe("s", () => { test("x", () => {}); test("y", () => {}); });');
    plant("b/two.test.ts", 'test("parent", async (t) => { await t.test("kid", () => {}); });');
    const { status, stdout, last } = runPlanted();
    assert.equal(last, "3 passed, 0 failed");
    assert.equal(status, 0);
    assert.match(stdout, /^a: 2 passed, 0 failed$/m);
    assert.match(stdout, /^b: 1 passed, 0 failed$/m);
  });

  test("fails when a test fails, and shows why", () => {
    plant(
      "a.test.ts",
      'test("good", () => {}); test("bad", () => assert.equal(1, 2, "one is not two"));',
    );
    const { status, stdout, last } = runPlanted();
    assert.equal(last, "1 passed, 1 failed");
    assert.equal(status, 1);
    assert.match(stdout, /one is not two/);
  });

  test("counts a failing subtest once, and a failing hook as well as what it cancelled", () => {
    plant(
      "a.test.ts",
      'test("p", async (t) => { await t.test("kid", () => { throw new Error("k"); }); });',
    );
    assert.equal(runPlanted().last, "0 passed, 1 failed");
    plant(
      "a.test.ts",
      'describe("s", () => { before(() => { throw new Error("h"); }); test("x", () => {}); });',
    );
    assert.equal(runPlanted().last, "0 passed, 2 failed");
  });

  test("fails when a test fails after its subtests passed", () => {
    plant(
      "a.test.ts",
      'test("p", async (t) => { await t.test("kid", () => {}); assert.fail("late"); });',
    );
    const { status, last } = runPlanted();
    assert.equal(last, "1 passed, 1 failed");
    assert.equal(status, 1);
  });

  test("fails when a file cannot be loaded", () => {
    plant("good.test.ts", 'test("x", () => {});');
    plant("bad.test.ts", 'import "./nowhere.ts";');
    const { status, stdout, last } = runPlanted();
    assert.equal(last, "1 passed, 1 failed");
    assert.equal(status, 1);
    assert.match(stdout, /nowhere\.ts/);
  });

  test("fails when a file ends badly though its tests passed", () => {
    plant("a.test.ts", 'test("x", () => {}); setTimeout(() => process.exit(3), 20);');
    const { status, last } = runPlanted();
    assert.equal(last, "1 passed, 1 failed");
    assert.equal(status, 1);
  });

  test("fails when a file has no test", () => {
    plant("good.test.ts", 'test("x", () => {});');
    plant("empty.test.ts", "assert.ok(describe && before);");
    const { status, stdout, last } = runPlanted();
    assert.equal(last, "1 passed, 1 failed");
    assert.equal(status, 1);
    assert.match(stdout, /empty\.test\.ts.*has no test/);
  });

  test("fails when there is nothing to run, or everything was skipped", () => {
    assert.equal(runPlanted().last, "0 passed, 0 failed");
    assert.equal(runPlanted().status, 1);
    plant("a.test.ts", 'test("x", { skip: "no engine" }, () => {});');
    const { status, stdout, last } = runPlanted();
    assert.equal(last, "0 passed, 0 failed, 1 skipped");
    assert.equal(status, 1);
    assert.match(stdout, /no engine/);
  });

  test("ends a file that hangs, and counts it as failed", () => {
    plant("a.test.ts", 'test("x", () => {}); setInterval(() => {}, 1000);');
    const { status, stdout, last } = runPlanted("--timeout-ms", "1500");
    assert.equal(last, "1 passed, 1 failed");
    assert.equal(status, 1);
    assert.match(stdout, /ended after 1500 ms/);
  });

  test("gives what failed a second try if asked to, and shows both", () => {
    const once = `import { existsSync, writeFileSync } from "node:fs";
      test("x", () => { const seen = existsSync("seen"); writeFileSync("seen", ""); assert.ok(seen, "not yet"); });`;
    plant("late.test.ts", once);
    plant("bad.test.ts", 'test("y", () => assert.fail("never"));');
    const { status, stdout, last } = runPlanted("--second-try");
    assert.equal(last, "1 passed, 1 failed");
    assert.equal(status, 1);
    assert.match(stdout, /not yet/);
    assert.match(stdout, /^second try: late\.test\.ts$/m);
    rmSync(join(root, "bad.test.ts"));
    assert.equal(runPlanted("--second-try").last, "1 passed, 0 failed");
    rmSync(join(root, "seen"));
    assert.equal(runPlanted().last, "0 passed, 1 failed");
  });

  test("runs only what the filter names", () => {
    plant("a/one.test.ts", 'test("x", () => {});');
    plant("b/two.test.ts", 'test("y", () => assert.fail("not asked for"));');
    assert.equal(runPlanted("--filter", "a/").last, "1 passed, 0 failed");
    assert.equal(runPlanted("--filter", "nothing-like-it").status, 1);
  });

  test("lends its files a compile cache, which goes with it", () => {
    const noted =
      'import { existsSync, writeFileSync } from "node:fs"; const cache = process.env["NODE_COMPILE_CACHE"];';
    plant(
      "a.test.ts",
      `${noted} test("x", () => { assert.ok(existsSync(cache)); writeFileSync("where", cache); });`,
    );
    const { NODE_COMPILE_CACHE: _, ...env } = process.env;
    assert.equal(runPlantedIn({ ...env, TMPDIR: root }).last, "1 passed, 0 failed");
    assert.equal(dirname(readFileSync(join(root, "where"), "utf8")), root);
    assert.deepEqual(readdirSync(root).toSorted(), ["a.test.ts", "where"]);
    const named = join(root, "named");
    assert.equal(runPlantedIn({ ...env, NODE_COMPILE_CACHE: named }).last, "1 passed, 0 failed");
    assert.equal(
      readFileSync(join(root, "where"), "utf8"),
      named,
      "a cache that was named is kept",
    );
  });

  test("runs the longest files first, and knows no file that is not there", () => {
    for (const file of longest) assert.ok(existsSync(join(project, file)), file);
    const [first = "", second = ""] = longest;
    assert.deepEqual(longestFirst("/p", ["/p/a.test.ts", `/p/${second}`, `/p/${first}`]), [
      `/p/${first}`,
      `/p/${second}`,
      "/p/a.test.ts",
    ]);
  });

  test("runs serial files alone, after all others", () => {
    const overlap = (name: string, ms: number): string =>
      `import { existsSync, rmSync, writeFileSync } from "node:fs"; import { readdirSync } from "node:fs";
       test("x", async () => {
         writeFileSync("${name}.running", "");
         await new Promise((done) => setTimeout(done, ${ms}));
         const seen = readdirSync(".").filter((file) => file.endsWith(".running"));
         rmSync("${name}.running");
         if ("${name}".startsWith("s")) assert.deepEqual(seen, ["${name}.running"]);
       });`;
    plant("s1.serial.test.ts", overlap("s1", 300));
    plant("s2.serial.test.ts", overlap("s2", 300));
    plant("p1.test.ts", overlap("p1", 600));
    const { stdout, last } = runPlanted();
    assert.equal(last, "3 passed, 0 failed");
    assert.ok(stdout.indexOf("p1.test.ts") < stdout.indexOf("s1.serial.test.ts"));
  });
});
