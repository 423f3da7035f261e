import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createWaitingLine } from "./waiting-line.ts";

const serveAll = (line: ReturnType<typeof createWaitingLine>) => {
  const served: string[] = [];
  line.serve((job) => {
    served.push(job);
    return "leave";
  });
  return served;
};

describe("the waiting line", () => {
  test("serves by priority, and in order of arrival within one", () => {
    const line = createWaitingLine();
    line.join("late-but-urgent", { priority: 5, kind: "ocr" });
    line.join("first", { priority: 3, kind: "ocr" });
    line.join("second", { priority: 3, kind: "ocr" });
    line.join("idle", { priority: 1, kind: "ocr" });
    assert.deepEqual(serveAll(line), ["late-but-urgent", "first", "second", "idle"]);
    assert.equal(line.size(), 0);
  });

  test("looks once at a kind for which no node has room, and goes on with the next kind", () => {
    const line = createWaitingLine();
    for (let i = 0; i < 1_000; i++) line.join(`gpu-${i}`, { priority: 3, kind: "gpu" });
    line.join("small", { priority: 3, kind: "ocr" });
    let looks = 0;
    line.serve((job) => {
      looks++;
      return job.startsWith("gpu") ? "no-room" : "leave";
    });
    assert.equal(looks, 2);
    assert.equal(line.size(), 1_000);
    assert.equal(serveAll(line)[0], "gpu-0", "the order was kept");
  });

  test("lets others pass a job that nobody fits, however many of those there are", () => {
    const line = createWaitingLine();
    for (let i = 0; i < 200; i++) line.join(`odd-${i}`, { priority: 3, kind: "ocr" });
    line.join("plain", { priority: 3, kind: "ocr" });
    let served = false;
    for (let pass = 0; pass < 5 && !served; pass++)
      line.serve((job) => {
        if (job !== "plain") return "unfit";
        served = true;
        return "leave";
      });
    assert.ok(served);
    assert.equal(line.size(), 200);
  });

  test("forgets a job that leaves, and one that joins twice stands once", () => {
    const line = createWaitingLine();
    line.join("a", { priority: 3, kind: "ocr" });
    line.join("a", { priority: 3, kind: "ocr" });
    line.join("b", { priority: 3, kind: "ocr" });
    line.leave("a");
    line.leave("never-came");
    assert.deepEqual(serveAll(line), ["b"]);
  });

  test("stands many kinds of need, which clients make up, and forgets them", () => {
    const line = createWaitingLine();
    const startedAt = performance.now();
    for (let i = 0; i < 30_000; i++) line.join(`job ${i}`, { priority: 3, kind: `kind ${i}` });
    const tookMs = performance.now() - startedAt;
    assert.ok(tookMs < 10_000, `30,000 kinds took ${tookMs} ms to join`); // Sorted anew each time: 88 s.
    assert.equal(serveAll(line).length, 30_000);
    assert.equal(line.size(), 0);
  });
});
