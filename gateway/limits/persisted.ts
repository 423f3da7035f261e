/**
 * Queries by their SHA-256 instead of their text: those that clients sent before (automatic persisted
 * queries, Apollo's protocol), and those of the operator's list, beside which strangers may send none.
 */
import { hash as nodeHash } from "node:crypto";
import { isDigest } from "../../domain/ids.ts";
import { GraphqlFault } from "../errors.ts";
import { recent } from "./recent.ts";

export interface PersistedQueries {
  /**
   * The text of a request; undefined if it has neither text nor hash.
   *
   * @throws {GraphqlFault} When the hash is unknown or of another text, or the text is not listed.
   */
  textOf(request: {
    readonly query: unknown;
    readonly extensions: unknown;
    /** Whether only listed queries are taken from this caller. */
    readonly listedOnly: boolean;
  }): string | undefined;
  /** Remembers a text under its hash once it was found good. */
  learn(text: string): void;
}

/** At most 16 MiB of texts. */
const keptMax = 1_000;

const sha256 = (text: string): string => nodeHash("sha256", text);

/** @param listed - The documents of the operator's list, by their SHA-256. */
export const openPersistedQueries = (listed: ReadonlyMap<string, string>): PersistedQueries => {
  const learned = recent<string>(keptMax);
  return {
    textOf: ({ query, extensions, listedOnly }) => {
      const hash = hashIn(extensions);
      const text = typeof query === "string" && query !== "" ? query : undefined;
      if (text === undefined && hash === undefined) return undefined;
      if (text !== undefined && hash !== undefined && sha256(text) !== hash)
        throw new GraphqlFault("PERSISTED_QUERY_MISMATCH", "the query has another SHA-256");
      if (listedOnly) {
        const found = listed.get(hash ?? sha256(text ?? ""));
        if (found !== undefined) return found;
        throw new GraphqlFault(
          "OPERATION_NOT_LISTED",
          "this gateway runs only the operations that its operator lists",
        );
      }
      if (text !== undefined) return text;
      const found = listed.get(hash ?? "") ?? learned.get(hash ?? "");
      // Apollo's clients know it by this very message, and send the text along with the hash.
      if (found === undefined)
        throw new GraphqlFault("PERSISTED_QUERY_NOT_FOUND", "PersistedQueryNotFound");
      return found;
    },
    learn: (text) => learned.set(sha256(text), text),
  };
};

/** @throws {GraphqlFault} `BAD_USER_INPUT` for what is no `persistedQuery` of version 1. */
const hashIn = (extensions: unknown): string | undefined => {
  if (typeof extensions !== "object" || extensions === null) return undefined;
  if (!Object.hasOwn(extensions, "persistedQuery")) return undefined;
  const { persistedQuery } = extensions as { readonly persistedQuery: unknown };
  const { version, sha256Hash } = (persistedQuery ?? {}) as {
    readonly version?: unknown;
    readonly sha256Hash?: unknown;
  };
  if (version === 1 && isDigest(sha256Hash)) return sha256Hash;
  throw new GraphqlFault(
    "BAD_USER_INPUT",
    "persistedQuery is { version: 1, sha256Hash: 64 characters of 0-9 and a-f }",
  );
};
