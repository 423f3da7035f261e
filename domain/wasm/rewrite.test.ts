import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  body,
  echo,
  functionType,
  leb,
  sleb,
  text,
  types,
  wasmModule,
} from "../../testing/fixtures/wasm-module.ts";
import { prepareModule } from "./rewrite.ts";

const { i64, f32, f64, v128 } = types;
const options = { memoryPages: 16 };

type Compute = (...values: readonly bigint[]) => bigint;

/** A module that exports `f` besides what it must, from a body of i64 values to one. */
const withFunction = (params: number, code: readonly number[]): Uint8Array =>
  wasmModule({
    types: [
      functionType(
        Array.from({ length: params }, () => i64),
        [i64],
      ),
    ],
    functions: [[3, body(code)]],
    exports: [[...text("f"), 0, 2]],
  });

const computing = (bytes: Uint8Array): Compute => {
  const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes as BufferSource));
  const f = instance.exports["f"] as (...values: readonly bigint[]) => bigint;
  return (...values) => BigInt.asUintN(64, f(...values));
};

/** From bits to bits: `f64.reinterpret` on both sides of an instruction. */
const onF64 = (op: number, operands: 1 | 2) => [
  ...[0x20, 0, 0xbf],
  ...(operands === 2 ? [0x20, 1, 0xbf] : []),
  ...[op, 0xbd],
];
const onF32 = (op: number, operands: 1 | 2) => [
  ...[0x20, 0, 0xa7, 0xbe],
  ...(operands === 2 ? [0x20, 1, 0xa7, 0xbe] : []),
  ...[op, 0xbc, 0xad],
];
/** The first lane's bits, of vectors whose lanes are all the same. */
const onVector = (code: number, operands: 1 | 2) => [
  ...[0x20, 0, 0xfd, 0x12],
  ...(operands === 2 ? [0x20, 1, 0xfd, 0x12] : []),
  ...[0xfd, ...leb(code), 0xfd, 0x1d, 0],
];

const nan64 = 0x7ff8_0000_0000_0000n;
const nan32 = 0x7fc0_0000n;
/** Quiet and signalling, of both signs, with bits of their own. */
const nans64 = [
  0x7ff8_0000_0000_0abcn,
  0xfff8_0000_0000_0defn,
  0x7ff0_0000_0000_0001n,
  0xfff4_0000_0000_0000n,
];
const nans32 = [0x7fc0_0abcn, 0xffc0_0defn, 0x7f80_0001n, 0xffa0_0000n];

const range = (first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, at) => first + at);
const unary64 = range(0x9b, 0x9f);
const binary64 = range(0xa0, 0xa5);
const unary32 = range(0x8d, 0x91);
const binary32 = range(0x92, 0x97);
const unaryVectors = [...range(0x67, 0x6a), 0x74, 0x75, 0x7a, 0x94, 0xe3, 0xef];
const binaryVectors = [...range(0xe4, 0xe9), ...range(0xf0, 0xf5)];

/** So often, that V8 has its optimiser compile it as well. */
const rounds = 3_000;

const checkAll = (
  name: string,
  codes: readonly number[],
  code: (op: number, operands: 1 | 2) => readonly number[],
  { operands, values, expected }: { operands: 1 | 2; values: readonly bigint[]; expected: bigint },
) =>
  test(name, () => {
    let differing = 0;
    for (const op of codes) {
      const module = withFunction(operands, code(op, operands));
      const prepared = prepareModule(module, options);
      assert.equal(prepared.canonicalised, 1, op.toString(16));
      const raw = computing(module);
      const f = computing(prepared.bytes);
      for (let round = 0; round < rounds; round++)
        for (const value of round % 100 === 0 ? values : values.slice(0, 1))
          assert.equal(f(value, values.at(-1) ?? 0n), expected, op.toString(16));
      if (values.some((value) => raw(value, values.at(-1) ?? 0n) !== expected)) differing++;
    }
    // Where the machine already gave the canonical bits, nothing would be shown.
    assert.equal(differing, codes.length);
  });

