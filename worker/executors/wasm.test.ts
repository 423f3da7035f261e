import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { execute, refusedAs } from "../../testing/fixtures/execute.ts";
import { constant, sleb, wasmModule } from "../../testing/fixtures/wasm-module.ts";
import { openWasm } from "./wasm.ts";

const executor = openWasm();
const data = new TextEncoder().encode("some data");
const echoing = wasmModule();

describe("the app wasm", () => {
  test("gives a module its data, and takes its output", async () => {
    const { output, mediaType } = await execute(executor, { module: echoing, data });
    assert.deepEqual(output, data);
    assert.equal(mediaType, "application/octet-stream");
    assert.equal(executor.executionClass, "wasm@1/v8/any/1t/deterministic");
  });

  test("gives it empty data, and takes an empty output", async () => {
    const { output } = await execute(executor, { module: echoing, data: new Uint8Array(0) });
    assert.equal(output.length, 0);
  });

  test("gives it its arguments as UTF-8", async () => {
    // Its output is what lies at args; alloc gives 1024 for both, and the data is empty.
    const module = wasmModule({ run: [0x20, 2, 0xad, 0x42, 32, 0x86, 0x20, 3, 0xad, 0x84] });
    const inputs = { module, data: new Uint8Array(0) };
    const { output } = await execute(executor, inputs, { params: { args: "größer: 1" } });
    assert.equal(new TextDecoder().decode(output), "größer: 1");
  });

  test("starts each run with a fresh memory", async () => {
    const counting = wasmModule({
      run: [
        ...[...constant(0), ...constant(0), 0x28, 2, 0, ...constant(1), 0x6a, 0x36, 2, 0],
        ...[0x42, ...sleb(4)],
      ],
    });
    for (let round = 0; round < 2; round++) {
      const { output } = await execute(executor, { module: counting, data });
      assert.deepEqual(output, Uint8Array.of(1, 0, 0, 0));
    }
  });

  test("refuses what it cannot read", async () => {
    await refusedAs(execute(executor, { module: echoing }), "missing-input", /"data"/);
    await refusedAs(execute(executor, { data }), "missing-input", /"module"/);
    const ask = (params: Readonly<Record<string, unknown>>) =>
      execute(executor, { module: echoing, data }, { params });
    for (const memoryPages of [0, 4_097, 1.5, "16", null, Number.NaN])
      await refusedAs(ask({ memoryPages }), "bad-params", /1 to 4096/);
    for (const args of [1, null, {}, "\ud800"])
      await refusedAs(ask({ args }), "bad-params", /must be a text/);
    await refusedAs(ask({ pages: 1 }), "bad-params", /"pages" is unknown/);
    await refusedAs(
      execute(executor, { module: echoing, data }, { app: "echo" }),
      "unknown-app",
      /wasm, not echo/,
    );
    assert.deepEqual((await ask({ memoryPages: 16 })).output, data);
  });
});
