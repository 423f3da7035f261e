/**
 * A known-answer task: a WebAssembly module and its input, both made from a seed that nobody else
 * knows until the answer is in. Whoever has the seed makes the same bytes, computes them, and sees
 * what the answer had to be. No two seeds give the same code, constants or sizes.
 *
 * The module mixes its input into 64 KiB of memory and two words for a known number of instructions,
 * and gives back a part of that memory: there is no shorter way to it than to compute it all.
 */
import { portableSha256, type Sha256 } from "../hashing.ts";
import type { Digest } from "../ids.ts";
import * as wasm from "./wasm-writer.ts";

/** The app that computes them, and so the one whose speed is measured. */
export const measuredApp = "wasm";

export interface ProbeTask {
  readonly module: Uint8Array;
  readonly data: Uint8Array;
  /** WebAssembly instructions that its loops take, all in all; the rest is a few dozen. */
  readonly instructions: number;
}

/** A task with its answer. */
export interface AnsweredProbe extends ProbeTask {
  /** Of the right output. */
  readonly outputDigest: Digest;
}

/** Of a seed: 128 bits in lower-case hex. */
export const isProbeSeed = (value: unknown): value is string =>
  typeof value === "string" && /^[0-9a-f]{32}$/.test(value);

/**
 * How much a task takes: `trivial` next to nothing, so that it shows how long a node takes for any
 * task at all; `benchmark` some tenths of a second on a machine of 2020.
 */
export type ProbeSize = "trivial" | "benchmark";
const rounds: Readonly<Record<ProbeSize, readonly [least: number, most: number]>> = {
  trivial: [200, 2_000],
  benchmark: [8_000_000, 12_000_000],
};

/** Rounds between two calls, since an engine makes its best code for a function when it is called again. */
const roundsPerCall = 20_000;

/** @param seed - As of `isProbeSeed`. */
export const probeTask = (
  seed: string,
  size: ProbeSize,
  sha256: Sha256 = portableSha256,
): ProbeTask => {
  const draw = drawsOf(seed, sha256);
  const [least, most] = rounds[size];
  const calls = Math.max(1, Math.round(draw.between(least, most) / roundsPerCall));
  const perCall = size === "trivial" ? draw.between(least, most) : roundsPerCall;
  const { code, instructions } = roundOf(draw);
  const data = draw.bytes(draw.between(64, 4_096));
  const outputAt = 8 * draw.between(0, 4_000);
  const outputSize = draw.between(32, 2_048);
  const module = moduleOf({ code, calls, perCall, outputAt, outputSize });
  return {
    module,
    data,
    instructions: fillInstructions + calls * perCall * (instructions + loopInstructions),
  };
};

interface Draw {
  /** A whole number, both ends included; at most 2^32 apart. */
  between(least: number, most: number): number;
  /** 64 bits, odd. */
  word(): bigint;
  bytes(count: number): Uint8Array;
}

const drawsOf = (seed: string, sha256: Sha256): Draw => {
  let block = "";
  let counter = 0;
  /** 32 bits. */
  const next = (): number => {
    if (block === "") block = sha256(`cnct/probe/v1\n${seed}\n${counter++}`);
    const value = Number.parseInt(block.slice(0, 8), 16);
    block = block.slice(8);
    return value;
  };
  return {
    between: (least, most) => least + (next() % (most - least + 1)),
    bytes: (count) => {
      const words = Uint32Array.from({ length: Math.ceil(count / 4) }, next);
      const bytes = new Uint8Array(4 * words.length);
      const view = new DataView(bytes.buffer);
      for (const [i, word] of words.entries()) view.setUint32(4 * i, word);
      return bytes.slice(0, count);
    },
    word: () => BigInt.asIntN(64, (BigInt(next()) << 32n) | BigInt(next()) | 1n),
  };
};

/** Locals of the function that mixes: two words and the rounds that are left. */
const [x, y, left] = [0, 1, 2];
/** Memory: the input from `dataAt` on, and the 64 KiB page behind it that is mixed. */
const dataAt = 1_024;
const mixedAt = 65_536;
const mixedMask = 0xfff8;

const { get, set, op, i32Const, i64Const } = wasm;

/**
 * What one round does: the same steps in an order of their own, on words of their own, with constants
 * of their own. As many of each kind in all tasks, so that what a node needs for one says how fast it is.
 */
const steps = [
  "multiply",
  "multiply",
  "shift",
  "shift",
  "rotate",
  "add",
  "subtract",
  "remember",
] as const;

