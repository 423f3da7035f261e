import assert from "node:assert/strict";
import { test } from "node:test";
import { summarize } from "./profile.ts";

const root = new URL("../", import.meta.url).href;
const node = (id: number, functionName: string, url: string, children: readonly number[] = []) => ({
  id,
  callFrame: { functionName, url, scriptId: "1", lineNumber: 4, columnNumber: 0 },
  children: [...children],
});

test("a profile gives each folder what it spent and had others do, without waiting", () => {
  const summary = summarize({
    startTime: 0,
    endTime: 1_000,
    nodes: [
      node(1, "(root)", "", [2, 3, 4, 5, 6]),
      node(2, "encode", `${root}streams/embedded/record.ts`),
      node(3, "(idle)", ""),
      node(4, "(garbage collector)", ""),
      node(5, "parse", `${root}node_modules/@a/b/dist/c.js`),
      node(6, "encode", `${root}streams/embedded/record.ts`, [7]),
      node(7, "write", "node:buffer", [8]),
      node(8, "utf8Write", ""),
    ],
    samples: [2, 3, 4, 5, 6, 8],
    timeDeltas: [250, 5_000, 100, 200, 350, 100],
  });
  assert.equal(summary.cpuMs, 1);
  assert.equal(summary.garbageShare, 0.1);
  assert.deepEqual(summary.folders, [
    { folder: "streams/embedded", share: 0.7 },
    { folder: "node_modules/@a/b", share: 0.2 },
    { folder: "garbage collection", share: 0.1 },
  ]);
  assert.equal(summary.functions[0]?.name, "encode");
  assert.equal(summary.functions[0]?.share, 0.6, "one function called from two places is one");
});
