/**
 * Reads a WebAssembly module and refuses it unless it is one that every node can run alike
 * (`docs/wasm.md` has the rules). Pure: bytes in, a description or a fault out.
 */

import { moduleLimits, pageBytes } from "./limits.ts";
import { isValueType, typeNames, type ValueType, valueTypes } from "./opcodes.ts";
import {
  type Cursor,
  readByte,
  readCount,
  readName,
  readS32,
  readU32,
  refuseModule,
  skip,
  skipS64,
} from "./reader.ts";

export interface FunctionType {
  readonly params: readonly ValueType[];
  readonly results: readonly ValueType[];
}

export interface GlobalType {
  readonly type: ValueType;
  readonly mutable: boolean;
}

/** From `start` to before `end`, in the module's bytes. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

export interface Section extends Span {
  readonly id: number;
}

export interface WasmModule {
  readonly bytes: Uint8Array;
  /** Without custom sections, in their order. */
  readonly sections: readonly Section[];
  readonly types: readonly FunctionType[];
  /** Index into `types` of each function, the imported ones first. */
  readonly functions: readonly number[];
  readonly importedFunctions: number;
  /** Of each function that is not imported: its locals and its code. */
  readonly bodies: readonly Span[];
  readonly hasTable: boolean;
  readonly memory: { readonly pages: number; readonly pagesMax: number };
  readonly globals: readonly GlobalType[];
  readonly start: number | undefined;
  /** Data segments, if the module says so before its code. */
  readonly dataCount: number | undefined;
}

interface Draft {
  readonly sections: Section[];
  types: readonly FunctionType[];
  functions: number[];
  importedFunctions: number;
  bodies: readonly Span[];
  tableEntries: number | undefined;
  memory: { readonly pages: number; readonly pagesMax: number } | undefined;
  globals: readonly GlobalType[];
  exports: ReadonlyMap<string, { readonly kind: number; readonly index: number }>;
  start: number | undefined;
  dataCount: number | undefined;
  dataSegments: number;
}

/** Names that begin so are ours: `rewrite.ts` adds exports. */
export const ownExportPrefix = "cnct:";

const { i: i32, l: i64 } = valueTypes;
const abortParams = [i32, i32, i32, i32];
const exportForms: Readonly<Record<string, FunctionType>> = {
  alloc: { params: [i32], results: [i32] },
  run: { params: [i32, i32, i32, i32], results: [i64] },
};

type ReadSection = (cursor: Cursor, draft: Draft, memoryPages: number) => void;

const sectionNames: Readonly<Record<number, string>> = {
  1: "type",
  2: "import",
  3: "function",
  4: "table",
  5: "memory",
  6: "global",
  7: "export",
  8: "start",
  9: "element",
  12: "data count",
  10: "code",
  11: "data",
};
/** The ids, in the order in which a module has them. */
const sectionOrder = [1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 10, 11];

/**
 * Everything but the code of the functions, which `checkBody` reads.
 *
 * @param memoryPages - The most that the module may declare.
 * @throws {ModuleFault} For the first rule that it breaks.
 */
export const parseModule = (
  bytes: Uint8Array,
  { memoryPages }: { readonly memoryPages: number },
): WasmModule => {
  if (bytes.length > moduleLimits.moduleBytes)
    refuseModule(
      "too-large",
      `the module has ${bytes.length} bytes, more than ${moduleLimits.moduleBytes}`,
    );
  const magic = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
  if (bytes.length < magic.length || magic.some((byte, at) => bytes[at] !== byte))
    refuseModule("not-wasm", "the module does not begin as WebAssembly 1 does");

  const draft: Draft = {
    sections: [],
    types: [],
    functions: [],
    importedFunctions: 0,
    bodies: [],
    tableEntries: undefined,
    memory: undefined,
    globals: [],
    exports: new Map(),
    start: undefined,
    dataCount: undefined,
    dataSegments: 0,
  };
  const cursor: Cursor = { bytes, at: magic.length, end: bytes.length };
  let place = -1;
  let customs = 0;
  while (cursor.at < bytes.length) {
    const id = readByte(cursor);
    const size = readU32(cursor);
    const start = cursor.at;
    skip(cursor, size);
    const inside: Cursor = { bytes, at: start, end: start + size };
    if (id === 0) {
      if (++customs > moduleLimits.customSections)
        refuseModule("too-many", `the module has more than ${customs - 1} custom sections`);
      readName(inside);
      continue;
    }
    if (id === 13) refuseModule("feature-refused", "the module uses exceptions");
    const order = sectionOrder.indexOf(id);
    if (order < 0) refuseModule("malformed", `the module has a section of the unknown kind ${id}`);
    const name = sectionNames[id] ?? "";
    if (order <= place)
      refuseModule("section-order", `the module's ${name} section is not where it belongs`);
    place = order;
    draft.sections.push({ id, start, end: inside.end });
    sections[id]?.(inside, draft, memoryPages);
    if (inside.at !== inside.end)
      refuseModule("malformed", `the module's ${name} section has bytes left over`);
  }
  return finish(bytes, draft);
};

