/**
 * Canonical JSON after RFC 8785 (JCS): keys in UTF-16 order, no white space, numbers as
 * ECMAScript prints them. Equal values have equal bytes, so they can be hashed and signed.
 */

/** So deep may arrays and objects stand inside each other: no reader's stack runs out. */
export const nestingMax = 100;

/**
 * The canonical text of a JSON value. Members that are `undefined` are left out, as in JSON.
 *
 * @throws {TypeError} For what JSON cannot say: NaN, Infinity, bigint, functions, lone surrogates,
 *   dates and other instances of classes. Also for numbers that are whole and beyond 2^53 - 1,
 *   which two parsers may read differently, and for nesting deeper than `nestingMax`.
 */
export const canonicalJson = (value: unknown): string => textOf(value, 0);

const textOf = (value: unknown, depth: number): string => {
  switch (typeof value) {
    case "string":
      return stringText(value);
    case "number":
      if (!Number.isFinite(value)) throw new TypeError(`JSON cannot say ${value}`);
      if (Number.isInteger(value) && !Number.isSafeInteger(value))
        throw new TypeError(`${value} is beyond 2^53 - 1: write it as a string`);
      return String(value);
    case "boolean":
      return value ? "true" : "false";
    case "object":
      if (value === null) return "null";
      if (depth === nestingMax) throw new TypeError(`nested deeper than ${nestingMax}`);
      // Not `map`, which would pass over a hole.
      if (Array.isArray(value)) return `[${Array.from(value, (item) => textOf(item, depth + 1))}]`;
      if (!isPlain(value)) throw new TypeError(`JSON cannot say a ${value.constructor.name}`);
      return objectText(value as Readonly<Record<string, unknown>>, depth + 1);
    default:
      throw new TypeError(`JSON cannot say a ${typeof value}`);
  }
};

/** Printable ASCII that needs no escape: nearly every key and value there is. */
const plain = /^[ !#-[\]-~]*$/;

const stringText = (text: string): string => {
  if (plain.test(text)) return `"${text}"`;
  if (!text.isWellFormed()) throw new TypeError("a string has a lone surrogate");
  return JSON.stringify(text);
};

const objectText = (value: Readonly<Record<string, unknown>>, depth: number): string => {
  let members = "";
  for (const key of sorted(Object.keys(value))) {
    const member = value[key];
    if (member === undefined) continue;
    if (members !== "") members += ",";
    members += `${stringText(key)}:${textOf(member, depth)}`;
  }
  return `{${members}}`;
};

/** So many keys are sorted by insertion, which takes a third of the time of `sort`. */
const insertedMax = 32;

/** In place, in UTF-16 order. */
const sorted = (keys: string[]): readonly string[] => {
  if (keys.length > insertedMax) return keys.sort();
  for (let at = 1; at < keys.length; at++) {
    const key = keys[at] as string;
    let to = at;
    for (; to > 0 && (keys[to - 1] as string) > key; to--) keys[to] = keys[to - 1] as string;
    keys[to] = key;
  }
  return keys;
};

/** An object of no class: made by a literal or a parser, in this realm or another. */
const isPlain = (value: object): boolean => {
  const prototype: object | null = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
};
