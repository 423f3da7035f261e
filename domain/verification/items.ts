/** Comparator `items`: two nodes collected the same from the same URLs, but for what changes by itself. */

import { canonicalJson } from "../canonical-json.ts";
import { type ReadItem, readCollection } from "../collection/items.ts";
import { isJsonType } from "../collection/media-types.ts";
import type { Comparator } from "./comparator.ts";
import type { Comparison } from "./comparison.ts";
import { readObject, readText } from "./read-json.ts";

/** Two of 20 pages may have changed between two visits. */
export const maxDifferentDefault = 0.1;
/** A token, a counter and an instant in a page of a few hundred words. */
export const maxPairDistanceDefault = 0.02;

/**
 * Characters of texts that differ, of both outputs together, that a validator reads word by word,
 * about 0.3 s: twenty pages of 50 kB. Texts beyond, in the order of the items, are the same or not.
 */
const charactersMax = 2_000_000;

/**
 * Agrees when both outputs are collections (`domain/collection/items.ts`) of the same URLs in the
 * same order, and at most the share `maxDifferent` of their items differ.
 *
 * Two items are the same when both failed for the same class of reason, or both were fetched with
 * the same final URL, status and media type and the same body. Text counts as the same when at most
 * the share `maxDistance` of its pairs of neighbouring words and marks differ (white space folded,
 * JSON in canonical form); anything else byte by byte. What is in `provenance` is never compared.
 *
 * A body that has not the digest its item states makes its whole output unreadable.
 *
 * The distance is the mean over all items: 1 for one that differs, else the share of its pairs.
 */
export const compareItems = (
  {
    maxDifferent = maxDifferentDefault,
    maxDistance = maxPairDistanceDefault,
  }: Extract<Comparator, { kind: "items" }>,
  a: Uint8Array,
  b: Uint8Array,
): Comparison => {
  const [left, right] = [read(a), read(b)];
  if (!left || !right) return { agree: false, distance: 1, reason: "unreadable" };
  if (left.length !== right.length) return { agree: false, distance: 1, reason: "counts-differ" };
  if (left.some(({ url }, index) => url !== right[index]?.url))
    return { agree: false, distance: 1, reason: "names-differ" };

  let [different, total, charactersLeft] = [0, 0, charactersMax];
  left.forEach((one, index) => {
    const other = right[index] as ReadItem;
    const apart = itemDistance(one, other, (characters) => {
      charactersLeft -= characters;
      return charactersLeft >= 0;
    });
    const same = apart !== undefined && apart <= maxDistance;
    if (!same) different++;
    total += same ? apart : 1;
  });
  const distance = total / left.length;
  // Counted, not divided: 2 of 20 are within 0.1, whatever the binary fraction says.
  return different <= Math.floor(maxDifferent * left.length + 1e-9)
    ? { agree: true, distance, reason: "items-match" }
    : { agree: false, distance, reason: "items-differ" };
};

/** A collection of nothing is nobody's honest result either. */
const read = (bytes: Uint8Array): readonly ReadItem[] | undefined => {
  const text = readText(bytes);
  const items = text === undefined ? undefined : readCollection(readObject(text));
  return items?.length === 0 ? undefined : items;
};

/** The share that differs, or undefined when they cannot be the same. */
const itemDistance = (
  one: ReadItem,
  other: ReadItem,
  mayRead: (characters: number) => boolean,
): number | undefined => {
  if (one.outcome === "failed")
    return other.outcome === "failed" && one.faultClass === other.faultClass ? 0 : undefined;
  if (other.outcome === "failed") return undefined;
  if (one.finalUrl !== other.finalUrl || one.status !== other.status) return undefined;
  if (one.mediaType !== other.mediaType) return undefined;
  if (one.bodyDigest === other.bodyDigest) return 0;
  if (one.text === undefined || other.text === undefined) return undefined;
  if (!mayRead(one.text.length + other.text.length)) return undefined;
  return pairDistance(normalised(one.text, one.mediaType), normalised(other.text, other.mediaType));
};

const normalised = (text: string, mediaType: string): string => {
  if (!isJsonType(mediaType)) return text.normalize("NFC");
  try {
    return canonicalJson(JSON.parse(text)).normalize("NFC");
  } catch {
    return text.normalize("NFC"); // No JSON, whatever the server calls it, or a number beyond ours.
  }
};

/**
 * The share of pairs of neighbouring words that two texts do not have in common, from 0 to 1. One
 * word replaced in a text of n changes 2 pairs of n + 1. It takes steps in proportion to the length,
 * where an edit distance would take its square.
 *
 * @see Dice, Measures of the amount of ecologic association between species (1945).
 */
export const pairDistance = (a: string, b: string): number => {
  const [left, right] = [pairsOf(a), pairsOf(b)];
  let [common, all] = [0, 0];
  for (const [pair, count] of left) {
    common += Math.min(count, right.get(pair) ?? 0);
    all += count;
  }
  for (const count of right.values()) all += count;
  return all === 0 ? 0 : 1 - (2 * common) / all;
};

/** Ends count as words, so that a single word has pairs, and order at the ends matters. */
const pairsOf = (text: string): ReadonlyMap<string, number> => {
  const pairs = new Map<string, number>();
  let before = "";
  const count = (word: string) => {
    const pair = `${before} ${word}`;
    pairs.set(pair, (pairs.get(pair) ?? 0) + 1);
    before = word;
  };
  for (const [word] of text.matchAll(/[\p{L}\p{M}\p{N}_]+|[^\s\p{L}\p{M}\p{N}_]/gu)) count(word);
  if (before !== "") count("");
  return pairs;
};
