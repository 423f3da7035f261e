/**
 * Modules that mean harm, or are broken, with what must become of each. One list, so that it is seen
 * at a glance what has been thought of.
 */

import {
  body,
  constant,
  echo,
  functionType,
  leb,
  type ModuleParts,
  magic,
  nothing,
  section,
  sleb,
  text,
  types,
  vector,
  wasmModule,
} from "../../../../testing/fixtures/wasm-module.ts";

export interface Hostile {
  readonly name: string;
  readonly module: () => Uint8Array;
  /** A code with a part of its sentence, or `killed` for what only its time limit ends. */
  readonly becomes: readonly ["bad-module" | "module-trap" | "output-too-large", RegExp] | "killed";
  readonly params?: Readonly<Record<string, unknown>>;
  /** Pages that it declares and may have. Default: 16. */
  readonly pages?: number;
  /** Only read, but much. */
  readonly large?: boolean;
}

const { i32, i64, f64, v128 } = types;
const forever = [0x03, 0x40, 0x0c, 0, 0x0b, 0x00]; // loop br 0 end unreachable
const pagesMax = 4_096;
const ofMemory = (pages: number, most: number) => ({
  memories: [[1, ...leb(pages), ...leb(most)]],
});

/** Repeats without a spread of millions of arguments. */
const repeat = (count: number, bytes: readonly number[]): number[] => {
  const all: number[] = [];
  for (let at = 0; at < count; at++) for (const byte of bytes) all.push(byte);
  return all;
};

const refused = (name: string, says: RegExp, parts: ModuleParts | (() => Uint8Array)): Hostile => ({
  name,
  becomes: ["bad-module", says],
  module: typeof parts === "function" ? parts : () => wasmModule(parts),
});

const large = (name: string, says: RegExp, parts: ModuleParts | (() => Uint8Array)): Hostile => ({
  ...refused(name, says, parts),
  large: true,
});

const traps = (name: string, says: RegExp, parts: ModuleParts): Hostile => ({
  name,
  becomes: ["module-trap", says],
  module: () => wasmModule(parts),
});

const killed = (name: string, parts: ModuleParts, pages = 16): Hostile => ({
  name,
  becomes: "killed",
  module: () => wasmModule(parts),
  pages,
});

const importing = (name: string, from: string, field: string, what: readonly number[]): Hostile =>
  refused(`import ${name}`, /imports the/, { imports: [[...text(from), ...text(field), ...what]] });

const cutAfter = (id: number): Hostile =>
  refused(`cut off inside section ${id}`, /./, () => {
    const whole = fullModule();
    const at = placeOf(whole, id);
    return whole.slice(0, at + 3);
  });

const garbageIn = (id: number): Hostile =>
  refused(`garbage in section ${id}`, /./, () => {
    const whole = fullModule();
    return whole.fill(0xee, placeOf(whole, id) + 2, placeOf(whole, id) + 5);
  });

const hugeCountIn = (id: number): Hostile =>
  refused(`a count of 4294967295 in section ${id}`, /./, {
    ...fullParts,
    replace: { [id]: [0xff, 0xff, 0xff, 0xff, 0x0f] },
  });

/** Has every section. */
const fullParts: ModuleParts = {
  imports: [[...text("env"), ...text("abort"), 0, 3]],
  types: [functionType([i32, i32, i32, i32], [])],
  tables: [[0x70, 0, 1]],
  globals: [[i32, 1, ...constant(7), 0x0b]],
  functions: [[2, body([])]],
  start: 3,
  elements: [[0, ...constant(0), 0x0b, 1, 3]],
  dataCount: 1,
  data: [[0, ...constant(0), 0x0b, 3, 1, 2, 3]],
};
export const fullModule = (): Uint8Array => wasmModule(fullParts);

/** Where a section's id stands. */
const placeOf = (module: Uint8Array, id: number): number => {
  for (let at = magic.length; at < module.length; ) {
    if (module[at] === id) return at;
    at += 2 + (module[at + 1] ?? 0); // All are shorter than 128 bytes.
  }
  throw new Error(`the module has no section ${id}`);
};

