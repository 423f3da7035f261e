/** The hosts that a node's owner lets it collect from. */

import { addressKind } from "./addresses.ts";
import { readUrl } from "./urls.ts";

/** Host patterns in one spelling: `example.org`, or `*.data.gov` for every name below it. */
export type AllowList = readonly string[];

export type ParsedAllowList =
  | { readonly ok: true; readonly list: AllowList }
  | { readonly ok: false; readonly pattern: string };

/**
 * Reads what an owner wrote. `example.org` is that host alone; `*.example.org` every name below it,
 * at any depth, without `example.org` itself. Names may be written in any script.
 *
 * There is no pattern for everything, and none for a whole top-level domain.
 */
export const parseAllowList = (patterns: readonly string[]): ParsedAllowList => {
  const list = new Set<string>();
  for (const pattern of patterns) {
    const below = pattern.startsWith("*.");
    const read = readUrl(`http://${below ? pattern.slice(2) : pattern}/`);
    const plain = read.ok && /^[^/:?#@*]+$/.test(below ? pattern.slice(2) : pattern);
    if (!plain || addressKind(read.url.host) !== "malformed") return { ok: false, pattern };
    list.add(below ? `*.${read.url.host}` : read.url.host);
  }
  return { ok: true, list: [...list].sort() };
};

/** @param host - As `CollectUrl` has it. */
export const allows = (list: AllowList, host: string): boolean =>
  list.some((pattern) =>
    pattern.startsWith("*.") ? host.endsWith(pattern.slice(1)) : host === pattern,
  );
