/**
 * The instructions that a module may use, and what each takes and gives. What is not here is refused:
 * threads, exceptions, tail calls, references, garbage collection, relaxed SIMD.
 *
 * A signature is `takes:gives` with one letter for each value: i = i32, l = i64, f = f32, d = f64,
 * v = v128.
 */

/** Value types as the binary format writes them; 0 stands for "any" behind a jump. */
export const valueTypes = { i: 0x7f, l: 0x7e, f: 0x7d, d: 0x7c, v: 0x7b } as const;
export type ValueType = number;
export const anyType = 0;

export const typeNames: Readonly<Record<number, string>> = {
  0: "any",
  127: "i32",
  126: "i64",
  125: "f32",
  124: "f64",
  123: "v128",
};

export const isValueType = (byte: number): boolean => byte >= 0x7b && byte <= 0x7f;

/** Floats by the shape in which a NaN shows. */
export type FloatKind = 1 | 2 | 3 | 4;
export const floatKinds = { f32: 1, f64: 2, f32x4: 3, f64x2: 4 } as const;

export interface Instruction {
  readonly takes: readonly ValueType[];
  readonly gives: readonly ValueType[];
  readonly immediate: "none" | "memory" | "lane" | "memory-lane" | "shuffle" | "bytes16";
  /** The alignment's exponent at most, for memory; the number of lanes, for a lane. */
  readonly bound: number;
  /** Lanes of a `memory-lane`. */
  readonly lanes: number;
  /** Its result may be a NaN with bits that differ from machine to machine. */
  readonly makes: FloatKind | 0;
  /** Of a NaN of this kind that it takes, it does not tell one from another. */
  readonly blind: FloatKind | 0;
}

const typesOf = (letters: string): readonly ValueType[] =>
  [...letters].map((letter) => valueTypes[letter as keyof typeof valueTypes]);

type Extra = Partial<Omit<Instruction, "takes" | "gives">>;
type Table = (Instruction | undefined)[];

const define = (
  table: Table,
  signature: string,
  first: number,
  last = first,
  extra: Extra = {},
) => {
  const [takes = "", gives = ""] = signature.split(":");
  const none = { immediate: "none", bound: 0, lanes: 0, makes: 0, blind: 0 } as const;
  for (let code = first; code <= last; code++)
    table[code] = { takes: typesOf(takes), gives: typesOf(gives), ...none, ...extra };
};

const memory = (bound: number): Extra => ({ immediate: "memory", bound });
const lane = (bound: number): Extra => ({ immediate: "lane", bound });
const memoryLane = (bound: number): Extra => ({
  immediate: "memory-lane",
  bound,
  lanes: 16 >> bound,
});
const blindTo = (blind: FloatKind): Extra => ({ blind });
const arithmetic = (kind: FloatKind): Extra => ({ makes: kind, blind: kind });
const { f32, f64, f32x4, f64x2 } = floatKinds;