const sectionIds = [1, 2, 3, 4, 5, 6, 7, 9, 10, 11];

/** A function that calls itself with more and more values waiting on its stack. */
const wideRecursion = [...repeat(300, [0x41, 1]), ...[0x10, 2], ...repeat(300, [0x1a])];

const f64Loop = [
  ...[0x03, 0x40],
  ...[0x20, 4, 0x44, 0, 0, 0, 0, 0, 0, 0xf8, 0x7f, 0xa0, 0x21, 4],
  ...[0x0c, 0, 0x0b, 0x00],
];

export const hostileModules: readonly Hostile[] = [
  killed("a loop without end", { run: forever }),
  killed("a loop without end in alloc", { alloc: forever }),
  killed("a start function that loops", { functions: [[2, body(forever)]], start: 2 }),
  killed("a loop of floats", { run: f64Loop, runLocals: [[1, f64]] }),
  killed(
    "all memory that it declares, written again and again",
    {
      ...ofMemory(pagesMax, pagesMax),
      run: [
        ...[0x03, 0x40, 0x41, 0, 0x41, 1],
        ...constant(pagesMax * 65_536),
        0xfc,
        11,
        0,
        ...[0x0c, 0, 0x0b, 0x00],
      ],
    },
    pagesMax,
  ),
  killed(
    "memory that grows for as long as it can, and is touched",
    {
      ...ofMemory(1, 1_024),
      // loop: memory.grow 1; drop; memory.fill(0, 1, memory.size * 65536); br
      run: [
        0x03, 0x40, 0x41, 1, 0x40, 0, 0x1a, 0x41, 0, 0x41, 1, 0x3f, 0, 0x41, 16, 0x74, 0xfc, 11, 0,
        0x0c, 0, 0x0b, 0x00,
      ],
    },
    1_024,
  ),
  killed("a loop of calls through the table", {
    tables: [[0x70, 0, 1]],
    functions: [[2, body([])]],
    elements: [[0, ...constant(0), 0x0b, 1, 2]],
    run: [0x03, 0x40, 0x41, 0, 0x11, 2, 0, 0x0c, 0, 0x0b, 0x00],
  }),
  killed("4,900 functions, all called again and again", {
    functions: Array.from({ length: 4_900 }, () => [2, body([0x41, 1, 0x1a])] as const),
    run: [
      0x03,
      0x40,
      ...Array.from({ length: 4_900 }, (_, at) => [0x10, ...leb(at + 2)]).flat(),
      0x0c,
      0,
      0x0b,
      0x00,
    ],
  }),
  killed("a body of 125 KiB that the optimiser likes to look at", {
    runLocals: [[1, i64]],
    run: [0x03, 0x40, ...repeat(17_000, [0x20, 4, 0x42, 3, 0x7e, 0x21, 4]), 0x0c, 0, 0x0b, 0x00],
  }),
  killed("900 blocks inside blocks, in a loop", {
    run: [0x03, 0x40, ...repeat(900, [0x02, 0x40]), ...repeat(900, [0x0b]), 0x0c, 0, 0x0b, 0x00],
  }),
  refused("900 loops inside loops, in which 1,900 locals change", /for its many locals/, {
    runLocals: [[...leb(1_900), i64]],
    run: [
      ...repeat(900, [0x03, 0x40]),
      ...Array.from({ length: 1_890 }, (_, at) => [
        0x20,
        ...leb(at + 5),
        0x21,
        ...leb(at + 4),
      ]).flat(),
      ...[0x0c, ...leb(899), ...repeat(900, [0x0b]), 0x00],
    ],
  }),
  refused("600 loops behind one another, in which 1,900 locals change", /for its many locals/, {
    runLocals: [[...leb(1_900), i64]],
    run: [
      ...[0x03, 0x40],
      ...Array.from({ length: 600 }, (_, loop) => [
        ...[0x03, 0x40],
        ...Array.from({ length: 30 }, (_, at) => [
          0x20,
          ...leb(((loop * 31 + at) % 1_900) + 4),
          0x21,
          ...leb(((loop * 17 + at) % 1_900) + 4),
        ]).flat(),
        0x0b,
      ]).flat(),
      ...[0x0c, 0, 0x0b, 0x00],
    ],
  }),
  killed("60 loops inside loops, in which 1,900 locals change", {
    runLocals: [[...leb(1_900), i64]],
    run: [
      ...repeat(60, [0x03, 0x40]),
      ...Array.from({ length: 1_890 }, (_, at) => [
        0x20,
        ...leb(at + 5),
        0x21,
        ...leb(at + 4),
      ]).flat(),
      ...[0x0c, ...leb(59), ...repeat(60, [0x0b]), 0x00],
    ],
  }),
  killed("300 jumps to one place, where 1,900 locals differ", {
    runLocals: [[...leb(1_900), i64]],
    run: [
      ...[0x03, 0x40, 0x02, 0x40, 0x20, 1, 0x45, 0x0d, 0],
      ...Array.from({ length: 1_890 }, (_, at) => [
        0x20,
        ...leb(at + 5),
        0x21,
        ...leb(at + 4),
      ]).flat(),
      ...repeat(300, [0x20, 1, 0x45, 0x0d, 0]),
      ...[0x0b, 0x0c, 0, 0x0b, 0x00],
    ],
  }),
  refused("1,000 jumps to one place, where 1,900 locals differ", /for its many locals/, {
    runLocals: [[...leb(1_900), i64]],
    run: [0x02, 0x40, ...repeat(1_000, [0x20, 1, 0x45, 0x0d, 0]), 0x0b, ...nothing],
  }),
  killed("1.9 MB of code, all of it run", {
    functions: Array.from(
      { length: 18 },
      () => [2, body(repeat(15_000, [0x20, 0, 0x42, 3, 0x7e, 0x21, 0]), [[1, i64]])] as const,
    ),
    run: [
      0x03,
      0x40,
      ...Array.from({ length: 18 }, (_, at) => [0x10, at + 2]).flat(),
      0x0c,
      0,
      0x0b,
      0x00,
    ],
  }),
  killed("1,900 locals that live through a loop", {
    runLocals: [[...leb(1_900), i64]],
    run: [
      ...[0x03, 0x40],
      ...Array.from({ length: 1_800 }, (_, at) => [
        0x20,
        ...leb(at + 4),
        0x20,
        ...leb(at + 5),
        0x7c,
        0x21,
        ...leb(at + 4),
      ]).flat(),
      ...[0x0c, 0, 0x0b, 0x00],
    ],
  }),

  traps("unreachable", /unreachable/, { run: [0x00] }),
  traps("a division by zero", /divided by zero/, { run: [0x42, 1, 0x42, 0, 0x7f] }),
  traps("a remainder by zero", /divided by zero/, { run: [0x42, 1, 0x42, 0, 0x81] }),
  traps("a quotient that does not fit", /does not fit/, {
    run: [0x42, ...sleb(-(2n ** 63n)), 0x42, ...sleb(-1), 0x7f],
  }),
  traps("a float that is no whole number", /whole number/, {
    run: [0x44, 0, 0, 0, 0, 0, 0, 0xf8, 0x7f, 0xb0],
  }),
  traps("a read far outside the memory", /outside its memory/, {
    run: [...constant(-1), 0x29, 0, 0],
  }),
  traps("a write just outside the memory", /outside its memory/, {
    run: [...constant(2 * 65_536 - 7), 0x42, 1, 0x37, 0, 0, ...nothing],
  }),
  traps("a read with the largest offset", /outside its memory/, {
    run: [0x41, 0, 0x29, 0, 0xff, 0xff, 0xff, 0xff, 0x0f],
  }),
  traps("a fill outside the memory", /outside its memory/, {
    run: [0x41, 0, 0x41, 0, ...constant(-1), 0xfc, 11, 0, ...nothing],
  }),
  traps("a call outside the table", /outside its table/, {
    tables: [[0x70, 0, 1]],
    run: [0x41, 5, 0x11, 2, 0, ...nothing],
  }),
  traps("a call of an empty entry of the table", /another type/, {
    tables: [[0x70, 0, 1]],
    run: [0x41, 0, 0x11, 2, 0, ...nothing],
  }),
  traps("a call of a function of another type", /another type/, {
    tables: [[0x70, 0, 1]],
    elements: [[0, ...constant(0), 0x0b, 1, 0]],
    run: [0x41, 0, 0x11, 2, 0, ...nothing],
  }),
  traps("a function that calls itself", /too deep/, {
    functions: [[2, body([0x10, 2])]],
    run: [0x10, 2, ...nothing],
  }),
  traps("two functions that call each other", /too deep/, {
    functions: [
      [2, body([0x10, 3])],
      [2, body([0x10, 2])],
    ],
    run: [0x10, 2, ...nothing],
  }),
  traps("a function that calls itself through the table", /too deep/, {
    tables: [[0x70, 0, 1]],
    elements: [[0, ...constant(0), 0x0b, 1, 2]],
    functions: [[2, body([0x41, 0, 0x11, 2, 0])]],
    run: [0x10, 2, ...nothing],
  }),
  traps("a recursion with 1,500 locals", /too deep/, {
    functions: [[2, body([0x10, 2, 0x42, 1, 0x21, 0], [[...leb(1_500), i64]])]],
    run: [0x10, 2, ...nothing],
  }),
  traps("a recursion with 1,500 vectors that live", /too deep/, {
    functions: [
      [
        2,
        body(
          [
            ...Array.from({ length: 1_400 }, (_, at) => [0x20, ...leb(at)]).flat(),
            0x10,
            2,
            ...repeat(1_400, [0x1a]),
          ],
          [[...leb(1_500), v128]],
        ),
      ],
    ],
    run: [0x10, 2, ...nothing],
  }),
  traps("a recursion with 300 values waiting", /too deep/, {
    functions: [[2, body(wideRecursion)]],
    run: [0x10, 2, ...nothing],
  }),
  traps("a start function that traps", /unreachable/, { functions: [[2, body([0x00])]], start: 2 }),
  traps("an abort in the start function", /stopped itself \(line 7, column 8\)/, {
    ...fullParts,
    functions: [[2, body([0x41, 0, 0x41, 0, 0x41, 7, 0x41, 8, 0x10, 0])]],
  }),
  traps("an output outside the memory", /output lies outside/, {
    run: [0x42, ...sleb((0x7fff_0000n << 32n) | 16n)],
  }),
  traps("alloc that gives a place outside the memory", /alloc gave a place/, {
    alloc: constant(-1),
  }),
  {
    name: "an output of 4 GiB",
    becomes: ["output-too-large", /4294967295 bytes/],
    module: () => wasmModule({ run: [0x42, ...sleb(0xffff_ffffn)] }),
  },

  importing("of WASI", "wasi_snapshot_preview1", "fd_write", [0, 1]),
  importing("of a function of the environment", "env", "system", [0, 0]),
  importing("of abort from elsewhere", "host", "abort", [0, 0]),
  refused("import of abort with another type", /another type/, {
    imports: [[...text("env"), ...text("abort"), 0, 0]],
  }),
  importing("of a global called abort", "env", "abort", [3, i32, 1]),
  importing("of a memory", "env", "memory", [2, 1, 1, 1]),
  importing("of a shared memory", "env", "memory", [2, 3, 1, 1]),
  importing("of a table", "env", "table", [1, 0x70, 0, 1]),
  importing("of an exception", "env", "tag", [4, 0, 2]),
  importing("of a builtin of strings", "wasm:js-string", "length", [0, 0]),
  importing("with a prototype's name", "__proto__", "constructor", [0, 0]),

  refused("no memory", /no memory/, {
    replace: { 5: [], 7: vector([[...text("run"), 0, 1]]) },
  }),
  refused("a memory without a maximum", /no maximum/, { memories: [[0, 1]] }),
  refused("a memory above the limit", /4097 pages, more than 4096/, ofMemory(1, 4_097)),
  large("a memory of 4 GiB at once", /65536 pages/, ofMemory(65_536, 65_536)),
  {
    ...refused("a memory above what the job declares", /16 pages, more than 8/, {}),
    params: { memoryPages: 8 },
  },
  refused("a memory that is shared", /shared/, { memories: [[3, 1, 2]] }),
  refused("a memory with 64-bit addresses", /64-bit/, { memories: [[5, 1, 2]] }),
  refused("two memories", /2 memories/, {
    memories: [
      [1, 1, 1],
      [1, 1, 1],
    ],
  }),
  refused("a memory smaller than its beginning", /maximum/, ofMemory(3, 2)),
  large("a table of 10 million entries", /10000000 entries/, {
    tables: [[0x70, 0, ...leb(10_000_000)]],
  }),
  refused("a table of host values", /not one of plain functions/, { tables: [[0x6f, 0, 1]] }),
  refused("a table that grows", /change a table/, {
    tables: [[0x70, 0, 1]],
    run: [0xd0, 0x70, 0x41, 1, 0xfc, 15, 0, 0x1a, ...nothing].slice(2),
  }),
  refused("an instruction of threads", /threads/, { run: [0x41, 0, 0xfe, 0x10, 2, 0, ...nothing] }),
  refused("relaxed SIMD", /relaxed SIMD/, { run: [0xfd, 0x80, 0x02, ...nothing] }),
  refused("an exception", /exceptions/, { run: [0x06, 0x40, 0x0b, ...nothing] }),
  refused("a tail call", /tail calls/, { run: [0x12, 1] }),
  refused("a reference", /reference/, { run: [0xd0, 0x70, 0x1a, ...nothing] }),
  refused("garbage collection", /garbage collection/, { run: [0xfb, 0, 0, 0x1a, ...nothing] }),
  refused("a section of exceptions", /exceptions/, () => {
    const whole = wasmModule();
    return Uint8Array.from([...whole, ...section(13, [1, 0, 0])]);
  }),
  large("1,000,000 functions", /1000000 functions, more than/, () =>
    wasmModule({ replace: { 3: [...leb(1_000_000), ...repeat(1_000_000, [0])] } }),
  ),
  large("1,000,000,000 locals", /more than 2000 locals/, {
    functions: [[2, body([], [[...leb(1_000_000_000), i64]])]],
  }),
  large("locals in groups whose sum overflows", /more than 2000 locals/, {
    functions: [
      [
        2,
        body(
          [],
          [
            [...leb(4_294_967_295), i64],
            [...leb(4_294_967_295), i64],
          ],
        ),
      ],
    ],
  }),
  large("2,000 blocks inside blocks", /nests/, {
    run: [...repeat(2_000, [0x02, 0x40]), ...repeat(2_000, [0x0b]), ...nothing],
  }),
  large("10,000 operands", /operands/, {
    run: [...repeat(10_000, [0x41, 0]), ...repeat(10_000, [0x1a]), ...nothing],
  }),
  large("a body of 300 KiB", /bytes, more than/, {
    run: [...repeat(300_000, [0x01]), ...nothing],
  }),
  large("a module of 5 MiB", /2097152/, () => new Uint8Array(5 * 2 ** 20)),
  large("code that swells when it is made safe", /100000 calls and floats/, () =>
    wasmModule({
      functions: Array.from({ length: 30 }, () => [2, body(repeat(25_000, [0x10, 2]))] as const),
    }),
  ),
  refused("an export that is ours", /not for modules/, {
    globals: [[i32, 1, ...constant(7), 0x0b]],
    exports: [[...text("cnct:stack"), 3, 0]],
  }),
  refused("no run", /no function "run"/, {
    replace: {
      7: vector([
        [...text("memory"), 2, 0],
        [...text("alloc"), 0, 0],
      ]),
    },
  }),
  refused("a run of another type", /no function "run" of the type/, {
    replace: {
      7: vector([
        [...text("memory"), 2, 0],
        [...text("alloc"), 0, 0],
        [...text("run"), 0, 0],
      ]),
    },
  }),
  refused("an export twice", /twice/, { exports: [[...text("run"), 0, 1]] }),
  refused("data outside the memory", /data segment lies outside/, {
    data: [[0, ...constant(2 * 65_536 - 1), 0x0b, 2, 1, 2]],
  }),
  refused("data at a negative place", /data segment lies outside/, {
    data: [[0, ...constant(-1), 0x0b, 1, 1]],
  }),
  refused("elements outside the table", /element segment lies outside/, {
    tables: [[0x70, 0, 1]],
    elements: [[0, ...constant(1), 0x0b, 1, 0]],
  }),
  refused("a first value that is computed", /must be a constant/, {
    globals: [[i32, 0, 0x41, 1, 0x41, 2, 0x6a, 0x0b]],
  }),
  refused("a start function with a parameter", /start function/, { start: 0 }),
  refused("an operand that is missing", /lacks an operand/, { run: [0x7c] }),
  refused("an operand of another type", /has i32 where it needs i64/, { run: [0x41, 0] }),
  refused("a jump to a block that is not there", /block 9/, { run: [0x0c, 9] }),
  refused("a number written too long", /too long/, {
    replace: { 8: [0x80, 0x80, 0x80, 0x80, 0x80, 0] },
  }),
  refused("nothing at all", /does not begin/, () => new Uint8Array(0)),
  refused("another version", /does not begin/, () =>
    Uint8Array.from([0, 0x61, 0x73, 0x6d, 2, 0, 0, 0]),
  ),
  refused("a component", /does not begin/, () =>
    Uint8Array.from([0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0]),
  ),
  refused("sections in another order", /not where it belongs/, () =>
    Uint8Array.from([...wasmModule(), ...section(1, [0])]),
  ),
  refused("bytes behind the end", /./, { trailer: [0xff, 0xff] }),
  ...sectionIds.map(cutAfter),
  ...sectionIds.map(garbageIn),
  ...sectionIds.map(hugeCountIn),
];