const finish = (bytes: Uint8Array, draft: Draft): WasmModule => {
  const { memory, exports, types, functions, importedFunctions, bodies } = draft;
  if (functions.length - importedFunctions !== bodies.length)
    refuseModule("malformed", "the module declares another number of functions than it has");
  if (draft.dataCount !== undefined && draft.dataCount !== draft.dataSegments)
    refuseModule("malformed", "the module declares another number of data segments than it has");
  if (memory === undefined) return refuseModule("memory-refused", "the module has no memory");
  const exported = exports.get("memory");
  if (exported?.kind !== 2)
    refuseModule("export-missing", 'the module does not export its memory as "memory"');
  for (const [name, form] of Object.entries(exportForms)) {
    const found = exports.get(name);
    const type = found?.kind === 0 ? types[functions[found.index] ?? -1] : undefined;
    if (type === undefined || !isSame(type, form))
      refuseModule(
        "export-missing",
        `the module exports no function "${name}" of the type ${describe(form)}`,
      );
  }
  const { globals, start, dataCount } = draft;
  const hasTable = draft.tableEntries !== undefined;
  return {
    ...{
      bytes,
      sections: draft.sections,
      types,
      functions,
      importedFunctions,
      bodies,
      hasTable,
      memory,
    },
    ...{ globals, start, dataCount },
  };
};

const isSame = (a: FunctionType, b: FunctionType): boolean => describe(a) === describe(b);

const describe = ({ params, results }: FunctionType): string => {
  const list = (types: readonly ValueType[]) => types.map((type) => typeNames[type]).join(", ");
  return `(${list(params)}) -> (${list(results)})`;
};

/** @throws {ModuleFault} For reference types too. */
export const readValueType = (cursor: Cursor): ValueType => {
  const byte = readByte(cursor);
  if (isValueType(byte)) return byte;
  if (byte >= 0x63 && byte <= 0x74)
    refuseModule("feature-refused", "the module uses reference values");
  return refuseModule("malformed", `there is no value type ${byte} (byte ${cursor.at - 1})`);
};

const readTypes = (cursor: Cursor, draft: Draft): void => {
  const count = readCount(cursor, "types", moduleLimits.types, 3);
  draft.types = Array.from({ length: count }, () => {
    const form = readByte(cursor);
    if (form === 0x4e || form === 0x4f || form === 0x50 || form === 0x5e || form === 0x5f)
      refuseModule("feature-refused", "the module uses garbage collection");
    if (form !== 0x60) refuseModule("malformed", `a type has the unknown form ${form}`);
    const params = readCount(cursor, "parameters in a type", moduleLimits.params);
    const before = Array.from({ length: params }, () => readValueType(cursor));
    const results = readCount(cursor, "results in a type", moduleLimits.results);
    return {
      params: before,
      results: Array.from({ length: results }, () => readValueType(cursor)),
    };
  });
};

const typeAt = (draft: Draft, index: number): FunctionType =>
  draft.types[index] ?? refuseModule("unknown-index", `the module has no type ${index}`);

const readImports = (cursor: Cursor, draft: Draft): void => {
  const count = readCount(cursor, "imports", moduleLimits.imports, 4);
  for (let index = 0; index < count; index++) {
    const from = readName(cursor);
    const name = readName(cursor);
    const kind = readByte(cursor);
    const what = `${JSON.stringify(from.slice(0, 40))}.${JSON.stringify(name.slice(0, 40))}`;
    const kinds = ["function", "table", "memory", "global", "exception"];
    if (from !== "env" || name !== "abort" || kind !== 0)
      refuseModule(
        "import-refused",
        `the module imports the ${kinds[kind] ?? "thing"} ${what}; only the function "env"."abort" is given`,
      );
    const type = readU32(cursor);
    if (!isSame(typeAt(draft, type), { params: abortParams, results: [] }))
      refuseModule("import-refused", "the module imports env.abort with another type than it has");
    draft.functions.push(type);
  }
  draft.importedFunctions = count;
};

