/**
 * Checks the code of one function as the specification's validation does, and finds the places where
 * `rewrite.ts` adds something: behind floats whose NaN could be seen, and around calls.
 *
 * One state machine over the instructions, with the stacks of operands and of blocks; it is easier to
 * follow in one place.
 */

import { moduleLimits } from "./limits.ts";
import type { FunctionType, Span, WasmModule } from "./module.ts";
import { readValueType } from "./module.ts";
import {
  anyType,
  type FloatKind,
  type Instruction,
  isValueType,
  plainInstructions,
  refusedFeature,
  saturatingInstructions,
  typeNames,
  type ValueType,
  valueTypes,
  vectorInstructions,
} from "./opcodes.ts";
import {
  type Cursor,
  readByte,
  readCount,
  readS32,
  readU32,
  refuseModule,
  skip,
  skipS64,
} from "./reader.ts";

export interface BodyCheck {
  /** Where the instructions begin, behind the locals. */
  readonly code: number;
  /** Groups of locals as the body declares them. */
  readonly groups: number;
  /** Where the first group is written. */
  readonly groupsAt: number;
  /** Parameters and locals. */
  readonly locals: number;
  /** The most values at a time on the operand stack. */
  readonly operandsMax: number;
  /** In the order of their places. */
  readonly marks: readonly Mark[];
}

/**
 * `nan`: behind the instruction that ends at `at`. `call`: the instruction from `at` to `to`; the
 * callee is a function's index, undefined where the table says which.
 */
export type Mark =
  | { readonly type: "nan"; readonly at: number; readonly kind: FloatKind }
  | CallMark;

interface CallMark {
  readonly type: "call";
  readonly at: number;
  readonly to: number;
  readonly callee: number | undefined;
}

interface Block {
  /** What a jump to it takes along. */
  readonly label: readonly ValueType[];
  readonly params: readonly ValueType[];
  readonly results: readonly ValueType[];
  /** Operands below it. */
  readonly height: number;
  readonly isIf: boolean;
  /** Behind a jump: whatever is taken from the stack is there. */
  unreachable: boolean;
}

const { i: i32, l: i64, f: f32, d: f64 } = valueTypes;
const none: readonly ValueType[] = [];

