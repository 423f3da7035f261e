/**
 * Makes a checked module compute the same on every machine:
 *
 * - Each float whose NaN could be seen gets the one canonical NaN (`docs/wasm.md` says why).
 * - Each call takes its frame from a budget of stack and gives it back, so that a recursion that is
 *   too deep ends at the same call everywhere. The budget is exported as `cnct:stack`.
 *
 * Custom sections are left out. What the module computes is otherwise untouched.
 */

import { type BodyCheck, checkBody } from "./body.ts";
import { frameBytes, moduleLimits, stackBytesMax, uncountedBytesMax } from "./limits.ts";
import {
  ownExportPrefix,
  parseModule,
  type Section,
  type Span,
  type WasmModule,
} from "./module.ts";
import { type FloatKind, floatKinds, valueTypes } from "./opcodes.ts";
import { readU32, refuseModule } from "./reader.ts";
import { stackNeeds } from "./stack-needs.ts";

/** The exported global that holds what is left of the stack; below zero when it ran out. */
export const stackExport = `${ownExportPrefix}stack`;

export interface PreparedModule {
  /** A module to be run as it is. */
  readonly bytes: Uint8Array;
  /** How many instructions got a canonical NaN, and how many calls a budget. */
  readonly canonicalised: number;
  readonly calls: number;
}

/**
 * Checks the whole module and rewrites it.
 *
 * @param memoryPages - The most that it may declare.
 * @throws {ModuleFault} For the first rule that it breaks.
 */