const readFunctions = (cursor: Cursor, draft: Draft): void => {
  const count = readCount(cursor, "functions", moduleLimits.functions);
  for (let index = 0; index < count; index++) {
    const type = readU32(cursor);
    typeAt(draft, type);
    draft.functions.push(type);
  }
};

const readTables = (cursor: Cursor, draft: Draft): void => {
  const count = readU32(cursor);
  if (count > 1) refuseModule("table-refused", `the module has ${count} tables, more than one`);
  if (count === 0) return;
  if (readByte(cursor) !== 0x70)
    refuseModule("table-refused", "the module's table is not one of plain functions");
  const flags = readByte(cursor);
  if (flags > 1)
    refuseModule("table-refused", "the module's table is shared or has 64-bit indexes");
  const entries = readU32(cursor);
  const most = flags === 1 ? readU32(cursor) : entries;
  if (most < entries) refuseModule("malformed", "the module's table is larger than its maximum");
  // The maximum does not matter: no instruction that is allowed lets a table grow.
  if (entries > moduleLimits.tableEntries)
    refuseModule(
      "table-refused",
      `the module's table has ${entries} entries, more than ${moduleLimits.tableEntries}`,
    );
  draft.tableEntries = entries;
};

const readMemories = (cursor: Cursor, draft: Draft, memoryPages: number): void => {
  const count = readU32(cursor);
  if (count > 1) refuseModule("memory-refused", `the module has ${count} memories, more than one`);
  if (count === 0) return;
  const flags = readByte(cursor);
  if (flags & 0x02) refuseModule("memory-refused", "the module's memory is shared with threads");
  if (flags & 0x04) refuseModule("memory-refused", "the module's memory has 64-bit addresses");
  if (flags > 1) refuseModule("memory-refused", "the module's memory has pages of its own size");
  if (flags === 0) refuseModule("memory-refused", "the module's memory declares no maximum");
  const pages = readU32(cursor);
  const pagesMax = readU32(cursor);
  if (pagesMax > memoryPages)
    refuseModule(
      "memory-refused",
      `the module's memory may grow to ${pagesMax} pages, more than ${memoryPages}`,
    );
  if (pages > pagesMax) refuseModule("malformed", "the module's memory is larger than its maximum");
  draft.memory = { pages, pagesMax };
};

const readGlobals = (cursor: Cursor, draft: Draft): void => {
  const count = readCount(cursor, "globals", moduleLimits.globals, 4);
  draft.globals = Array.from({ length: count }, () => {
    const type = readValueType(cursor);
    const mutable = readByte(cursor);
    if (mutable > 1) refuseModule("malformed", "a global is neither constant nor mutable");
    readConstant(cursor, type);
    return { type, mutable: mutable === 1 };
  });
};

const constantCodes: Readonly<Record<number, ValueType>> = {
  65: valueTypes.i,
  66: valueTypes.l,
  67: valueTypes.f,
  68: valueTypes.d,
};

/** One constant and its end. @returns Its value if it is an i32. */
const readConstant = (cursor: Cursor, expected: ValueType): number => {
  const code = readByte(cursor);
  const isVector = code === 0xfd;
  const type = isVector ? valueTypes.v : constantCodes[code];
  if (type === undefined || (isVector && readU32(cursor) !== 0x0c))
    return refuseModule(
      "feature-refused",
      "the module computes a first value; it must be a constant",
    );
  if (type !== expected)
    refuseModule("type-mismatch", "a first value has another type than what it is for");
  let value = 0;
  if (type === i32) value = readS32(cursor);
  else if (type === i64) skipS64(cursor);
  else skip(cursor, type === valueTypes.f ? 4 : type === valueTypes.d ? 8 : 16);
  if (readByte(cursor) !== 0x0b)
    refuseModule("feature-refused", "the module computes a first value; it must be a constant");
  return value;
};

