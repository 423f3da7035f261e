import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { catalogue } from "../../domain/catalogue.ts";
import { compareOutputs } from "../../domain/verification/compare.ts";
import { characterAccuracy } from "../../examples/pages/accuracy.ts";
import { makePages, type Page } from "../../examples/pages/pages.ts";
import { execute, parseJson, refusedAs } from "../../testing/fixtures/execute.ts";
import type { ExecutionOutput, Executor } from "../executor.ts";
import { openExecutors } from "./open.ts";
import { alphabetFrom, readClasses } from "./text-recognition.ts";

interface Reading {
  readonly lines: readonly { readonly box: number[]; readonly confidence: number; text: string }[];
  readonly text: string;
}

describe("reading pages", () => {
  let [native, wasm]: readonly Executor[] = [];
  let pages: readonly Page[];
  let outputs: readonly ExecutionOutput[];

  before(async () => {
    [native] = await openExecutors(["ocr"], { engine: "ort-node" });
    [wasm] = await openExecutors(["ocr"], { engine: "ort-web" });
    pages = await makePages({ count: 2, seed: 1 });
    outputs = await Promise.all(pages.map(({ png }) => execute(native!, { image: png })));
  });
  after(async () => {
    await native?.close();
    await wasm?.close();
  });

  test("finds the printed text", () =>
    pages.forEach(({ text }, index) => {
      const read = (parseJson(outputs[index]!.output) as Reading).text;
      const accuracy = characterAccuracy(text, read);
      assert.ok(accuracy >= 0.985, `${accuracy}: ${read}`);
    }));

  test("finds each line where it stands, from the top", () => {
    const { lines, text } = parseJson(outputs[0]!.output) as Reading;
    assert.equal(lines.length, 6);
    assert.equal(lines.map((line) => line.text).join("\n"), text);
    lines.forEach(({ box: [x, y, width, height], confidence }, index) => {
      const [top, before] = [y!, lines[index - 1]?.box[1] ?? -1];
      assert.ok(
        top > before && x! >= 5 && x! <= 25 && width! > 200 && height! > 15 && height! < 40,
      );
      assert.ok(confidence > 0.8 && confidence <= 1);
    });
  });

  test("gives the same bytes again", async () => {
    const again = await execute(native!, { image: pages[0]!.png });
    assert.deepEqual(again.output, outputs[0]!.output);
  });

  test("gives the same text in wasm, and another page another text", async () => {
    const { output } = await execute(wasm!, { image: pages[0]!.png });
    const { comparator } = catalogue.ocr;
    assert.notEqual(native!.executionClass, wasm!.executionClass);
    assert.equal(compareOutputs(comparator, outputs[0]!.output, output).agree, true);
    assert.equal(compareOutputs(comparator, outputs[1]!.output, output).agree, false);
  });

  test("leaves out lines that it is less sure of than asked", async () => {
    const params = { minConfidence: 1 };
    const { output } = await execute(native!, { image: pages[0]!.png }, { params });
    assert.deepEqual(parseJson(output), { lines: [], text: "" });
  });

  test("refuses parameters and inputs that it does not know", async () => {
    const image = pages[0]!.png;
    const refuse = (params: Record<string, unknown>, says: RegExp) =>
      refusedAs(execute(native!, { image }, { params }), "bad-params", says);
    await refuse({ minConfidence: "0.5" }, /"minConfidence" must be a number from 0 to 1/);
    await refuse({ minConfidence: 1.1 }, /from 0 to 1/);
    await refuse({ minconfidence: 0.5 }, /"minconfidence" is unknown; known: minConfidence/);
    await refusedAs(execute(native!, {}), "missing-input", /"image" is missing; given: none/);
    await refusedAs(execute(native!, { image: new Uint8Array(9) }), "bad-image", /neither a PNG/);
    await refusedAs(execute(native!, { image }, { app: "faces" }), "unknown-app", /not faces/);
  });

  test("stops between lines when it is told to", async () => {
    const signal = AbortSignal.abort(new Error("cancelled"));
    await assert.rejects(execute(native!, { image: pages[0]!.png }, { signal }), /cancelled/);
  });
});

test("repeats are one character, unless nothing stands between them", () => {
  const alphabet = alphabetFrom("a\nb\n");
  assert.deepEqual(alphabet, ["", "a", "b", " "]);
  const steps = [1, 1, 0, 1, 2, 0, 3, 2].flatMap((best) =>
    alphabet.map((_, index) => (index === best ? 0.75 : 0.05)),
  );
  assert.deepEqual(readClasses(Float32Array.from(steps), alphabet), {
    text: "aab b",
    confidence: 0.75,
  });
});
