import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import type { Comparator } from "./comparator.ts";
import { compareOutputs } from "./compare.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const json = (value: unknown) => bytes(JSON.stringify(value));

const floats = (...data: readonly unknown[]) =>
  json({ y: { dtype: "float64", shape: [data.length], data } });
const integers = (...data: readonly unknown[]) =>
  json({ y: { dtype: "int64", shape: [data.length], data } });
const page = (text: string) => json({ lines: [], text });
const faces = (...boxes: readonly (readonly number[])[]) =>
  json({ faces: boxes.map((box) => ({ box })) });

/** Each pair stands just inside or just outside of what its comparator takes. */
const golden: readonly {
  readonly rule: string;
  readonly by: Comparator;
  readonly a: Uint8Array;
  readonly b: Uint8Array;
  readonly agree: boolean;
  readonly reason: string;
}[] = [
  {
    rule: "the same bytes",
    by: { kind: "exact" },
    a: Uint8Array.of(1, 2, 3),
    b: Uint8Array.of(1, 2, 3),
    agree: true,
    reason: "same-bytes",
  },
  {
    rule: "one bit apart",
    by: { kind: "exact" },
    a: Uint8Array.of(1, 2, 3),
    b: Uint8Array.of(1, 2, 2),
    agree: false,
    reason: "different-bytes",
  },
  {
    rule: "one byte longer",
    by: { kind: "exact" },
    a: Uint8Array.of(1, 2),
    b: Uint8Array.of(1, 2, 0),
    agree: false,
    reason: "different-bytes",
  },
  {
    rule: "a default tolerance takes 1e-4 of the largest magnitude",
    by: { kind: "tolerance" },
    a: floats(100, 0.5),
    b: floats(100, 0.509),
    agree: true,
    reason: "within-tolerance",
  },
  {
    rule: "a default tolerance takes no more",
    by: { kind: "tolerance" },
    a: floats(100, 0.5),
    b: floats(100, 0.511),
    agree: false,
    reason: "out-of-tolerance",
  },
  {
    rule: "an absolute tolerance takes its bound",
    by: { kind: "tolerance", atol: 0.25 },
    a: floats(1),
    b: floats(1.25),
    agree: true,
    reason: "within-tolerance",
  },
  {
    rule: "an absolute tolerance takes no more",
    by: { kind: "tolerance", atol: 0.25 },
    a: floats(1),
    b: floats(1.2501),
    agree: false,
    reason: "out-of-tolerance",
  },
  {
    rule: "a relative tolerance grows with the number",
    by: { kind: "tolerance", atol: 0, rtol: 0.01 },
    a: floats(99.1),
    b: floats(100),
    agree: true,
    reason: "within-tolerance",
  },
  {
    rule: "a relative tolerance ends",
    by: { kind: "tolerance", atol: 0, rtol: 0.01 },
    a: floats(98.9),
    b: floats(100),
    agree: false,
    reason: "out-of-tolerance",
  },
  {
    rule: "the same NaN and infinities agree",
    by: { kind: "tolerance" },
    a: floats("NaN", "Infinity", "-Infinity"),
    b: floats("NaN", "Infinity", "-Infinity"),
    agree: true,
    reason: "within-tolerance",
  },
  {
    rule: "NaN agrees with no number",
    by: { kind: "tolerance", atol: 1, rtol: 0.1 },
    a: floats("NaN"),
    b: floats(0),
    agree: false,
    reason: "out-of-tolerance",
  },
  {
    rule: "infinity agrees with no number, however large",
    by: { kind: "tolerance", atol: 1, rtol: 0.1 },
    a: floats("Infinity"),
    b: floats(1.7e308),
    agree: false,
    reason: "out-of-tolerance",
  },
  {
    rule: "infinities of two signs disagree",
    by: { kind: "tolerance", atol: 1, rtol: 0.1 },
    a: floats("Infinity"),
    b: floats("-Infinity"),
    agree: false,
    reason: "out-of-tolerance",
  },
  {
    rule: "-0 is 0",
    by: { kind: "tolerance", atol: 0 },
    a: floats("-0"),
    b: floats(0),
    agree: true,
    reason: "within-tolerance",
  },
  {
    rule: "an index is exact, whatever its size",
    by: { kind: "tolerance", rtol: 0.1 },
    a: integers("9007199254740993"),
    b: integers("9007199254740992"),
    agree: false,
    reason: "out-of-tolerance",
  },
  {
    rule: "a whole number may be off by a given bound",
    by: { kind: "tolerance", atol: 1 },
    a: integers("9007199254740993"),
    b: integers("9007199254740992"),
    agree: true,
    reason: "within-tolerance",
  },
  {
    rule: "the same numbers under another dtype disagree",
    by: { kind: "tolerance" },
    a: json({ y: { dtype: "float32", shape: [1], data: [1] } }),
    b: json({ y: { dtype: "float64", shape: [1], data: [1] } }),
    agree: false,
    reason: "dtypes-differ",
  },
  {
    rule: "the same numbers in another shape disagree",
    by: { kind: "tolerance" },
    a: json({ y: { dtype: "float32", shape: [2, 1], data: [1, 2] } }),
    b: json({ y: { dtype: "float32", shape: [1, 2], data: [1, 2] } }),
    agree: false,
    reason: "shapes-differ",
  },
  {
    rule: "the same numbers under another name disagree",
    by: { kind: "tolerance" },
    a: json({ y: { dtype: "float32", shape: [1], data: [1] } }),
    b: json({ z: { dtype: "float32", shape: [1], data: [1] } }),
    agree: false,
    reason: "names-differ",
  },
  {
    rule: "white space and composition do not count",
    by: { kind: "text" },
    a: page("caf\u00e9 au\nlait"),
    b: page(" cafe\u0301  au lait "),
    agree: true,
    reason: "same-text",
  },
  {
    rule: "one letter counts",
    by: { kind: "text" },
    a: page("Call me Ishmael."),
    b: page("Call me lshmael."),
    agree: false,
    reason: "text-differs",
  },
  {
    rule: "a text may differ by the share given",
    by: { kind: "text", maxDistance: 0.1 },
    a: page("0123456789"),
    b: page("0123x56789"),
    agree: true,
    reason: "text-within-distance",
  },
  {
    rule: "a text may differ by no more",
    by: { kind: "text", maxDistance: 0.1 },
    a: page("0123456789"),
    b: page("0123xx6789"),
    agree: false,
    reason: "text-differs",
  },
  {
    rule: "plain text is not a page",
    by: { kind: "text" },
    a: page("whale"),
    b: bytes("whale"),
    agree: false,
    reason: "forms-differ",
  },
  {
    rule: "boxes that share the threshold agree, in any order",
    by: { kind: "iou" },
    a: faces([0, 0, 100, 100], [500, 0, 10, 10]),
    b: faces([500, 0, 10, 10], [0, 5, 100, 100]),
    agree: true,
    reason: "boxes-match",
  },
  {
    rule: "boxes that share less disagree",
    by: { kind: "iou" },
    a: faces([0, 0, 100, 100]),
    b: faces([0, 6, 100, 100]),
    agree: false,
    reason: "boxes-differ",
  },
  {
    rule: "one face more disagrees",
    by: { kind: "iou", threshold: 0.1 },
    a: faces([0, 0, 100, 100]),
    b: faces([0, 0, 100, 100], [0, 0, 100, 100]),
    agree: false,
    reason: "counts-differ",
  },
  {
    rule: "two empty photos agree",
    by: { kind: "iou" },
    a: faces(),
    b: faces(),
    agree: true,
    reason: "boxes-match",
  },
];