const readExports = (cursor: Cursor, draft: Draft): void => {
  const count = readCount(cursor, "exports", moduleLimits.exports, 3);
  const exports = new Map<string, { readonly kind: number; readonly index: number }>();
  for (let at = 0; at < count; at++) {
    const name = readName(cursor);
    const kind = readByte(cursor);
    const index = readU32(cursor);
    const shown = JSON.stringify(name.slice(0, 40));
    if (exports.has(name)) refuseModule("export-refused", `the module exports ${shown} twice`);
    if (name.startsWith(ownExportPrefix))
      refuseModule("export-refused", `the module exports ${shown}, which is not for modules`);
    const tables = draft.tableEntries === undefined ? 0 : 1;
    const memories = draft.memory === undefined ? 0 : 1;
    const counts = [draft.functions.length, tables, memories, draft.globals.length];
    if (index >= (counts[kind] ?? 0))
      refuseModule("unknown-index", `the module exports as ${shown} what it does not have`);
    exports.set(name, { kind, index });
  }
  draft.exports = exports;
};

const functionAt = (draft: Draft, index: number): FunctionType => {
  const type = draft.functions[index];
  if (type === undefined)
    return refuseModule("unknown-index", `the module has no function ${index}`);
  return typeAt(draft, type);
};

const readStart = (cursor: Cursor, draft: Draft): void => {
  const start = readU32(cursor);
  if (!isSame(functionAt(draft, start), { params: [], results: [] }))
    refuseModule("type-mismatch", "the module's start function takes or gives something");
  draft.start = start;
};

const readElements = (cursor: Cursor, draft: Draft): void => {
  const count = readCount(cursor, "element segments", moduleLimits.elementSegments, 4);
  for (let segment = 0; segment < count; segment++) {
    const kind = readU32(cursor);
    if (kind !== 0 && kind !== 2)
      refuseModule(
        "feature-refused",
        "an element segment is not one that fills the table at start",
      );
    const table = kind === 2 ? readU32(cursor) : 0;
    if (table !== 0 || draft.tableEntries === undefined)
      refuseModule("unknown-index", `the module has no table ${table}`);
    const offset = readConstant(cursor, i32) >>> 0;
    if (kind === 2 && readByte(cursor) !== 0)
      refuseModule("feature-refused", "an element segment has something else than functions");
    const length = readCount(cursor, "functions in an element segment", moduleLimits.tableEntries);
    if (offset + length > (draft.tableEntries ?? 0))
      refuseModule("segment-outside", "an element segment lies outside the table");
    for (let at = 0; at < length; at++) functionAt(draft, readU32(cursor));
  }
};

const readBodies = (cursor: Cursor, draft: Draft): void => {
  const count = readCount(cursor, "functions", moduleLimits.functions, 3);
  draft.bodies = Array.from({ length: count }, (_, index) => {
    const size = readU32(cursor);
    if (size > moduleLimits.bodyBytes)
      refuseModule(
        "body-too-large",
        `function ${index + draft.importedFunctions} has ${size} bytes, more than ${moduleLimits.bodyBytes}`,
      );
    const start = cursor.at;
    skip(cursor, size);
    return { start, end: cursor.at };
  });
};

const readData = (cursor: Cursor, draft: Draft): void => {
  const count = readCount(cursor, "data segments", moduleLimits.dataSegments, 2);
  for (let segment = 0; segment < count; segment++) {
    const kind = readU32(cursor);
    if (kind > 2) refuseModule("malformed", `a data segment has the unknown kind ${kind}`);
    const memory = kind === 2 ? readU32(cursor) : 0;
    if (kind !== 1 && (memory !== 0 || draft.memory === undefined))
      refuseModule("unknown-index", `the module has no memory ${memory}`);
    const offset = kind === 1 ? 0 : readConstant(cursor, i32) >>> 0;
    const length = readU32(cursor);
    if (kind !== 1 && offset + length > (draft.memory?.pages ?? 0) * pageBytes)
      refuseModule("segment-outside", "a data segment lies outside the memory");
    skip(cursor, length);
  }
  draft.dataSegments = count;
};

const readDataCount: ReadSection = (cursor, draft) => {
  draft.dataCount = readU32(cursor);
};

const sections: Readonly<Record<number, ReadSection>> = {
  1: readTypes,
  2: readImports,
  3: readFunctions,
  4: readTables,
  5: readMemories,
  6: readGlobals,
  7: readExports,
  8: readStart,
  9: readElements,
  10: readBodies,
  11: readData,
  12: readDataCount,
};
