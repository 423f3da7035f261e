import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { createInterface } from "node:readline";
import { describe, type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { makePages } from "../../examples/pages/pages.ts";
import { photoOfFour } from "../../examples/photo.ts";
import { wallClock } from "../../streams/clock.ts";
import { execute, parseJson, refusedAs } from "../../testing/fixtures/execute.ts";
import { AppError, type Executor, OutOfMemory } from "../executor.ts";
import { runTask } from "../run-task.ts";
import { openExecutorPool, type PoolOptions } from "./pool.ts";
import { fenceUnderTest } from "./testing/fence-under-test.ts";
import { pidNamed } from "./testing/processes.ts";
import { programNames } from "./testing/programs.ts";

const misbehaving = new URL("./testing/programs.ts", import.meta.url).href;

interface Opened {
  readonly pool: Executor;
  readonly troubles: string[];
}

/** A pool of the misbehaving programs, closed after the test. */
const open = async (context: TestContext, options: Partial<PoolOptions> = {}): Promise<Opened> => {
  const troubles: string[] = [];
  const [pool] = await openExecutorPool({
    apps: programNames,
    engine: "ort-node",
    children: 1,
    fence: fenceUnderTest,
    programs: misbehaving,
    onTrouble: (what, error) => troubles.push(`${what}: ${(error as Error).message}`),
    ...options,
  });
  context.after(() => pool!.close());
  return { pool: pool!, troubles };
};

const ask = async (pool: Executor, app: string, params: Readonly<Record<string, unknown>> = {}) =>
  parseJson((await execute(pool, {}, { app, params })).output);

const pidOf = async (pool: Executor) => pidNamed(String(await ask(pool, "name")));

/** A dead process that its new parent has not yet asked about (a zombie) does not exist. */
const exists = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  if (process.platform !== "linux") return true;
  try {
    return !/^State:\s*[ZX]/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false; // It went between the two questions.
  }
};

const childrenOfThisProcess = (): number =>
  process.getActiveResourcesInfo().filter((name) => name === "ProcessWrap").length;

const isGone = async (pid: number, withinMs: number): Promise<void> => {
  const until = performance.now() + withinMs;
  while (exists(pid)) {
    assert.ok(performance.now() < until, `process ${pid} is still there after ${withinMs} ms`);
    await sleep(5);
  }
};

const isFault = async (running: Promise<unknown>, says: RegExp): Promise<void> =>
  assert.rejects(running, (error) => {
    assert.ok(!(error instanceof AppError), `a fault of this machine, not ${error}`);
    assert.match((error as Error).message, says);
    return true;
  });

interface Span {
  readonly name: string;
  readonly from: number;
  readonly to: number;
}