describe("every instruction that makes a NaN makes the canonical one", () => {
  const of64 = { values: nans64, expected: nan64 };
  const of32 = { values: nans32, expected: nan32 };
  checkAll("f64, one operand", unary64, onF64, { operands: 1, ...of64 });
  checkAll("f64, two operands", binary64, onF64, { operands: 2, ...of64 });
  checkAll("f32, one operand", unary32, onF32, { operands: 1, ...of32 });
  checkAll("f32, two operands", binary32, onF32, { operands: 2, ...of32 });

  test("vectors, in each lane", () => {
    for (const [codes, operands] of [
      [unaryVectors, 1],
      [binaryVectors, 2],
    ] as const)
      for (const code of codes) {
        const prepared = prepareModule(withFunction(operands, onVector(code, operands)), options);
        assert.equal(prepared.canonicalised, 1, code.toString(16));
        const f = computing(prepared.bytes);
        const isWide = code === 0xef || code >= 0xf0 || [0x74, 0x75, 0x7a, 0x94].includes(code);
        const values = isWide ? nans64 : nans32.map((bits) => bits | (bits << 32n));
        const expected = isWide ? nan64 : nan32 | (nan32 << 32n);
        for (const value of values) assert.equal(f(value, value), expected, code.toString(16));
      }
  });

  test("conversions between f32 and f64", () => {
    const demote = [0x20, 0, 0xbf, 0xb6, 0xbc, 0xad];
    const promote = [0x20, 0, 0xa7, 0xbe, 0xbb, 0xbd];
    const f = (code: readonly number[]) =>
      computing(prepareModule(withFunction(1, code), options).bytes);
    for (const bits of nans64) assert.equal(f(demote)(bits), nan32);
    for (const bits of nans32) assert.equal(f(promote)(bits), nan64);
  });
});

test("an x64's own NaN is not the canonical one", {
  ...(process.arch === "x64" ? {} : { skip: "this machine is no x64" }),
}, () => {
  const divide = computing(withFunction(2, onF64(0xa3, 2)));
  assert.equal(divide(0n, 0n), 0xfff8_0000_0000_0000n);
  const prepared = computing(prepareModule(withFunction(2, onF64(0xa3, 2)), options).bytes);
  assert.equal(prepared(0n, 0n), nan64);
});

describe("bits that are not made by arithmetic stay", () => {
  const unchanged = (name: string, code: readonly number[], expected: (bits: bigint) => bigint) =>
    test(name, () => {
      const prepared = prepareModule(withFunction(1, code), options);
      assert.equal(prepared.canonicalised, 0);
      const f = computing(prepared.bytes);
      for (const bits of [...nans64, 0n, 1n << 63n]) assert.equal(f(bits), expected(bits));
    });
  unchanged("through a float and back", [0x20, 0, 0xbf, 0xbd], (bits) => bits);
  unchanged(
    "through memory as a float",
    [
      ...[0x41, 8, 0x20, 0, 0xbf, 0x39, 3, 0, 0x41, 16, 0x41, 8, 0x2b, 3, 0, 0x39, 3, 0],
      ...[0x41, 16, 0x29, 3, 0],
    ],
    (bits) => bits,
  );
  unchanged("neg", [0x20, 0, 0xbf, 0x9a, 0xbd], (bits) => bits ^ (1n << 63n));
  unchanged("abs", [0x20, 0, 0xbf, 0x99, 0xbd], (bits) => bits & ~(1n << 63n));
});

describe("only what could be seen is made canonical", () => {
  const countOf = (code: readonly number[]) =>
    prepareModule(withFunction(2, code), options).canonicalised;
  const [a, b] = [
    [0x20, 0, 0xbf],
    [0x20, 1, 0xbf],
  ] as const;
  test("a chain of arithmetic, once, at its end", () =>
    assert.equal(countOf([...a, ...b, 0xa2, ...a, 0xa0, 0x9f, 0xbd]), 1));
  test("a comparison, a truncation, a drop: never", () => {
    assert.equal(countOf([...a, ...b, 0xa2, ...a, 0x63, 0xad]), 0);
    assert.equal(countOf([...a, ...b, 0xa3, 0xfc, 6]), 0);
    assert.equal(countOf([...a, ...b, 0xa3, 0x1a, 0x42, 0]), 0);
  });
  test("a sign that is copied, a choice, a local, a block's result: always", () => {
    assert.equal(countOf([...a, ...b, ...b, 0xa3, 0xa6, 0xbd]), 1);
    assert.equal(countOf([...a, ...b, 0xa0, ...a, 0x41, 1, 0x1b, 0xbd]), 1);
    assert.equal(countOf([0x02, 0x7c, ...a, ...b, 0xa0, 0x0b, ...a, 0xa0, 0xbd]), 2);
  });
  test("a vector whose lanes another instruction sees differently", () => {
    const vectors = [0x20, 0, 0xfd, 0x12, 0x20, 1, 0xfd, 0x12];
    const seen = (second: number) =>
      countOf([
        ...vectors,
        0xfd,
        0xe4,
        1,
        0x20,
        1,
        0xfd,
        0x12,
        0xfd,
        ...leb(second),
        0xfd,
        0x1d,
        0,
      ]);
    assert.equal(seen(0xe4), 1); // f32x4, then f32x4.
    assert.equal(seen(0xf0), 2); // f32x4, then f64x2.
  });
});