const buildPlain = (): Table => {
  const table: Table = [];
  for (const [code, signature, size] of [
    [0x28, "i:i", 2],
    [0x29, "i:l", 3],
    [0x2a, "i:f", 2],
    [0x2b, "i:d", 3],
    [0x36, "ii:", 2],
    [0x37, "il:", 3],
    [0x38, "if:", 2],
    [0x39, "id:", 3],
    [0x3a, "ii:", 0],
    [0x3b, "ii:", 1],
    [0x3c, "il:", 0],
    [0x3d, "il:", 1],
    [0x3e, "il:", 2],
  ] as const)
    define(table, signature, code, code, memory(size));
  define(table, "i:i", 0x2c, 0x2d, memory(0));
  define(table, "i:i", 0x2e, 0x2f, memory(1));
  define(table, "i:l", 0x30, 0x31, memory(0));
  define(table, "i:l", 0x32, 0x33, memory(1));
  define(table, "i:l", 0x34, 0x35, memory(2));

  define(table, "i:i", 0x45);
  define(table, "ii:i", 0x46, 0x4f);
  define(table, "l:i", 0x50);
  define(table, "ll:i", 0x51, 0x5a);
  define(table, "ff:i", 0x5b, 0x60, blindTo(f32));
  define(table, "dd:i", 0x61, 0x66, blindTo(f64));
  define(table, "i:i", 0x67, 0x69);
  define(table, "ii:i", 0x6a, 0x78);
  define(table, "l:l", 0x79, 0x7b);
  define(table, "ll:l", 0x7c, 0x8a);
  define(table, "f:f", 0x8b, 0x8c); // abs, neg: only the sign bit.
  define(table, "f:f", 0x8d, 0x91, arithmetic(f32));
  define(table, "ff:f", 0x92, 0x97, arithmetic(f32));
  define(table, "ff:f", 0x98); // copysign
  define(table, "d:d", 0x99, 0x9a);
  define(table, "d:d", 0x9b, 0x9f, arithmetic(f64));
  define(table, "dd:d", 0xa0, 0xa5, arithmetic(f64));
  define(table, "dd:d", 0xa6);
  define(table, "l:i", 0xa7);
  define(table, "f:i", 0xa8, 0xa9, blindTo(f32));
  define(table, "d:i", 0xaa, 0xab, blindTo(f64));
  define(table, "i:l", 0xac, 0xad);
  define(table, "f:l", 0xae, 0xaf, blindTo(f32));
  define(table, "d:l", 0xb0, 0xb1, blindTo(f64));
  define(table, "i:f", 0xb2, 0xb3);
  define(table, "l:f", 0xb4, 0xb5);
  define(table, "d:f", 0xb6, 0xb6, { makes: f32, blind: f64 }); // demote
  define(table, "i:d", 0xb7, 0xb8);
  define(table, "l:d", 0xb9, 0xba);
  define(table, "f:d", 0xbb, 0xbb, { makes: f64, blind: f32 }); // promote
  define(table, "f:i", 0xbc);
  define(table, "d:l", 0xbd);
  define(table, "i:f", 0xbe);
  define(table, "l:d", 0xbf);
  define(table, "i:i", 0xc0, 0xc1);
  define(table, "l:l", 0xc2, 0xc4);
  return table;
};

/** Behind the prefix 0xfc: conversions that saturate. */
const buildSaturating = (): Table => {
  const table: Table = [];
  define(table, "f:i", 0, 1, blindTo(f32));
  define(table, "d:i", 2, 3, blindTo(f64));
  define(table, "f:l", 4, 5, blindTo(f32));
  define(table, "d:l", 6, 7, blindTo(f64));
  return table;
};

/** Behind the prefix 0xfd: vectors of a fixed width. */
const buildVector = (): Table => {
  const table: Table = [];
  define(table, "i:v", 0x00, 0x00, memory(4));
  define(table, "i:v", 0x01, 0x06, memory(3));
  for (const size of [0, 1, 2, 3]) define(table, "i:v", 0x07 + size, 0x07 + size, memory(size));
  define(table, "iv:", 0x0b, 0x0b, memory(4));
  define(table, ":v", 0x0c, 0x0c, { immediate: "bytes16" });
  define(table, "vv:v", 0x0d, 0x0d, { immediate: "shuffle" });
  define(table, "vv:v", 0x0e);
  define(table, "i:v", 0x0f, 0x11);
  define(table, "l:v", 0x12);
  define(table, "f:v", 0x13);
  define(table, "d:v", 0x14);
  define(table, "v:i", 0x15, 0x16, lane(16));
  define(table, "vi:v", 0x17, 0x17, lane(16));
  define(table, "v:i", 0x18, 0x19, lane(8));
  define(table, "vi:v", 0x1a, 0x1a, lane(8));
  define(table, "v:i", 0x1b, 0x1b, lane(4));
  define(table, "vi:v", 0x1c, 0x1c, lane(4));
  define(table, "v:l", 0x1d, 0x1d, lane(2));
  define(table, "vl:v", 0x1e, 0x1e, lane(2));
  define(table, "v:f", 0x1f, 0x1f, lane(4));
  define(table, "vf:v", 0x20, 0x20, lane(4));
  define(table, "v:d", 0x21, 0x21, lane(2));
  define(table, "vd:v", 0x22, 0x22, lane(2));
  define(table, "vv:v", 0x23, 0x40);
  define(table, "vv:v", 0x41, 0x46, blindTo(f32x4));
  define(table, "vv:v", 0x47, 0x4c, blindTo(f64x2));
  define(table, "v:v", 0x4d);
  define(table, "vv:v", 0x4e, 0x51);
  define(table, "vvv:v", 0x52);
  define(table, "v:i", 0x53);
  for (const size of [0, 1, 2, 3]) {
    define(table, "iv:v", 0x54 + size, 0x54 + size, memoryLane(size));
    define(table, "iv:", 0x58 + size, 0x58 + size, memoryLane(size));
  }
  define(table, "i:v", 0x5c, 0x5c, memory(2));
  define(table, "i:v", 0x5d, 0x5d, memory(3));
  define(table, "v:v", 0x5e, 0x5e, { makes: f32x4, blind: f64x2 });
  define(table, "v:v", 0x5f, 0x5f, { makes: f64x2, blind: f32x4 });
  define(table, "v:v", 0x60, 0x62);
  defineIntegers(table);
  define(table, "v:v", 0x67, 0x6a, arithmetic(f32x4));
  define(table, "v:v", 0x74, 0x75, arithmetic(f64x2));
  define(table, "v:v", 0x7a, 0x7a, arithmetic(f64x2));
  define(table, "v:v", 0x94, 0x94, arithmetic(f64x2));
  define(table, "v:v", 0xe0, 0xe1);
  define(table, "v:v", 0xe3, 0xe3, arithmetic(f32x4));
  define(table, "vv:v", 0xe4, 0xe9, arithmetic(f32x4));
  define(table, "vv:v", 0xea, 0xeb); // pmin, pmax give one of the two as it is.
  define(table, "v:v", 0xec, 0xed);
  define(table, "v:v", 0xef, 0xef, arithmetic(f64x2));
  define(table, "vv:v", 0xf0, 0xf5, arithmetic(f64x2));
  define(table, "vv:v", 0xf6, 0xf7);
  define(table, "v:v", 0xf8, 0xf9, blindTo(f32x4));
  define(table, "v:v", 0xfa, 0xfb);
  define(table, "v:v", 0xfc, 0xfd, blindTo(f64x2));
  define(table, "v:v", 0xfe, 0xff);
  return table;
};