describe("tasks in children", () => {
  test("overlap on two children, and wait for their turn on one", async (context) => {
    const { pool } = await open(context, { children: 2 });
    const work = async (ms = 1_000) => (await ask(pool, "work", { ms })) as Span;
    await Promise.all([work(200), work(200)]); // Both have started.
    const [a, b, c] = (await Promise.all([work(), work(), work()])) as [Span, Span, Span];
    assert.notEqual(a.name, b.name);
    assert.ok(a.from < b.to && b.from < a.to, "the first two overlap");
    assert.ok(c.from >= Math.min(a.to, b.to), "the third one waits");
  });

  test("carry parameters, inputs, outputs and media types", async (context) => {
    const { pool } = await open(context);
    const data = Uint8Array.from({ length: 3_000_000 }, (_, index) => index % 251);
    const { output, mediaType } = await execute(pool, { data }, { app: "mirror" });
    assert.ok(Buffer.from(output).equals(data));
    assert.equal(mediaType, "image/png");
    const params = { a: [1.5, null, "é"], b: { c: true } };
    const inputs = { x: new Uint8Array(0), y: new Uint8Array(7) };
    const described = await execute(pool, inputs, { app: "describe", params });
    const sizes = [Object.entries({ x: 0, y: 7 })].flat();
    assert.deepEqual(parseJson(described.output), { params, sizes });
    assert.deepEqual((await execute(pool, {}, { app: "mirror" })).output, new Uint8Array(0));
  });

  test("keep the code and the sentence of a refusal, and tell it from a fault", async (context) => {
    const { pool, troubles } = await open(context);
    const refuse = (code: string) => execute(pool, {}, { app: "refuse", params: { code } });
    await refusedAs(refuse("bad-tensor"), "bad-tensor", /^the input is at fault$/);
    await refusedAs(refuse("image-too-large"), "image-too-large", /at fault/);
    await isFault(execute(pool, {}, { app: "fail" }), /^this machine is at fault$/);
    await refusedAs(execute(pool, {}, { app: "ocr" }), "unknown-app", /not compute ocr/);
    assert.deepEqual(troubles, []);
  });

  test("refuse an output that is larger than a node stores", async (context) => {
    const { pool, troubles } = await open(context);
    const large = (bytes: number) => execute(pool, {}, { app: "large", params: { bytes } });
    await refusedAs(large(64 * 2 ** 20 + 1), "output-too-large", /67108865 bytes/);
    assert.equal((await large(64 * 2 ** 20)).output.byteLength, 64 * 2 ** 20);
    assert.deepEqual(troubles, []);
  });

  test("see nothing of the worker's environment but where libraries are", async (context) => {
    process.env["CNCT_TEST_SECRET"] = "secret";
    context.after(() => delete process.env["CNCT_TEST_SECRET"]);
    const { pool } = await open(context);
    const environment = (await ask(pool, "environment")) as Readonly<Record<string, string>>;
    const allowed = ["PATH", "TMPDIR", "TEMP", "TMP", "SystemRoot", "PWD"];
    const more = [
      "LD_LIBRARY_PATH",
      "DYLD_LIBRARY_PATH",
      "NODE_COMPILE_CACHE",
      "ORT_DISABLE_TELEMETRY",
      "VIPS_DISC_THRESHOLD",
    ];
    assert.deepEqual(
      Object.keys(environment).filter((name) => ![...allowed, ...more].includes(name)),
      [],
    );
  });
});

describe("a child that goes wrong", () => {
  test("is killed when its task runs into the limit, and the next task works", async (context) => {
    const { pool, troubles } = await open(context);
    const before = await pidOf(pool);
    const limitMs = 200;
    const started = performance.now();
    const reason = new Error("over the limit");
    const limit = new AbortController();
    setTimeout(() => limit.abort(reason), limitMs);
    await assert.rejects(execute(pool, {}, { app: "hang", signal: limit.signal }), reason);
    await isGone(before, limitMs + 250 - (performance.now() - started));
    assert.notEqual(await pidOf(pool), before);
    assert.deepEqual(troubles, [], "what was asked for is no trouble");
  });

  test("is stated as timed out by the task that it had", async (context) => {
    const { pool } = await open(context);
    const absent = () => Promise.reject(new Error("no blobs here"));
    const order = {
      jobHash: "0".repeat(64),
      replica: 0,
      attempt: 1,
      app: "hang",
      params: {},
      inputs: {},
      executionClass: pool.executionClass,
      wallMs: 100,
    } as unknown as Parameters<typeof runTask>[0];
    const result = await runTask(order, {
      executors: [pool],
      blobs: { get: absent, put: absent } as unknown as Parameters<typeof runTask>[1]["blobs"],
      clock: wallClock,
    });
    assert.ok(result.outcome === "failed");
    assert.deepEqual([result.code, result.retryable], ["timed-out", true]);
  });

  test("by kill -9 or a native crash fails its task as this machine's fault", async (context) => {
    const { pool, troubles } = await open(context);
    const pid = await pidOf(pool);
    const hanging = execute(pool, {}, { app: "hang" });
    process.kill(pid, "SIGKILL");
    await isFault(hanging, /^hang: the process ended \(signal SIGKILL\)$/);
    assert.notEqual(await pidOf(pool), pid);
    await isFault(execute(pool, {}, { app: "crash" }), /signal SIGSEGV/);
    await isFault(execute(pool, {}, { app: "leave" }), /exit code 3/);
    await pidOf(pool);
    assert.equal(troubles.length, 3);
    assert.match(troubles[1]!, /a computing process ended: .*SIGSEGV/);
  });

  test("while it is idle is replaced before the next task", async (context) => {
    const { pool, troubles } = await open(context);
    const pid = await pidOf(pool);
    process.kill(pid, "SIGKILL");
    while (troubles.length === 0) await sleep(5);
    assert.notEqual(await pidOf(pool), pid);
  });

  test("by its memory ends alone, with that reason, and is replaced at once", async (context) => {
    const limits = { memoryBytes: 300 * 2 ** 20, children: 2 };
    const { pool, troubles } = await open(context, limits);
    const working = ask(pool, "work", { ms: 1_500 });
    for (let round = 0; round < 3; round++)
      await assert.rejects(ask(pool, "grow", { mebibytes: 400, ms: 5_000 }), (error) => {
        assert.ok(error instanceof OutOfMemory, String(error));
        assert.equal(error.code, "out-of-memory");
        return true;
      });
    await pidOf(pool);
    await working;
    assert.deepEqual(troubles, []);
  });

  test("after a task with much memory, or after many tasks, is replaced", async (context) => {
    const recycleAboveBytes = 250 * 2 ** 20;
    const { pool, troubles } = await open(context, { recycleAboveBytes });
    const nameOf = (one: Executor) => ask(one, "name");
    const small = await nameOf(pool);
    assert.equal(await nameOf(pool), small, "a small child stays");
    assert.equal(await ask(pool, "grow", { mebibytes: 250 }), small);
    assert.notEqual(await nameOf(pool), small);
    const worn = (await open(context, { tasksMax: 2 })).pool;
    const [a, b, c] = [await nameOf(worn), await nameOf(worn), await nameOf(worn)];
    assert.ok(a === b && b !== c, "two tasks each");
    assert.deepEqual(troubles, []);
  });

  test("is not there for tasks that were aborted before they began", async (context) => {
    const { pool } = await open(context);
    const pid = await pidOf(pool);
    const working = ask(pool, "work", { ms: 100 });
    const aborting = new AbortController();
    const waits = execute(pool, {}, { app: "leave", signal: aborting.signal });
    const late = execute(pool, {}, { app: "leave", signal: AbortSignal.abort(new Error("late")) });
    const rejected = [assert.rejects(waits, /cancelled/), assert.rejects(late, /late/)];
    aborting.abort(new Error("cancelled"));
    await Promise.all([...rejected, working]);
    assert.equal(await pidOf(pool), pid, "nobody computed them, nobody was killed");
  });
});

