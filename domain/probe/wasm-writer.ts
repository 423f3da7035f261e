/** Writes small WebAssembly modules: as much of the binary format as known-answer tasks need. */

export type Bytes = readonly number[];

export const types = { i32: 0x7f, i64: 0x7e } as const;

/** Unsigned LEB128. */
const leb = (value: number): Bytes =>
  value < 128 ? [value] : [(value % 128) | 128, ...leb(Math.floor(value / 128))];

/** Signed LEB128. */
const sleb = (value: bigint): Bytes => {
  const byte = Number(value & 127n);
  const rest = value >> 7n;
  const isLast = (rest === 0n && byte < 64) || (rest === -1n && byte >= 64);
  return isLast ? [byte] : [byte | 128, ...sleb(rest)];
};

export const get = (local: number): Bytes => [0x20, ...leb(local)];
export const set = (local: number): Bytes => [0x21, ...leb(local)];
export const tee = (local: number): Bytes => [0x22, ...leb(local)];
export const call = (index: number): Bytes => [0x10, ...leb(index)];
export const branchIf = (depth: number): Bytes => [0x0d, ...leb(depth)];
export const i32Const = (value: number): Bytes => [0x41, ...sleb(BigInt(value))];
export const i64Const = (value: bigint): Bytes => [0x42, ...sleb(value)];
export const i64Load = (offset: number): Bytes => [0x29, 3, ...leb(offset)];
export const i64Store = (offset: number): Bytes => [0x37, 3, ...leb(offset)];
export const i32Load8 = (offset: number): Bytes => [0x2d, 0, ...leb(offset)];
export const i32Store8 = (offset: number): Bytes => [0x3a, 0, ...leb(offset)];

/** Those without an operand, and a loop that gives nothing. */
export const op = {
  loop: [0x03, 0x40],
  end: [0x0b],
  i32LtU: [0x49],
  i32Add: [0x6a],
  i32Sub: [0x6b],
  i32RemU: [0x70],
  i32And: [0x71],
  i64Add: [0x7c],
  i64Sub: [0x7d],
  i64Mul: [0x7e],
  i64Xor: [0x85],
  i64ShrU: [0x88],
  i64Rotl: [0x89],
  i32WrapI64: [0xa7],
  i64ExtendI32U: [0xad],
} as const satisfies Readonly<Record<string, Bytes>>;

export const functionType = (params: Bytes, results: Bytes): Bytes => [
  0x60,
  ...leb(params.length),
  ...params,
  ...leb(results.length),
  ...results,
];

export interface ModuleParts {
  readonly types: readonly Bytes[];
  /** Of the one memory, which never grows. */
  readonly pages: number;
  readonly functions: readonly {
    /** Index of its type. */
    readonly type: number;
    /** Groups of locals beyond the parameters: how many, of which type. */
    readonly locals?: readonly (readonly [count: number, type: number])[];
    readonly code: Bytes;
  }[];
  readonly exports: readonly {
    readonly name: string;
    readonly kind: "function" | "memory";
    readonly index: number;
  }[];
}

export const moduleOf = ({ types, pages, functions, exports }: ModuleParts): Uint8Array => {
  const bodies = functions.map(({ locals = [], code }) =>
    sized([...vector(locals.map(([count, type]) => [...leb(count), type])), ...code, ...op.end]),
  );
  const named = exports.map(({ name, kind, index }) => [
    ...sized([...new TextEncoder().encode(name)]),
    kind === "function" ? 0 : 2,
    ...leb(index),
  ]);
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, vector(types)),
    ...section(3, vector(functions.map(({ type }) => leb(type)))),
    ...section(5, vector([[1, ...leb(pages), ...leb(pages)]])),
    ...section(7, vector(named)),
    ...section(10, vector(bodies)),
  ]);
};

const sized = (bytes: Bytes): Bytes => [...leb(bytes.length), ...bytes];
/** A count and what is counted. */
const vector = (items: readonly Bytes[]): Bytes => [...leb(items.length), ...items.flat()];
const section = (id: number, content: Bytes): Bytes => [id, ...sized(content)];
