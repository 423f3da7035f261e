import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { describe, test } from "node:test";
import { promisify } from "node:util";
import { type AppName, catalogue } from "../../domain/catalogue.ts";
import { parseComparator } from "../../domain/verification/comparator.ts";
import { execute, refusedAs } from "../../testing/fixtures/execute.ts";
import type { Executor } from "../executor.ts";
import { readModelFile } from "./model-files.ts";
import { openExecutors } from "./open.ts";

const names = Object.keys(catalogue) as readonly AppName[];

describe("the catalogue", () => {
  test("names only apps that open, under their own names", async () => {
    const collect = { allow: ["example.org"], version: "0" };
    const executors = await openExecutors(names, { engine: "ort-node", collect });
    assert.deepEqual(
      executors.flatMap(({ apps }) => apps),
      names,
    );
    for (const executor of executors) await executor.close();
  });

  test("names model files that are installed, by their right digests", async () => {
    let read = 0;
    for (const name of names)
      for (const { role, licence } of catalogue[name].models) {
        assert.ok((await readModelFile(name, role)).length > 0);
        assert.equal(licence, "Apache-2.0");
        read++;
      }
    assert.equal(read, 4);
    await assert.rejects(readModelFile("ocr", "classifier"), /names no classifier/);
  });

  test("has comparators that a job could name, prices and limits", () => {
    for (const { comparator, priceMicroPoints, limits } of Object.values(catalogue)) {
      assert.ok(parseComparator(comparator).ok);
      assert.match(priceMicroPoints, /^[1-9]\d*$/);
      assert.ok(limits.wallMs > 0 && limits.memoryMb > 0);
    }
  });

  test("is read without loading a runtime, and so is the list of programs", async () => {
    const script = `
      await import("./domain/catalogue.ts");
      const { openExecutors } = await import("./worker/executors/open.ts");
      await openExecutors(["noop", "echo"], { engine: "ort-node" });
      const { createRequire } = await import("node:module");
      const loaded = Object.keys(createRequire(import.meta.url).cache);
      const native = process.report.getReport().sharedObjects;
      console.log([...loaded, ...native].filter((path) => /onnxruntime|sharp/.test(path)).length);`;
    const root = new URL("../..", import.meta.url);
    const run = promisify(execFile);
    const count = async (source: string) => {
      const { stdout } = await run(process.execPath, ["--input-type=module", "-e", source], {
        cwd: root,
      });
      return Number(stdout);
    };
    assert.equal(await count(script), 0);
    assert.ok((await count(script.replace('"noop"', '"faces"'))) > 0, "the check sees a runtime");
  });
});

describe("apps that compute nothing", () => {
  test("give the same on every machine: nothing, or the input", async () => {
    const [noop, echo] = (await openExecutors(["noop", "echo"], { engine: "ort-web" })) as [
      Executor,
      Executor,
    ];
    assert.equal(noop.executionClass, "plain@1/js/any/1t/none");
    assert.equal((await execute(noop, {})).output.length, 0);
    const data = Uint8Array.of(0, 255, 7);
    assert.deepEqual((await execute(echo, { data })).output, data);
    await refusedAs(execute(echo, { date: data }), "missing-input", /"data" .*given: date/);
    await refusedAs(execute(noop, {}, { params: { a: 1 } }), "bad-params", /known: none/);
    await refusedAs(execute(noop, {}, { app: "echo" }), "unknown-app", /noop, not echo/);
    await refusedAs(execute(echo, { data }, { app: "noop" }), "unknown-app", /echo, not noop/);
  });
});

test("collect opens only where somebody says which hosts it may visit", () =>
  assert.rejects(openExecutors(["collect"], { engine: "ort-node" }), /hosts that .* owner allows/));

test("an app that is not in the catalogue does not open", () =>
  refusedAs(
    openExecutors(["noop", "toString"], { engine: "ort-node" }),
    "unknown-app",
    /"toString"/,
  ));