describe("what runs programs of clients", () => {
  const nameFor = async (pool: Executor, client?: string) =>
    parseJson(
      (await execute(pool, {}, { app: "name", ...(client === undefined ? {} : { client }) }))
        .output,
    );

  test("computes for one client, and another one's task gets another child", async (context) => {
    const { pool, troubles } = await open(context, { use: "client" });
    const ada = await nameFor(pool, "client:ada");
    assert.equal(await nameFor(pool, "client:ada"), ada, "what is loaded stays for its client");
    const bob = await nameFor(pool, "client:bob");
    assert.notEqual(bob, ada);
    assert.notEqual(await nameFor(pool, "client:ada"), ada);
    const unknown = await nameFor(pool);
    assert.notEqual(await nameFor(pool), unknown, "who is not known may be anybody");
    assert.deepEqual(troubles, []);
  });

  test("takes tasks of several clients at once in their order", async (context) => {
    const { pool } = await open(context, { use: "client", children: 2 });
    const clients = ["client:ada", "client:bob", "client:ada", "client:cyd", "client:bob"];
    const names = await Promise.all(clients.map((client) => nameFor(pool, client)));
    for (const [at, name] of names.entries())
      for (const [other, otherName] of names.entries())
        if (clients[at] !== clients[other]) assert.notEqual(name, otherName);
  });

  test("has a child of its own for each task of code", async (context) => {
    const { pool } = await open(context, { use: "task" });
    const names = [await nameFor(pool, "client:ada"), await nameFor(pool, "client:ada")];
    assert.notEqual(names[0], names[1]);
  });
});