const roundOf = (draw: Draw): { readonly code: wasm.Bytes; readonly instructions: number } => {
  const code: number[] = [];
  let instructions = 0;
  const add = (...parts: readonly wasm.Bytes[]): void => {
    for (const part of parts) code.push(...part);
    instructions += parts.length;
  };
  for (const step of shuffled(steps, draw)) {
    const [a, b] = draw.between(0, 1) === 0 ? [x, y] : [y, x];
    const address = [get(b), op.i32WrapI64, i32Const(mixedMask), op.i32And];
    switch (step) {
      case "multiply":
        add(get(a), i64Const(draw.word()), op.i64Mul, get(b), op.i64Add, set(a));
        break;
      case "shift":
        add(get(a), get(a), i64Const(BigInt(draw.between(7, 57))), op.i64ShrU, op.i64Xor, set(a));
        break;
      case "rotate":
        add(get(a), i64Const(BigInt(draw.between(5, 59))), op.i64Rotl, get(b), op.i64Xor, set(a));
        break;
      case "add":
        add(get(a), i64Const(draw.word()), op.i64Add, set(a));
        break;
      case "subtract":
        add(get(a), get(b), op.i64Sub, i64Const(draw.word()), op.i64Xor, set(a));
        break;
      case "remember":
        add(get(a), ...address, wasm.i64Load(mixedAt), op.i64Add, set(a));
        add(...address, get(a), wasm.i64Store(mixedAt));
    }
  }
  return { code, instructions };
};

const shuffled = <Item>(items: readonly Item[], draw: Draw): readonly Item[] => {
  const rest = [...items];
  return items.flatMap(() => rest.splice(draw.between(0, rest.length - 1), 1));
};

/** What counts the rounds, beside the round. */
const loopInstructions = 5;
/** What fills a page with the input: 17 for each byte. */
const fillInstructions = 17 * 65_536;

const moduleOf = ({
  code,
  calls,
  perCall,
  outputAt,
  outputSize,
}: {
  readonly code: wasm.Bytes;
  readonly calls: number;
  readonly perCall: number;
  readonly outputAt: number;
  readonly outputSize: number;
}): Uint8Array => {
  const { i32, i64 } = wasm.types;
  const mix: wasm.Bytes = [
    ...op.loop,
    ...code,
    ...[get(left), i32Const(1), op.i32Sub, wasm.tee(left), wasm.branchIf(0)].flat(),
    ...op.end,
    ...[get(x), get(y), op.i64Xor].flat(),
  ];
  // Of `run`: data, its size, args, their size; the word, the calls that are left, and a place.
  const [data, size, , , word, callsLeft, at] = [0, 1, 2, 3, 4, 5, 6];
  const run: wasm.Bytes = [
    // The input, over and over, becomes what is mixed.
    ...op.loop,
    ...[get(at), get(data), get(at), get(size), op.i32RemU, op.i32Add].flat(),
    ...[wasm.i32Load8(0), get(at), op.i32Add, wasm.i32Store8(mixedAt)].flat(),
    ...[get(at), i32Const(1), op.i32Add, wasm.tee(at)].flat(),
    ...[i32Const(65_536), op.i32LtU, wasm.branchIf(0)].flat(),
    ...op.end,
    ...[get(data), wasm.i64Load(0), set(word), i32Const(calls), set(callsLeft)].flat(),
    ...op.loop,
    ...[get(word), get(word), i64Const(-1n), op.i64Xor, i32Const(perCall), wasm.call(2)].flat(),
    ...[get(callsLeft), op.i64ExtendI32U, op.i64Add, set(word)].flat(),
    ...[get(callsLeft), i32Const(1), op.i32Sub, wasm.tee(callsLeft), wasm.branchIf(0)].flat(),
    ...op.end,
    // The last word is in the output wherever the rounds did not reach.
    ...[i32Const(0), get(word), wasm.i64Store(mixedAt + outputAt)].flat(),
    ...i64Const((BigInt(mixedAt + outputAt) << 32n) | BigInt(outputSize)),
  ];
  return wasm.moduleOf({
    types: [
      wasm.functionType([i32], [i32]),
      wasm.functionType([i32, i32, i32, i32], [i64]),
      wasm.functionType([i64, i64, i32], [i64]),
    ],
    // The input from the place that `alloc` gives, one page; what is mixed, another; its last word.
    pages: 3,
    functions: [
      { type: 0, code: i32Const(dataAt) },
      {
        type: 1,
        locals: [
          [1, i64],
          [2, i32],
        ],
        code: run,
      },
      { type: 2, code: mix },
    ],
    exports: [
      { name: "memory", kind: "memory", index: 0 },
      { name: "alloc", kind: "function", index: 0 },
      { name: "run", kind: "function", index: 1 },
    ],
  });
};
