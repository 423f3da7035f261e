import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { createWaitingLine, type Place, type WaitingLine } from "./waiting-line.ts";

const at = (place: Partial<Place> = {}): Place => ({
  client: "client:ada",
  priority: 3,
  kind: "ocr",
  cost: 1,
  ...place,
});
const serveAll = (line: WaitingLine) => serve(line, Number.POSITIVE_INFINITY);
/** As if so many nodes had room. */
const serve = (line: WaitingLine, nodes: number) => {
  const served: string[] = [];
  line.serve((job) => {
    if (served.length === nodes) return "no-room";
    served.push(job);
    return "served";
  });
  return served;
};

describe("the waiting line", () => {
  test("serves the urgent first, and in order of arrival within a priority", () => {
    const line = createWaitingLine();
    line.join("late-but-urgent", at({ priority: 5 }));
    line.join("first", at());
    line.join("second", at());
    line.join("idle", at({ priority: 1 }));
    assert.deepEqual(serveAll(line), ["late-but-urgent", "first", "second", "idle"]);
    assert.equal(line.size(), 0);
  });

  test("looks once at a kind for which no node has room, and goes on with the next kind", () => {
    const line = createWaitingLine();
    for (let i = 0; i < 1_000; i++) line.join(`gpu-${i}`, at({ kind: "gpu" }));
    line.join("small", at());
    let looks = 0;
    line.serve((job) => {
      looks++;
      return job.startsWith("gpu") ? "no-room" : "served";
    });
    assert.equal(looks, 2);
    assert.equal(line.size(), 1_000);
    assert.equal(serveAll(line)[0], "gpu-0", "the order was kept");
  });

  test("lets others pass a job that nobody fits, however many of those there are", () => {
    const line = createWaitingLine();
    for (let i = 0; i < 200; i++) line.join(`odd-${i}`, at());
    line.join("plain", at());
    let served = false;
    for (let pass = 0; pass < 5 && !served; pass++)
      line.serve((job) => {
        if (job !== "plain") return "unfit";
        served = true;
        return "served";
      });
    assert.ok(served);
    assert.equal(line.size(), 200);
  });

  test("forgets a job that leaves, and one that joins twice stands once", () => {
    const line = createWaitingLine();
    line.join("a", at());
    line.join("a", at());
    line.join("b", at());
    line.leave("a");
    line.leave("never-came");
    assert.deepEqual(serveAll(line), ["b"]);
  });

  test("stands many kinds of need, which clients make up, and forgets them", () => {
    const line = createWaitingLine();
    const startedAt = performance.now();
    for (let i = 0; i < 30_000; i++) line.join(`job ${i}`, at({ kind: `kind ${i}` }));
    const tookMs = performance.now() - startedAt;
    assert.ok(tookMs < 10_000, `30,000 kinds took ${tookMs} ms to join`); // Sorted anew each time: 88 s.
    assert.equal(serveAll(line).length, 30_000);
    assert.equal(line.size(), 0);
  });

  test("gives one job its turn at once, however many another client has waiting", () => {
    const line = createWaitingLine();
    for (let i = 0; i < 10_000; i++) line.join(`many ${i}`, at());
    assert.equal(serve(line, 100).length, 100);
    line.join("single", at({ client: "client:bob" }));
    assert.ok(serve(line, 2).includes("single"));
    for (let i = 0; i < 50; i++) line.join(`other ${i}`, at({ client: `client:${i}` }));
    line.join("last", at({ client: "client:cyd" }));
    assert.ok(serve(line, 52).includes("last"), "one turn of each");
  });

  test("a client that makes up kinds of need gets no more for it", () => {
    const line = createWaitingLine();
    for (let i = 0; i < 1_000; i++)
      line.join(`sly ${i}`, at({ client: "sly", kind: `${i % 100}` }));
    for (let i = 0; i < 1_000; i++) line.join(`plain ${i}`, at());
    const sly = serve(line, 200).filter((job) => job.startsWith("sly")).length;
    assert.ok(Math.abs(sly - 100) <= 1, `${sly} of 200`);
  });

  test("shares by cost: who has long jobs gets fewer of them", () => {
    const line = createWaitingLine();
    for (let i = 0; i < 1_000; i++) line.join(`long ${i}`, at({ client: "long", cost: 9 }));
    for (let i = 0; i < 1_000; i++) line.join(`short ${i}`, at({ kind: "other" }));
    const long = serve(line, 500).filter((job) => job.startsWith("long")).length;
    assert.ok(Math.abs(long - 50) <= 1, `${long} of 500`);
  });

  test("each priority weighs twice the one below it, and none is kept waiting for ever", () => {
    const line = createWaitingLine();
    for (let i = 0; i < 1_000; i++)
      for (const priority of [1, 2, 3, 4, 5])
        line.join(`${priority} ${i}`, at({ priority, client: `client:${priority}` }));
    const served = serve(line, 310).map((job) => job.slice(0, 1));
    const counts = ["1", "2", "3", "4", "5"].map((p) => served.filter((q) => q === p).length);
    for (const [i, count] of counts.entries())
      assert.ok(Math.abs(count - 10 * 2 ** i) <= 2, `${counts}`);
  });

  test("shares by weight, and tells who waits", () => {
    const waiting = new Set<string>();
    const line = createWaitingLine({
      weightOf: (client) => (client === "heavy" ? 1 / 4 : 1),
      waits: (client, isWaiting) => void (isWaiting ? waiting.add(client) : waiting.delete(client)),
    });
    for (let i = 0; i < 100; i++) line.join(`heavy ${i}`, at({ client: "heavy" }));
    for (let i = 0; i < 100; i++) line.join(`light ${i}`, at({ client: "light" }));
    assert.deepEqual([...waiting], ["heavy", "light"]);
    const heavy = serve(line, 100).filter((job) => job.startsWith("heavy")).length;
    assert.ok(Math.abs(heavy - 20) <= 1, `${heavy} of 100`);
    serveAll(line);
    assert.deepEqual([...waiting], []);
  });

  test("a kind that had no room for long does not pass the others by when it has", () => {
    const line = createWaitingLine();
    for (let i = 0; i < 100; i++) line.join(`gpu ${i}`, at({ client: "gpu", kind: "gpu" }));
    for (let i = 0; i < 500; i++) line.join(`plain ${i}`, at());
    let room = 300;
    line.serve((job) => (job.startsWith("gpu") || room-- <= 0 ? "no-room" : "served"));
    const served = serve(line, 100);
    const gpu = served.filter((job) => job.startsWith("gpu")).length;
    assert.ok(Math.abs(gpu - 50) <= 1, `${gpu} of 100: what it did not get is not owed to it`);
  });

  test("loses no job and serves none twice, whatever comes and goes", () => {
    const step = fc.oneof(
      fc.record({
        do: fc.constant("join" as const),
        job: fc.nat(40),
        who: fc.nat(3),
        kind: fc.nat(3),
        priority: fc.integer({ min: 1, max: 5 }),
      }),
      fc.record({ do: fc.constant("leave" as const), job: fc.nat(40) }),
      fc.record({
        do: fc.constant("serve" as const),
        nodes: fc.nat(6),
        unfit: fc.nat(3),
        full: fc.nat(4),
      }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const line = createWaitingLine();
        const here = new Map<string, string>();
        for (const one of steps) {
          if (one.do === "join") {
            const job = `job ${one.job}`;
            line.join(
              job,
              at({ client: `c${one.who}`, kind: `k${one.kind}`, priority: one.priority }),
            );
            if (!here.has(job)) here.set(job, `k${one.kind}`);
          } else if (one.do === "leave") {
            line.leave(`job ${one.job}`);
            here.delete(`job ${one.job}`);
          } else {
            let left = one.nodes;
            const offered = new Set<string>();
            line.serve((job) => {
              assert.ok(here.has(job), `${job} is not there`);
              assert.ok(!offered.has(job), `${job} is offered twice`);
              offered.add(job);
              if (here.get(job) === `k${one.full}`) return "no-room";
              if (Number(job.slice(4)) % 4 === one.unfit) return "unfit";
              if (left === 0) return "no-room";
              left--;
              here.delete(job);
              return "served";
            });
          }
          assert.equal(line.size(), here.size);
        }
        assert.deepEqual(serveAll(line).sort(), [...here.keys()].sort());
      }),
      { numRuns: 300 },
    );
  });

  test("a million jobs that wait cost little memory, and a turn costs no more for them", () => {
    const names = Array.from({ length: 1_000_000 }, (_, i) => `job ${i}`);
    const line = createWaitingLine();
    const before = process.memoryUsage().heapUsed;
    for (const [i, name] of names.entries()) line.join(name, at({ client: `client:${i % 100}` }));
    const bytes = (process.memoryUsage().heapUsed - before) / names.length;
    assert.ok(bytes < 150, `${bytes} bytes a job`);
    const startedAt = performance.now();
    for (let pass = 0; pass < 1_000; pass++) assert.equal(serve(line, 10).length, 10);
    const tookMs = performance.now() - startedAt;
    assert.ok(tookMs < 5_000, `1,000 passes took ${tookMs} ms`);
  });
});
