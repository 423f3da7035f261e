/** Stream metadata: what the events of `$$stream` say, in the real server's JSON. */

import type { StreamMetadata } from "../event-store.ts";

export const metadataType = "$metadata";
export const tombstoneType = "$streamDeleted";
/** `$tb` of a soft-deleted stream: everything before the last revision there can be. */
const deletedText = "9223372036854775807";
const deletedBefore = Number(deletedText);

/** What reading a stream must respect; undefined limits do not exist. */
export interface StreamLimits {
  /** Revisions below are gone; Infinity for a soft-deleted stream. */
  readonly truncateBefore: number;
  readonly maxCount: number | undefined;
  readonly maxAgeMs: number | undefined;
}

export const noLimits: StreamLimits = {
  truncateBefore: 0,
  maxCount: undefined,
  maxAgeMs: undefined,
};

/** The metadata of a soft-deleted stream; a number of JavaScript cannot hold it exactly. */
export const softDeletedJson = `{"$tb":${deletedText}}`;

const asObject = (json: string): Readonly<Record<string, unknown>> => {
  try {
    const parsed: unknown = JSON.parse(json);
    return typeof parsed === "object" && parsed !== null && !Array.isArray(parsed)
      ? (parsed as Record<string, unknown>)
      : {};
  } catch {
    return {}; // The real server reads damaged metadata as none, too.
  }
};

const count = (value: unknown): number | undefined =>
  typeof value === "number" && value >= 0 ? value : undefined;

export const limitsOf = (json: string): StreamLimits => {
  const parsed = asObject(json);
  const before = count(parsed["$tb"]) ?? 0;
  const maxAge = count(parsed["$maxAge"]);
  return {
    truncateBefore: before >= deletedBefore ? Number.POSITIVE_INFINITY : before,
    maxCount: count(parsed["$maxCount"]),
    maxAgeMs: maxAge === undefined ? undefined : maxAge * 1_000,
  };
};

export const parseMetadata = (json: string): StreamMetadata => metadataOf(asObject(json));

/** The metadata that the data of a `$metadata` event says. */
export const metadataOf = (data: Readonly<Record<string, unknown>>): StreamMetadata => {
  const { $tb, $maxCount, $maxAge, ...custom } = data;
  const truncateBefore = count($tb);
  const maxCount = count($maxCount);
  const maxAgeSeconds = count($maxAge);
  return {
    ...(maxCount === undefined ? {} : { maxCount }),
    ...(maxAgeSeconds === undefined ? {} : { maxAgeSeconds }),
    ...(truncateBefore === undefined ? {} : { truncateBefore }),
    ...(Object.keys(custom).length === 0 ? {} : { custom }),
  };
};

export const formatMetadata = (metadata: StreamMetadata): Readonly<Record<string, unknown>> => ({
  ...metadata.custom,
  ...(metadata.maxCount === undefined ? {} : { $maxCount: metadata.maxCount }),
  ...(metadata.maxAgeSeconds === undefined ? {} : { $maxAge: metadata.maxAgeSeconds }),
  ...(metadata.truncateBefore === undefined ? {} : { $tb: metadata.truncateBefore }),
});