describe("the children's lives", () => {
  test("go on through signals to the whole group, and end with the pool", async (context) => {
    const { pool } = await open(context, { children: 2 });
    const pid = await pidOf(pool);
    const working = ask(pool, "work", { ms: 300 });
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.kill(pid, signal);
    assert.equal(pidNamed(((await working) as Span).name), pid);
    const hanging = execute(pool, {}, { app: "hang" });
    const other = await pidOf(pool); // Of the second child: the first one hangs.
    const fault = isFault(hanging, /signal SIGKILL/);
    await pool.close();
    // Their pipes are closed; in a fence the system still clears up after them.
    for (const each of [pid, other]) await isGone(each, 1_000);
    await fault;
    await isFault(execute(pool, {}, { app: "name" }), /closed/);
  });

  test("end when their supervisor is killed, even while they compute", async () => {
    const program = fileURLToPath(new URL("./testing/orphaning.ts", import.meta.url));
    const supervisor = spawn(process.execPath, [program, misbehaving], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [line] = await once(createInterface({ input: supervisor.stdout }), "line");
    const [busy, idle] = JSON.parse(line as string) as [number, number];
    assert.ok(busy !== idle && exists(busy) && exists(idle));
    supervisor.kill("SIGKILL");
    await isGone(busy, 1_000);
    await isGone(idle, 1_000);
  });

  test("begin when tasks come and end when none do, where they are not kept warm", async (context) => {
    const { pool } = await open(context, { children: 2, warm: 0, idleMs: 300 });
    const first = await pidOf(pool);
    const spans = await Promise.all([1, 2].map(() => ask(pool, "work", { ms: 50 })));
    const pids = spans.map((span) => pidNamed((span as Span).name));
    for (const pid of new Set([first, ...pids])) await isGone(pid, 2_000);
    assert.notEqual(await pidOf(pool), first);
  });

  test("do not begin for what cannot be computed", async (context) => {
    await refusedAs(
      open(context, { apps: ["name", "nothing"] }).then(),
      "unknown-app",
      /"nothing"/,
    );
    const programs = new URL("./testing/absent.ts", import.meta.url).href;
    await isFault(
      open(context, { apps: ["name"], programs }),
      /can compute name on ort-node: .*absent/,
    );
    await sleep(300);
    assert.equal(childrenOfThisProcess(), 0, "nobody tries again behind the error");
    await assert.rejects(open(context, { children: 0 }), RangeError);
    await assert.rejects(open(context, { warm: 2 }), RangeError);
  });
});

describe("the catalogue's apps in children", () => {
  test("leave this process free while they compute, and runtimes out of it", async (context) => {
    const { pool: noop } = await open(context, { apps: ["noop"], programs: "file:///absent.ts" });
    assert.equal((await execute(noop, {})).output.byteLength, 0);

    const [page] = await makePages({ count: 1, seed: 1 });
    const photo = await photoOfFour();
    const runtimes = () =>
      (process.report.getReport() as unknown as { sharedObjects: string[] }).sharedObjects.filter(
        (path) => path.includes("onnxruntime"),
      );
    const fence = fenceUnderTest;
    const options = { fence, engine: "ort-node", children: 2, onTrouble: assert.fail } as const;
    const executors = await openExecutorPool({ apps: ["faces", "ocr", "echo"], ...options });
    context.after(() => Promise.all(executors.map((executor) => executor.close())));
    assert.deepEqual(
      executors.map(({ apps }) => apps),
      [["echo"], ["faces", "ocr"]],
    );
    const native = executors[1]!;
    assert.match(native.executionClass, /^ort-node@/);

    let stillMs = Number.POSITIVE_INFINITY;
    // Other programs can hold a process up, too, but hardly three times.
    for (let round = 0; round < 3 && stillMs >= 100; round++) {
      const delay = monitorEventLoopDelay({ resolution: 5 });
      const cpuBefore = process.cpuUsage();
      delay.enable();
      const ocr = execute(native, { image: page!.png }, { app: "ocr" });
      const faces = await execute(native, { image: photo }, { app: "faces" });
      const { text } = parseJson((await ocr).output) as { readonly text: string };
      delay.disable();
      const { user, system } = process.cpuUsage(cpuBefore);
      assert.ok(text.length > 50, text);
      assert.equal((parseJson(faces.output) as { faces: unknown[] }).faces.length, 4);
      assert.ok(user + system < 200_000, `this process computed for ${user + system} µs`);
      stillMs = Math.min(stillMs, delay.max / 1e6);
    }
    assert.ok(stillMs < 100, `this process stood still for ${stillMs} ms`);
    await refusedAs(
      execute(native, { image: Uint8Array.of(1) }, { app: "ocr" }),
      "bad-image",
      /neither a PNG/,
    );
    assert.deepEqual(runtimes(), []);
  });
});