export const prepareModule = (
  bytes: Uint8Array,
  options: { readonly memoryPages: number },
): PreparedModule => {
  const module = parseModule(bytes, options);
  const out = growingBytes(bytes.length * 2 + 1_024);
  let canonicalised = 0;
  let calls = 0;
  const stackGlobal = module.globals.length;
  const stack = [valueTypes.i, 1, 0x41, ...signed(stackBytesMax), 0x0b];
  const name = [...new TextEncoder().encode(stackExport)];
  const exported = [name.length, ...name, 3, ...unsigned(stackGlobal)];

  out.add([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
  let hasGlobals = false;
  for (const section of module.sections) {
    // A module without globals gets its global section before the exports, which it always has.
    hasGlobals ||= section.id === 6;
    if (section.id === 7 && !hasGlobals) addSection(out, 6, Uint8Array.from([1, ...stack]));
    if (section.id === 6) addSection(out, 6, extended(module, section, stack));
    else if (section.id === 7) addSection(out, 7, extended(module, section, exported));
    else if (section.id === 10) {
      const code = growingBytes((section.end - section.start) * 2);
      code.add(unsigned(module.bodies.length));
      const isCounted = countedCalls(module);
      for (const [index, span] of module.bodies.entries()) {
        const checked = checkBody(module, index);
        const marks = checked.marks.filter(
          (mark) => mark.type === "nan" || mark.callee === undefined || isCounted(mark.callee),
        );
        const body = { ...checked, marks };
        for (const mark of body.marks) mark.type === "nan" ? canonicalised++ : calls++;
        const rewritten = rewriteBody(module, span, body, stackGlobal);
        code.add(unsigned(rewritten.length));
        code.add(rewritten);
      }
      addSection(out, 10, code.bytes());
    } else addSection(out, section.id, bytes.subarray(section.start, section.end));
  }
  return { bytes: out.bytes(), canonicalised, calls };
};

/**
 * Which functions' calls need a budget. All bodies are checked for it, and again when they are
 * rewritten: to keep what was found would take many times the module's size.
 */
const countedCalls = (module: WasmModule): ((callee: number) => boolean) => {
  const { importedFunctions } = module;
  const imported = Array.from({ length: importedFunctions }, () => undefined);
  const frames = imported.map(() => 0);
  let marksSeen = 0;
  const callees: (readonly number[] | undefined)[] = imported.map(() => []);
  for (const index of module.bodies.keys()) {
    const { locals, operandsMax, marks } = checkBody(module, index);
    marksSeen += marks.length;
    if (marksSeen > moduleLimits.marks)
      refuseModule("too-many", `the module has more than ${moduleLimits.marks} calls and floats`);
    frames.push(frameBytes(locals + addedLocalsMax, operandsMax + addedOperandsMax));
    const called = new Set(marks.map((mark) => (mark.type === "call" ? mark.callee : -1)));
    called.delete(-1);
    callees.push(called.has(undefined) ? undefined : [...called].map(Number));
  }
  const needs = stackNeeds({ frames, callees });
  return (callee) => (needs[callee] ?? 0) > uncountedBytesMax;
};

/** What a rewritten body has at most more than before. */
const addedLocalsMax = 4;
const addedOperandsMax = 4;

/** A vector's section with one more entry at its end. */
const extended = (
  module: WasmModule,
  { start, end }: Section,
  entry: readonly number[],
): Uint8Array => {
  const cursor = { bytes: module.bytes, at: start, end };
  const count = readU32(cursor);
  const out = growingBytes(end - start + entry.length + 8);
  out.add(unsigned(count + 1));
  out.add(module.bytes.subarray(cursor.at, end));
  out.add(entry);
  return out.bytes();
};

/** Type, constant, equality and choice of each kind, as instructions. */
const kinds: Readonly<
  Record<
    FloatKind,
    {
      readonly type: number;
      readonly nan: readonly number[];
      readonly equal: readonly number[];
      readonly choose: readonly number[];
    }
  >
> = {
  [floatKinds.f32]: {
    type: valueTypes.f,
    nan: [0x43, 0, 0, 0xc0, 0x7f],
    equal: [0x5b],
    choose: [0x1b],
  },
  [floatKinds.f64]: {
    type: valueTypes.d,
    nan: [0x44, 0, 0, 0, 0, 0, 0, 0xf8, 0x7f],
    equal: [0x61],
    choose: [0x1b],
  },
  [floatKinds.f32x4]: {
    type: valueTypes.v,
    nan: [0xfd, 0x0c, ...[0, 1, 2, 3].flatMap(() => [0, 0, 0xc0, 0x7f])],
    equal: [0xfd, 0x41],
    choose: [0xfd, 0x52],
  },
  [floatKinds.f64x2]: {
    type: valueTypes.v,
    nan: [0xfd, 0x0c, ...[0, 1].flatMap(() => [0, 0, 0, 0, 0, 0, 0xf8, 0x7f])],
    equal: [0xfd, 0x47],
    choose: [0xfd, 0x52],
  },
};

const rewriteBody = (
  module: WasmModule,
  span: Span,
  { code, groups, groupsAt, locals, operandsMax, marks }: BodyCheck,
  stackGlobal: number,
): Uint8Array => {
  if (marks.length === 0) return module.bytes.subarray(span.start, span.end);
  const out = growingBytes((span.end - span.start) * 2 + 64);
  // One more local for each type that is needed, behind those that are there.
  const added: number[] = [];
  const localFor = (type: number, own = type): readonly number[] => {
    if (!added.includes(own)) added.push(own);
    return unsigned(locals + added.indexOf(own));
  };
  const stackLocal = -1; // Not the i32 of anything else.
  const pieces = marks.map((mark): readonly [number[], number[]] => {
    if (mark.type === "call") {
      const local = localFor(valueTypes.i, stackLocal);
      const global = unsigned(stackGlobal);
      const frame = signed(frameBytes(locals + addedLocalsMax, operandsMax + addedOperandsMax));
      const take = [0x23, ...global, 0x41, ...frame, 0x6b, 0x22, ...local, 0x24, ...global];
      const check = [0x20, ...local, 0x41, 0, 0x48, 0x04, 0x40, 0x00, 0x0b];
      return [
        [...take, ...check],
        [0x20, ...local, 0x41, ...frame, 0x6a, 0x24, ...global],
      ];
    }
    const { type, nan, equal, choose } = kinds[mark.kind];
    const local = localFor(type);
    const compare = [0x20, ...local, 0x20, ...local, ...equal, ...choose];
    return [[0x22, ...local, ...nan, ...compare], []];
  });

  out.add(unsigned(groups + added.length));
  out.add(module.bytes.subarray(groupsAt, code));
  for (const type of added) out.add([1, type === stackLocal ? valueTypes.i : type]);
  let copied = code;
  for (const [index, mark] of marks.entries()) {
    const [before, behind] = pieces[index] as readonly [number[], number[]];
    out.add(module.bytes.subarray(copied, mark.at));
    out.add(before);
    copied = mark.at;
    if (mark.type === "nan") continue;
    out.add(module.bytes.subarray(mark.at, mark.to));
    out.add(behind);
    copied = mark.to;
  }
  out.add(module.bytes.subarray(copied, span.end));
  return out.bytes();
};

const addSection = (out: GrowingBytes, id: number, content: Uint8Array): void => {
  out.add([id]);
  out.add(unsigned(content.length));
  out.add(content);
};

interface GrowingBytes {
  add(more: ArrayLike<number>): void;
  bytes(): Uint8Array<ArrayBuffer>;
}

const growingBytes = (expected: number): GrowingBytes => {
  let buffer = new Uint8Array(Math.max(64, expected));
  let length = 0;
  return {
    add: (more) => {
      if (length + more.length > buffer.length) {
        const larger = new Uint8Array((length + more.length) * 2);
        larger.set(buffer.subarray(0, length));
        buffer = larger;
      }
      buffer.set(more, length);
      length += more.length;
    },
    bytes: () => buffer.slice(0, length),
  };
};

/** LEB128 of a number from 0. */
export const unsigned = (value: number): readonly number[] => {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  return [...bytes, rest];
};

/** Signed LEB128 of an i32. */
export const signed = (value: number): readonly number[] => {
  const bytes: number[] = [];
  let rest = value | 0;
  for (;;) {
    const byte = rest & 0x7f;
    rest >>= 7;
    if ((rest === 0 && (byte & 0x40) === 0) || (rest === -1 && (byte & 0x40) !== 0))
      return [...bytes, byte];
    bytes.push(byte | 0x80);
  }
};
