import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { promisify } from "node:util";
import { execute, parseJson } from "../../testing/fixtures/execute.ts";
import type { Executor } from "../../worker/executor.ts";
import { openExecutors } from "../../worker/executors/open.ts";
import { characterAccuracy } from "./accuracy.ts";
import { makePages } from "./pages.ts";
import { wrapLines } from "./text.ts";

describe("pages", () => {
  test("hold six lines of plain text each, and are the same for the same seed", async () => {
    const pages = await makePages({ count: 3, seed: 7 });
    assert.deepEqual(
      pages.map(({ name }) => name),
      ["page-01.png", "page-02.png", "page-03.png"],
    );
    for (const { text } of pages) {
      const lines = text.split("\n");
      assert.equal(lines.length, 6);
      for (const line of lines) assert.match(line, /^[\x21-\x7e][\x20-\x7e]{0,44}$/);
    }
    assert.deepEqual(await makePages({ count: 3, seed: 7 }), pages);
    const other = await makePages({ count: 3, seed: 8 });
    assert.notDeepEqual(other, pages);
    assert.equal(new Set([...pages, ...other].map(({ text }) => text)).size, 6);
  });

  test("are printed where the system has no font at all", async () => {
    const folder = await mkdtemp(join(tmpdir(), "cnct-no-fonts-"));
    const config = join(folder, "fonts.conf");
    await writeFile(config, `<fontconfig><cachedir>${folder}</cachedir></fontconfig>`);
    const script = `
      const { makePages } = await import("./examples/pages/pages.ts");
      const [page] = await makePages({ count: 1, seed: 7 });
      process.stdout.write(Buffer.from(page.png).toString("base64"));`;
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ["--input-type=module", "-e", script],
      {
        cwd: new URL("../..", import.meta.url),
        env: { ...process.env, FONTCONFIG_FILE: config },
        maxBuffer: 2 ** 24,
      },
    );
    await rm(folder, { recursive: true });
    const [ocr] = (await openExecutors(["ocr"], { engine: "ort-node" })) as [Executor];
    const { output } = await execute(ocr, { image: Buffer.from(stdout, "base64") });
    await ocr.close();
    const { text } = parseJson(output) as { readonly text: string };
    const [page] = await makePages({ count: 1, seed: 7 });
    assert.ok(characterAccuracy(page!.text, text) >= 0.985, text);
  });
});

test("lines break between words and take only plain letters", () => {
  assert.deepEqual(wrapLines("Call me “Ishmael”—or\nnot.\n\nÀ la mer.\n\nEnd", 10), [
    "Call me",
    '"Ishmael"',
    "- or not.",
    "End",
  ]);
});

test("accuracy counts the characters that are right", () => {
  assert.equal(characterAccuracy("whale", "whale"), 1);
  assert.equal(characterAccuracy("whale", "whele"), 0.8);
  assert.equal(characterAccuracy("whale", ""), 0);
  assert.equal(characterAccuracy("a", "a very long answer"), 0);
  assert.equal(characterAccuracy("", ""), 1);
});