const defineIntegers = (table: Table): void => {
  const ranges: Readonly<Record<string, readonly (readonly [number, number])[]>> = {
    "v:i": [
      [0x63, 0x64],
      [0x83, 0x84],
      [0xa3, 0xa4],
      [0xc3, 0xc4],
    ],
    "vi:v": [
      [0x6b, 0x6d],
      [0x8b, 0x8d],
      [0xab, 0xad],
      [0xcb, 0xcd],
    ],
    "v:v": [
      [0x7c, 0x81],
      [0x87, 0x8a],
      [0xa0, 0xa1],
      [0xa7, 0xaa],
      [0xc0, 0xc1],
      [0xc7, 0xca],
    ],
    "vv:v": [
      [0x65, 0x66],
      [0x6e, 0x73],
      [0x76, 0x79],
      [0x7b, 0x7b],
      [0x82, 0x82],
      [0x85, 0x86],
      [0x8e, 0x93],
      [0x95, 0x99],
      [0x9b, 0x9f],
      [0xae, 0xae],
      [0xb1, 0xb1],
      [0xb5, 0xba],
      [0xbc, 0xbf],
      [0xce, 0xce],
      [0xd1, 0xd1],
      [0xd5, 0xdf],
    ],
  };
  for (const [signature, pairs] of Object.entries(ranges))
    for (const [first, last] of pairs) define(table, signature, first, last);
};

export const plainInstructions: readonly (Instruction | undefined)[] = buildPlain();
export const saturatingInstructions: readonly (Instruction | undefined)[] = buildSaturating();
export const vectorInstructions: readonly (Instruction | undefined)[] = buildVector();

/** Names what is refused, where more can be said than its number. */
export const refusedFeature = (prefix: number, code: number): string | undefined => {
  if (prefix === 0xfe) return "threads";
  if (prefix === 0xfb) return "garbage collection";
  if (prefix === 0xfd) return code >= 0x100 ? "relaxed SIMD" : undefined;
  if (prefix === 0xfc)
    return code >= 12 && code <= 17 ? "instructions that change a table" : undefined;
  if (code >= 0x06 && code <= 0x0a) return "exceptions";
  if (code === 0x18 || code === 0x19 || code === 0x1f) return "exceptions";
  if (code === 0x12 || code === 0x13 || code === 0x15) return "tail calls";
  if (code === 0x14 || (code >= 0xd0 && code <= 0xd6)) return "reference values";
  if (code === 0x25 || code === 0x26) return "instructions that change a table";
  return undefined;
};
