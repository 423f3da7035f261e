/** The operations that strangers may run, from a file that their clients' build wrote. */

import { hash } from "node:crypto";
import { readFileSync } from "node:fs";
import { exitCodes } from "./exit-codes.ts";
import { CliFailure } from "./failures.ts";

/**
 * Reads a JSON object of SHA-256 to document, or a manifest as Apollo's tools write it
 * (`{"format": "apollo-persisted-query-manifest", "operations": [{"id", "body", …}]}`).
 *
 * @returns The documents by the SHA-256 of their text.
 * @throws {CliFailure} `bad-operations` when it is neither, or a hash is not that of its text.
 * @throws {Error} Node's, when the file cannot be read.
 */
export const operationsIn = (path: string): ReadonlyMap<string, string> => {
  const bad = (why: string) =>
    new CliFailure("bad-operations", `${path}: ${why}`, exitCodes.badInput);
  const listed = entriesOf(parsed(readFileSync(path, "utf8")));
  if (listed === undefined) throw bad("it must hold a JSON object of SHA-256 to document");
  const operations = new Map<string, string>();
  for (const [id, text] of listed) {
    if (typeof text !== "string" || text === "") throw bad(`${id} has no document`);
    if (hash("sha256", text) !== id) throw bad(`${id} is not the SHA-256 of its document`);
    operations.set(id, text);
  }
  if (operations.size === 0) throw bad("it lists no operation");
  return operations;
};

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
};

const entriesOf = (value: unknown): readonly (readonly [string, unknown])[] | undefined => {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const { format, operations } = value as {
    readonly format?: unknown;
    readonly operations?: unknown;
  };
  if (format !== "apollo-persisted-query-manifest") return Object.entries(value);
  if (!Array.isArray(operations)) return undefined;
  return operations.map((one: { readonly id?: unknown; readonly body?: unknown } | null) => [
    String(one?.id),
    one?.body,
  ]);
};
