import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { inputBytesMax } from "../../domain/job/spec.ts";
import {
  bundleBytesMax,
  bundleTasksMax,
  type ResultStatement,
  type TaskOrder,
} from "../task-queue.ts";
import { TaskQueueError } from "./errors.ts";
import {
  decodeControl,
  decodeHeartbeat,
  decodeReport,
  decodeTasks,
  encodeHeartbeat,
  encodeReport,
  encodeTasks,
  resultBytesMax,
} from "./wire.ts";

const aDigest = fc
  .uint8Array({ minLength: 32, maxLength: 32 })
  .map((bytes) => Buffer.from(bytes).toString("hex"));
const params = fc.dictionary(fc.string({ maxLength: 10 }), fc.jsonValue({ maxDepth: 2 }), {
  maxKeys: 4,
});
const anOrder: fc.Arbitrary<TaskOrder> = fc.record(
  {
    jobHash: aDigest,
    replica: fc.integer({ min: 0, max: 255 }),
    attempt: fc.integer({ min: 0, max: 65_535 }),
    app: fc.stringMatching(/^[a-z][a-z0-9-]{0,31}$/),
    params: params.map((value) => JSON.parse(JSON.stringify(value))),
    inputs: fc.dictionary(
      fc.stringMatching(/^[a-z]{1,8}$/),
      fc.record(
        { digest: aDigest, size: fc.integer({ min: 0, max: inputBytesMax }) },
        { noNullPrototype: true },
      ),
      { maxKeys: 3, noNullPrototype: true },
    ),
    executionClass: fc.string({ unit: "grapheme", maxLength: 40 }),
    wallMs: fc.integer({ min: 1, max: 86_400_000 }),
    expiresAt: fc.nat(),
    commit: fc.constant(true as const),
    sealed: fc.record(
      {
        spec: fc.constant({ client: "client:ada", sealed: true } as never),
        wrap: fc.record(
          { keyId: aDigest, enc: aDigest, seq: fc.nat(65_535), wrapped: aDigest },
          { noNullPrototype: true },
        ),
      },
      { noNullPrototype: true },
    ),
    client: fc.string({ unit: "grapheme", maxLength: 40 }),
  },
  {
    noNullPrototype: true,
    requiredKeys: [
      ...["jobHash", "replica", "attempt", "app", "params", "inputs"],
      ...["executionClass", "wallMs", "expiresAt"],
    ] as (keyof Omit<TaskOrder, "commit" | "sealed" | "client">)[],
  },
) as fc.Arbitrary<TaskOrder>;
const task = { jobHash: aDigest, replica: fc.nat(255), attempt: fc.nat(65_535) };
const aResult: fc.Arbitrary<ResultStatement> = fc.oneof(
  fc.record(
    {
      ...task,
      outcome: fc.constant("done" as const),
      executionClass: fc.string({ maxLength: 40 }),
      outputDigest: aDigest,
      outputSize: fc.nat(),
      elapsedMs: fc.integer({ min: 0, max: 1_000_000 }).map((n) => n / 8),
    },
    { noNullPrototype: true },
  ),
  fc.record(
    {
      ...task,
      outcome: fc.constant("done" as const),
      executionClass: fc.string({ maxLength: 40 }),
      outputDigest: aDigest,
      outputSize: fc.nat(),
      elapsedMs: fc.nat(),
      resultTag: aDigest,
      salt: aDigest,
    },
    { noNullPrototype: true },
  ),
  fc.record(
    { ...task, outcome: fc.constant("committed" as const), commit: aDigest },
    { noNullPrototype: true },
  ),
  fc.record(
    {
      ...task,
      outcome: fc.constant("failed" as const),
      code: fc.stringMatching(/^[a-z][a-z0-9-]{0,20}$/),
      message: fc.string({ unit: "grapheme", maxLength: 60 }),
      retryable: fc.boolean(),
    },
    { noNullPrototype: true },
  ),
);

/** Up to 450 items, a few different ones over and over, since to draw each takes long. */
const manyOf = <Item>(item: fc.Arbitrary<Item>): fc.Arbitrary<readonly Item[]> =>
  fc
    .tuple(fc.array(item, { minLength: 1, maxLength: 5 }), fc.nat(450))
    .map(([some, count]) => Array.from({ length: count }, (_, i) => some[i % some.length] as Item));

const valuesOf = <Item>(decoded: readonly ReturnType<typeof decodeTasks>[] | unknown): Item[] =>
  (decoded as readonly { ok: boolean; value: readonly Item[]; reason?: string }[]).flatMap(
    (one) => {
      assert.equal(one.ok, true, one.reason);
      return one.value;
    },
  );

