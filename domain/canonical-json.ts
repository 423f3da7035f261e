/**
 * Canonical JSON after RFC 8785 (JCS): keys in UTF-16 order, no white space, numbers as
 * ECMAScript prints them. Equal values have equal bytes, so they can be hashed and signed.
 */

/**
 * The canonical text of a JSON value. Members that are `undefined` are left out, as in JSON.
 *
 * @throws {TypeError} For what JSON cannot say: NaN, Infinity, bigint, functions, lone surrogates.
 *   Also for numbers that are whole and beyond 2^53 - 1, which two parsers may read differently.
 */
export const canonicalJson = (value: unknown): string => {
  switch (typeof value) {
    case "string":
      if (!value.isWellFormed()) throw new TypeError("a string has a lone surrogate");
      return JSON.stringify(value);
    case "number":
      if (!Number.isFinite(value)) throw new TypeError(`JSON cannot say ${value}`);
      if (Number.isInteger(value) && !Number.isSafeInteger(value))
        throw new TypeError(`${value} is beyond 2^53 - 1: write it as a string`);
      return JSON.stringify(value);
    case "boolean":
      return value ? "true" : "false";
    case "object":
      if (value === null) return "null";
      if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
      return canonicalObject(value as Readonly<Record<string, unknown>>);
    default:
      throw new TypeError(`JSON cannot say a ${typeof value}`);
  }
};

const canonicalObject = (value: Readonly<Record<string, unknown>>): string => {
  const members: string[] = [];
  for (const key of Object.keys(value).sort()) {
    const member = value[key];
    if (member !== undefined) members.push(`${canonicalJson(key)}:${canonicalJson(member)}`);
  }
  return `{${members.join(",")}}`;
};