/** What looks wrong and is harmless: it gives its data back. */
export const harmlessModules: readonly Pick<Hostile, "name" | "module">[] = [
  { name: "every section", module: fullModule },
  {
    name: "a loop of a second or so",
    module: () =>
      wasmModule({
        // local 4 counts to 2^30.
        runLocals: [[1, i32]],
        run: [
          ...[
            0x03,
            0x40,
            0x20,
            4,
            0x41,
            1,
            0x6a,
            0x22,
            4,
            ...constant(2 ** 30),
            0x49,
            0x0d,
            0,
            0x0b,
          ],
          ...echo,
        ],
      }),
  },
  {
    name: "an exported global that can be changed",
    module: () =>
      wasmModule({
        globals: [[i32, 1, ...constant(7), 0x0b]],
        exports: [[...text("level"), 3, 0]],
        run: [0x41, 9, 0x24, 0, ...echo],
      }),
  },
  {
    name: "custom sections of nonsense",
    module: () => wasmModule({ trailer: section(0, [...text("name"), 0xff, 0xff, 0xff]) }),
  },
  {
    name: "memory that grows to its maximum and no further",
    module: () =>
      wasmModule({
        // Traps unless growing by 14 gives 2, and then by 1 gives -1.
        run: [
          ...[0x41, 14, 0x40, 0, 0x41, 2, 0x47, 0x04, 0x40, 0x00, 0x0b],
          ...[0x41, 1, 0x40, 0, 0x41, 0x7f, 0x47, 0x04, 0x40, 0x00, 0x0b],
          ...echo,
        ],
      }),
  },
];