describe("a message", () => {
  test("says again what was said, in parts that are small enough", () => {
    fc.assert(
      fc.property(manyOf(anOrder), (orders) => {
        const bundles = encodeTasks(orders);
        for (const bundle of bundles) assert.ok(bundle.length <= bundleBytesMax);
        assert.ok(bundles.length >= Math.ceil(orders.length / bundleTasksMax));
        assert.deepEqual(valuesOf<TaskOrder>(bundles.map(decodeTasks)), orders);
      }),
      { numRuns: 15 },
    );
    fc.assert(
      fc.property(manyOf(aResult), (results) => {
        const said = encodeReport(results).flatMap(({ kind, bundles }) =>
          bundles.map((bundle) => {
            assert.ok(bundle.length <= resultBytesMax);
            return decodeReport(bundle, kind);
          }),
        );
        const isCommit = ({ outcome }: ResultStatement) => outcome === "committed";
        assert.deepEqual(valuesOf<ResultStatement>(said), [
          ...results.filter(isCommit),
          ...results.filter((result) => !isCommit(result)),
        ]);
      }),
      { numRuns: 15 },
    );
  });

  test("is refused with a reason, whatever bytes it has, and never thrown over", () => {
    const decoders = [
      decodeTasks,
      decodeHeartbeat,
      (bytes: Uint8Array) => decodeControl("reveal", bytes),
      (bytes: Uint8Array) => decodeControl("stop", bytes),
      (bytes: Uint8Array) => decodeReport(bytes, "result"),
      (bytes: Uint8Array) => decodeReport(bytes, "commit"),
    ];
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array(),
          fc.json().map((text) => Buffer.from(text)),
        ),
        (bytes) => {
          for (const decode of decoders) {
            const decoded = decode(bytes);
            assert.ok(!decoded.ok && decoded.reason.length > 0);
          }
        },
      ),
    );
  });

  test("is refused when one field of one item is missing, of another type, or unknown", () => {
    const optional = new Set(["resultTag", "salt", "sealed", "client"]);
    const strange = [undefined, null, -1, 1.5, Number.MAX_VALUE, {}, [], "é".repeat(40_000)];
    const check = <Item extends object>(
      field: string,
      item: Item,
      decode: (bytes: Uint8Array) => { readonly ok: boolean },
    ): void => {
      const says = (one: object) =>
        decode(Buffer.from(JSON.stringify({ v: 1, [field]: [item, one] }))).ok;
      assert.equal(says(item), true);
      assert.equal(says({ ...item, more: 1 }), false);
      for (const key of Object.keys(item))
        for (const value of strange) {
          if (JSON.stringify(value) === "{}" && (key === "params" || key === "inputs")) continue;
          const isOptional = optional.has(key) || (key === "commit" && field === "tasks");
          if (isOptional && value === undefined) continue; // JSON leaves it out.
          if (key === "elapsedMs" && typeof value === "number" && value > 0) continue;
          assert.equal(says({ ...item, [key]: value }), false, `${key}: ${JSON.stringify(value)}`);
        }
    };
    const orders = fc.sample(anOrder, { numRuns: 10, seed: 1 });
    const order = orders.find(({ commit }) => commit);
    const results = fc.sample(aResult, { numRuns: 20, seed: 1 });
    assert.ok(order && new Set(results.map(({ outcome }) => outcome)).size === 3);
    check("tasks", order, decodeTasks);
    for (const result of results)
      check("results", result, (bytes) =>
        decodeReport(bytes, result.outcome === "committed" ? "commit" : "result"),
      );
  });

  test("holds at most so many items", () => {
    const [order] = fc.sample(anOrder, { numRuns: 1, seed: 1 });
    const says = (count: number) =>
      decodeTasks(Buffer.from(JSON.stringify({ v: 1, tasks: Array(count).fill(order) }))).ok;
    assert.deepEqual(
      [says(0), says(1), says(bundleTasksMax), says(bundleTasksMax + 1)],
      [false, true, true, false],
    );
  });

  test("is not made of a task that fits in none", () => {
    const [order] = fc.sample(anOrder, { numRuns: 1, seed: 1 });
    assert.ok(order);
    assert.throws(
      () => encodeTasks([{ ...order, params: { text: "x".repeat(bundleBytesMax) } }]),
      (error) => error instanceof TaskQueueError && error.code === "too-large",
    );
  });

  test("carries a heartbeat", () => {
    const heartbeat = { instance: "a-1", held: 7, draining: false };
    assert.deepEqual(decodeHeartbeat(encodeHeartbeat(heartbeat)), { ok: true, value: heartbeat });
    const leaving = { ...heartbeat, drainAt: 1_900_000_000_000 };
    assert.deepEqual(decodeHeartbeat(encodeHeartbeat(leaving)), { ok: true, value: leaving });
    const absurd = encodeHeartbeat({ ...heartbeat, drainAt: -1 });
    assert.equal(decodeHeartbeat(absurd).ok, false);
  });
});