/** @throws {ModuleFault} When the code is not valid, or uses what is refused. */
export const checkBody = (module: WasmModule, index: number): BodyCheck => {
  const number = module.importedFunctions + index;
  const span = module.bodies[index] as Span;
  const own = module.types[module.functions[number] ?? -1] as FunctionType;
  const cursor: Cursor = { bytes: module.bytes, at: span.start, end: span.end };

  const mismatch = (says: string): never =>
    refuseModule("type-mismatch", `function ${number} ${says} (byte ${cursor.at})`);
  const unknown = (what: string): never =>
    refuseModule("unknown-index", `function ${number} uses ${what} that is not there`);

  // The locals.
  const groups = readCount(cursor, "groups of locals in a function", moduleLimits.locals, 2);
  const groupsAt = cursor.at;
  const locals: ValueType[] = [...own.params];
  for (let group = 0; group < groups; group++) {
    const count = readU32(cursor);
    if (locals.length + count > moduleLimits.locals)
      refuseModule("too-many", `function ${number} has more than ${moduleLimits.locals} locals`);
    const type = readValueType(cursor);
    for (let at = 0; at < count; at++) locals.push(type);
  }
  const code = cursor.at;

  const operands: ValueType[] = [];
  /** For each operand, which candidate made it: an index into `candidates`, or -1. */
  const makers: number[] = [];
  const candidates: { readonly at: number; readonly kind: FloatKind; seen: boolean }[] = [];
  const calls: CallMark[] = [];
  const blocks: Block[] = [];
  let operandsMax = 0;
  let meetings = 0;

  const meet = (ways: number): void => {
    meetings += ways * locals.length;
    if (meetings > moduleLimits.meetings)
      refuseModule(
        "too-many",
        `function ${number} has too many jumps and loops for its many locals`,
      );
  };
  const push = (type: ValueType, maker = -1): void => {
    operands.push(type);
    makers.push(maker);
    if (operands.length <= operandsMax) return;
    operandsMax = operands.length;
    if (operandsMax > moduleLimits.operands)
      refuseModule("too-many", `function ${number} has more than ${operandsMax - 1} operands`);
  };
  const innermost = (): Block => blocks.at(-1) ?? mismatch("goes on behind its end");
  /**
   * @param blind - What takes it cannot tell NaNs of this kind apart.
   * @returns Its type, `anyType` where the code cannot be reached.
   */
  const pop = (expected: ValueType, blind: FloatKind | 0 = 0): ValueType => {
    const block = innermost();
    if (operands.length === block.height) {
      if (block.unreachable) return anyType;
      return mismatch(`lacks an operand of type ${typeNames[expected]}`);
    }
    const type = operands.pop() as ValueType;
    const maker = makers.pop() as number;
    const candidate = candidates[maker];
    if (candidate !== undefined && candidate.kind !== blind) candidate.seen = true;
    if (type !== expected && type !== anyType && expected !== anyType)
      return mismatch(`has ${typeNames[type]} where it needs ${typeNames[expected]}`);
    return type;
  };
  const popAll = (types: readonly ValueType[]): void => {
    for (let at = types.length - 1; at >= 0; at--) pop(types[at] as ValueType);
  };
  const pushAll = (types: readonly ValueType[]): void => {
    for (const type of types) push(type);
  };
  const open = (label: readonly ValueType[], type: FunctionType, isIf = false): void => {
    if (blocks.length >= moduleLimits.nesting)
      refuseModule("too-many", `function ${number} nests more than ${moduleLimits.nesting} blocks`);
    const { params, results } = type;
    blocks.push({ label, params, results, height: operands.length, isIf, unreachable: false });
    pushAll(params);
  };
  const close = (): Block => {
    const block = innermost();
    popAll(block.results);
    if (operands.length !== block.height) mismatch("leaves operands over at the end of a block");
    blocks.pop();
    return block;
  };
  const jump = (): void => {
    const block = innermost();
    operands.length = block.height;
    makers.length = block.height;
    block.unreachable = true;
  };
  const label = (depth: number): readonly ValueType[] =>
    blocks[blocks.length - 1 - depth]?.label ?? unknown(`a block ${depth}`);
  const local = (): ValueType => {
    const at = readU32(cursor);
    return locals[at] ?? unknown(`a local ${at}`);
  };
  const blockType = (): FunctionType => {
    const byte = module.bytes[cursor.at] ?? 0;
    if (byte === 0x40 || isValueType(byte)) {
      readByte(cursor);
      return { params: none, results: byte === 0x40 ? none : [byte] };
    }
    if (byte >= 0x63 && byte <= 0x74) readValueType(cursor); // Refuses it.
    const at = readU32(cursor);
    return module.types[at] ?? unknown(`a type ${at}`);
  };
  const zero = (what: string): void => {
    if (readU32(cursor) !== 0) unknown(what);
  };
  const address = (alignmentMax: number): void => {
    const alignment = readU32(cursor);
    if (alignment & 0x40) refuseModule("feature-refused", "the module uses several memories");
    if (alignment > alignmentMax) mismatch("aligns a memory access more than its size");
    readU32(cursor);
  };
  const laneBelow = (lanes: number): void => {
    if (readByte(cursor) >= lanes) mismatch("uses a lane that a vector does not have");
  };
  const immediate = (instruction: Instruction): void => {
    switch (instruction.immediate) {
      case "none":
        return;
      case "memory":
        address(instruction.bound);
        return;
      case "lane":
        laneBelow(instruction.bound);
        return;
      case "memory-lane":
        address(instruction.bound);
        laneBelow(instruction.lanes);
        return;
      case "shuffle":
        for (let at = 0; at < 16; at++) laneBelow(32);
        return;
      case "bytes16":
        skip(cursor, 16);
    }
  };
  const apply = (instruction: Instruction): void => {
    immediate(instruction);
    const { takes, gives, makes, blind } = instruction;
    for (let at = takes.length - 1; at >= 0; at--) pop(takes[at] as ValueType, blind);
    for (const type of gives) {
      if (makes === 0) push(type);
      else push(type, candidates.push({ at: cursor.at, kind: makes, seen: false }) - 1);
    }
  };
  const callOf = (at: number, type: FunctionType, callee?: number): void => {
    popAll(type.params);
    pushAll(type.results);
    calls.push({ type: "call", at, to: cursor.at, callee });
  };
  const refuseCode = (prefix: number, codeOf: number): never => {
    const feature = refusedFeature(prefix, codeOf);
    return feature === undefined
      ? refuseModule(
          "malformed",
          `function ${number} has an unknown instruction (byte ${cursor.at - 1})`,
        )
      : refuseModule("feature-refused", `the module uses ${feature}`);
  };

  const bulkMemory = (codeOf: number): void => {
    if (codeOf === 8 || codeOf === 9) {
      const segment = readU32(cursor);
      if (segment >= (module.dataCount ?? 0)) unknown(`a data segment ${segment}`);
      if (codeOf === 9) return;
    } else if (codeOf === 10) zero("a memory");
    else if (codeOf !== 11) refuseCode(0xfc, codeOf);
    zero("a memory");
    popAll([i32, i32, i32]);
  };

  open(own.results, { params: none, results: own.results });
  while (blocks.length > 0) {
    const at = cursor.at;
    const op = readByte(cursor);
    switch (op) {
      case 0x00: // unreachable
        jump();
        break;
      case 0x01: // nop
        break;
      case 0x02: // block
      case 0x03: {
        // loop
        const type = blockType();
        popAll(type.params);
        if (op === 0x03) meet(4);
        open(op === 0x02 ? type.results : type.params, type);
        break;
      }
      case 0x04: {
        // if
        const type = blockType();
        pop(i32);
        popAll(type.params);
        open(type.results, type, true);
        break;
      }
      case 0x05: {
        // else
        const block = close();
        if (!block.isIf) mismatch("has an else without its if");
        open(block.label, block);
        break;
      }
      case 0x0b: {
        // end
        const block = close();
        if (block.isIf && !isSameList(block.params, block.results))
          mismatch("has an if without else that gives something");
        pushAll(block.results);
        break;
      }
      case 0x0c: // br
        popAll(label(readU32(cursor)));
        meet(1);
        jump();
        break;
      case 0x0d: {
        // br_if
        const types = label(readU32(cursor));
        pop(i32);
        popAll(types);
        pushAll(types);
        meet(1);
        break;
      }
      case 0x0e: {
        // br_table
        const count = readCount(cursor, "targets in a branch", moduleLimits.branchTargets);
        const depths = new Set<number>();
        for (let target = 0; target < count; target++) depths.add(readU32(cursor));
        const last = label(readU32(cursor));
        pop(i32);
        for (const depth of depths) {
          const types = label(depth);
          if (types.length !== last.length)
            mismatch("branches to blocks that take different things");
          const taken: ValueType[] = [];
          for (let place = types.length - 1; place >= 0; place--)
            taken.push(pop(types[place] as ValueType));
          for (const type of taken.reverse()) push(type);
        }
        popAll(last);
        meet(depths.size + 1);
        jump();
        break;
      }
      case 0x0f: // return
        popAll(own.results);
        jump();
        break;
      case 0x10: {
        // call
        const callee = readU32(cursor);
        const type = module.types[module.functions[callee] ?? -1];
        callOf(at, type ?? unknown(`a function ${callee}`), callee);
        break;
      }
      case 0x11: {
        // call_indirect
        const callee = readU32(cursor);
        const type = module.types[callee] ?? unknown(`a type ${callee}`);
        if (readU32(cursor) !== 0 || !module.hasTable) unknown("a table");
        pop(i32);
        callOf(at, type);
        break;
      }
      case 0x1a: {
        // drop
        if (operands.length > innermost().height) makers[makers.length - 1] = -1;
        pop(anyType);
        break;
      }
      case 0x1b: {
        // select
        pop(i32);
        const one = pop(anyType);
        const other = pop(one);
        push(one === anyType ? other : one);
        break;
      }
      case 0x1c: {
        // select with its type
        if (readU32(cursor) !== 1) mismatch("selects other than one value");
        const type = readValueType(cursor);
        popAll([type, type, i32]);
        push(type);
        break;
      }
      case 0x20: // local.get
        push(local());
        break;
      case 0x21: // local.set
        pop(local());
        break;
      case 0x22: {
        // local.tee
        const type = local();
        pop(type);
        push(type);
        break;
      }
      case 0x23: // global.get
      case 0x24: {
        // global.set
        const place = readU32(cursor);
        const global = module.globals[place] ?? unknown(`a global ${place}`);
        if (op === 0x23) push(global.type);
        else if (global.mutable) pop(global.type);
        else mismatch("sets a constant global");
        break;
      }
      case 0x3f: // memory.size
        if (readByte(cursor) !== 0) unknown("a memory");
        push(i32);
        break;
      case 0x40: // memory.grow
        if (readByte(cursor) !== 0) unknown("a memory");
        pop(i32);
        push(i32);
        break;
      case 0x41:
        readS32(cursor);
        push(i32);
        break;
      case 0x42:
        skipS64(cursor);
        push(i64);
        break;
      case 0x43:
        skip(cursor, 4);
        push(f32);
        break;
      case 0x44:
        skip(cursor, 8);
        push(f64);
        break;
      case 0xfc: {
        const second = readU32(cursor);
        const instruction = saturatingInstructions[second];
        if (instruction !== undefined) apply(instruction);
        else bulkMemory(second);
        break;
      }
      case 0xfd: {
        const second = readU32(cursor);
        apply(vectorInstructions[second] ?? refuseCode(op, second));
        break;
      }
      default:
        apply(plainInstructions[op] ?? refuseCode(op, op));
    }
  }
  if (cursor.at !== cursor.end) mismatch("has bytes behind its end");

  const nans = candidates
    .filter(({ seen }) => seen)
    .map(({ at, kind }): Mark => ({ type: "nan", at, kind }));
  const marks = [...nans, ...calls];
  marks.sort((a, b) => a.at - b.at);
  return { code, groups, groupsAt, locals: locals.length, operandsMax, marks };
};

const isSameList = (a: readonly ValueType[], b: readonly ValueType[]): boolean =>
  a.length === b.length && a.every((type, at) => type === b[at]);
