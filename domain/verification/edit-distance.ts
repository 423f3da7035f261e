/** How many characters must be inserted, deleted or replaced to make one text of the other. */

/**
 * The Levenshtein distance of two texts in code points, or undefined when it exceeds `limit`.
 *
 * Takes about `limit` times the longer text's length in steps.
 *
 * @param limit - A whole number of at least 0.
 * @see Ukkonen, Algorithms for approximate string matching (1985): only a band of the table counts.
 */
export const editDistance = (a: string, b: string, limit: number): number | undefined => {
  const [from, to] = trimShared(codePoints(a), codePoints(b));
  if (Math.abs(from.length - to.length) > limit) return undefined;

  const beyond = limit + 1;
  let above = Int32Array.from({ length: to.length + 1 }, (_, j) => Math.min(j, beyond));
  let row = new Int32Array(to.length + 1);
  for (let i = 1; i <= from.length; i++) {
    const first = Math.max(1, i - limit);
    const last = Math.min(to.length, i + limit);
    row[first - 1] = first === 1 ? Math.min(i, beyond) : beyond;
    for (let j = first; j <= last; j++) {
      const replaced = (above[j - 1] as number) + (from[i - 1] === to[j - 1] ? 0 : 1);
      const deleted = j === i + limit ? beyond : (above[j] as number) + 1;
      const inserted = (row[j - 1] as number) + 1;
      row[j] = Math.min(replaced, deleted, inserted, beyond);
    }
    [above, row] = [row, above];
  }
  const distance = above[to.length] as number;
  return distance > limit ? undefined : distance;
};

export const codePoints = (text: string): Uint32Array =>
  Uint32Array.from(Array.from(text, (character) => character.codePointAt(0) ?? 0));

/** Without the beginning and the end that both have. */
const trimShared = (a: Uint32Array, b: Uint32Array): readonly [Uint32Array, Uint32Array] => {
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start++;
  let [endA, endB] = [a.length, b.length];
  while (endA > start && endB > start && a[endA - 1] === b[endB - 1]) {
    endA--;
    endB--;
  }
  return [a.subarray(start, endA), b.subarray(start, endB)];
};