describe("two outputs", () => {
  for (const { rule, by, a, b, agree, reason } of golden)
    test(`${by.kind}: ${rule}`, () => {
      const found = compareOutputs(by, a, b);
      assert.deepEqual({ agree: found.agree, reason: found.reason }, { agree, reason });
      assert.deepEqual(compareOutputs(by, b, a), found, "the order must not matter");
    });

  test("say how far apart they are", () => {
    const distance = (by: Comparator, a: Uint8Array, b: Uint8Array) =>
      compareOutputs(by, a, b).distance;
    assert.equal(distance({ kind: "tolerance" }, floats(100, 0.5), floats(100, 1)), 0.005);
    assert.equal(distance({ kind: "text" }, page("abcd"), page("abxd")), 0.25);
    assert.equal(distance({ kind: "iou" }, faces([0, 0, 10, 10]), faces([0, 5, 10, 5])), 0.5);
    assert.equal(distance({ kind: "exact" }, bytes("a"), bytes("a")), 0);
  });
});

const kinds: readonly Comparator[] = [{ kind: "tolerance" }, { kind: "text" }, { kind: "iou" }];

describe("garbage", () => {
  const broken: Readonly<Record<string, readonly Uint8Array[]>> = {
    tolerance: [
      bytes(""),
      bytes("{"),
      bytes("[]"),
      bytes("null"),
      json({ y: [1] }),
      json({ y: { dtype: "float8", shape: [1], data: [1] } }),
      json({ y: { dtype: "float32", shape: [2], data: [1] } }),
      json({ y: { dtype: "float32", shape: [-1], data: [] } }),
      json({ y: { dtype: "float32", shape: [1], data: [null] } }),
      json({ y: { dtype: "float32", shape: [1], data: ["1"] } }),
      json({ y: { dtype: "int64", shape: [1], data: [1] } }),
      json({ y: { dtype: "int64", shape: [1], data: ["9223372036854775808"] } }),
      json({ y: { dtype: "bool", shape: [1], data: [1] } }),
    ],
    text: [Uint8Array.of(0xff, 0xfe), json({ lines: [] }), json({ text: 1 })],
    iou: [
      bytes(""),
      json({}),
      json({ faces: [{}] }),
      json({ faces: [{ box: [0, 0, 1] }] }),
      json({ faces: [{ box: [0, 0, 0, 1] }] }),
      json({ faces: [{ box: [0, 0, "1", 1] }] }),
    ],
  };
  for (const by of kinds)
    for (const output of broken[by.kind]!)
      test(`disagrees with itself (${by.kind}): ${JSON.stringify(String(output)).slice(0, 60)}`, () =>
        assert.deepEqual(compareOutputs(by, output, output), {
          agree: false,
          distance: 1,
          reason: "unreadable",
        }));

  test("never throws, whatever comes", () => {
    const anything = fc.oneof(
      fc.uint8Array({ maxLength: 64 }),
      fc.json().map(bytes),
      fc.record({ faces: fc.array(fc.record({ box: fc.array(fc.double()) })) }).map(json),
      fc.record({ y: fc.record({ dtype: fc.constant("float32"), shape: fc.json() }) }).map(json),
    );
    fc.assert(
      fc.property(
        fc.constantFrom<Comparator>({ kind: "exact" }, ...kinds),
        anything,
        anything,
        (by, a, b) => {
          const { distance, agree } = compareOutputs(by, a, b);
          assert.ok(distance >= 0 && distance <= 1);
          if (agree) assert.equal(compareOutputs(by, b, a).agree, true);
        },
      ),
    );
  });

  test("does not keep the validator busy", { timeout: 5_000 }, () => {
    const long = (letter: string) => page(letter.repeat(300_000));
    assert.equal(
      compareOutputs({ kind: "text", maxDistance: 0.5 }, long("a"), long("b")).agree,
      false,
    );
    const crowd = faces(...Array.from({ length: 501 }, (_, i) => [i, 0, 1, 1]));
    assert.equal(compareOutputs({ kind: "iou" }, crowd, crowd).reason, "too-many-boxes");
    const deep = bytes(`${"[".repeat(200_000)}${"]".repeat(200_000)}`);
    assert.equal(compareOutputs({ kind: "tolerance" }, deep, deep).reason, "unreadable");
  });
});

describe("the order of two outputs", () => {
  const number = fc.double({ noDefaultInfinity: true, noNaN: true });
  const boxes = fc.array(
    fc.tuple(fc.nat(9), fc.nat(9), fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 })),
    { maxLength: 5 },
  );

  test("does not matter for tensors", () =>
    fc.assert(
      fc.property(fc.array(fc.tuple(number, number)), (pairs) => {
        const a = floats(...pairs.map(([x]) => x));
        const b = floats(...pairs.map(([, y]) => y));
        const by = { kind: "tolerance", atol: 0.5, rtol: 0.1 } as const;
        assert.deepEqual(compareOutputs(by, a, b), compareOutputs(by, b, a));
      }),
    ));

  test("does not matter for boxes, also where several pairs overlap alike", () =>
    fc.assert(
      fc.property(boxes, boxes, (left, right) => {
        const by = { kind: "iou", threshold: 0.5 } as const;
        const [a, b] = [faces(...left), faces(...right)];
        assert.deepEqual(compareOutputs(by, a, b), compareOutputs(by, b, a));
      }),
      { numRuns: 500 },
    ));
});