describe("the stack", () => {
  /** `f(n)` calls itself n times; its frame has that many locals. */
  const recursive = (locals: number, type: number) =>
    wasmModule({
      types: [functionType([i64], [i64])],
      functions: [
        [
          3,
          body(
            [0x20, 0, 0x50, 0x04, 0x40, 0x42, 7, 0x0f, 0x0b, 0x20, 0, 0x42, 1, 0x7d, 0x10, 2],
            locals === 0 ? [] : [[...leb(locals), type]],
          ),
        ],
      ],
      exports: [[...text("f"), 0, 2]],
    });

  test("runs out at the same call, cold and hot", () => {
    const module = prepareModule(recursive(10, i64), options);
    assert.equal(module.calls, 1);
    const deepest = (f: Compute) => {
      let [works, fails] = [1, 1_000_000];
      while (fails - works > 1) {
        const middle = (works + fails) >> 1;
        try {
          f(BigInt(middle));
          works = middle;
        } catch {
          fails = middle;
        }
      }
      return works;
    };
    // Each trap leaves the budget used up: a fresh instance for each try.
    const fresh: Compute = (depth) => computing(module.bytes)(...([depth].flat() as bigint[]));
    const cold = deepest(fresh);
    const hot: Compute = (...values) => {
      const f = computing(module.bytes);
      for (let round = 0; round < 2_000; round++) f(100n);
      return f(...values);
    };
    assert.equal(hot(BigInt(cold)), 7n);
    assert.throws(() => hot(BigInt(cold + 1)), /unreachable/);
    assert.ok(cold > 1_000, `only ${cold} calls`);
  });

  test("is given back, so that calls one after another are free", () => {
    const f = computing(prepareModule(recursive(0, i64), options).bytes);
    for (let round = 0; round < 100; round++) assert.equal(f(1_000n), 7n);
  });

  test("is not counted where it cannot run out", () => {
    const module = prepareModule(
      wasmModule({
        functions: [
          [2, body([0x10, 3])],
          [2, body([])],
        ],
        run: [0x10, 2, ...echo],
      }),
      options,
    );
    assert.equal(module.calls, 0);
  });

  test("is counted where a chain of large frames could", () => {
    const functions = Array.from(
      { length: 100 },
      (_, at) =>
        [2, body(at === 99 ? [] : [0x10, ...leb(at + 3)], [[...leb(1_000), v128]])] as const,
    );
    assert.ok(
      prepareModule(wasmModule({ functions, run: [0x10, 2, ...echo] }), options).calls > 90,
    );
  });
});

test("what is not about floats or calls is left as it is, but custom sections", () => {
  const parts = {
    globals: [
      [f32, 0, 0x43, 0, 0, 0xc0, 0x7f, 0x0b],
      [f64, 1, 0x44, 1, 2, 3, 4, 5, 6, 7, 8, 0x0b],
    ],
  };
  const plain = prepareModule(wasmModule(parts), options);
  const named = wasmModule({ ...parts, trailer: [0, 6, ...text("name"), 1] });
  assert.deepEqual(prepareModule(named, options).bytes, plain.bytes);
  const run = computing(
    prepareModule(
      wasmModule({ exports: [[...text("f"), 0, 1]], run: [0x42, ...sleb(-5)] }),
      options,
    ).bytes,
  );
  assert.equal(BigInt.asIntN(64, run()), -5n);
});
