/** The name that someone most likely meant: at most 2 edits away; undefined if none is. */
export const nearest = <Name extends string>(
  wanted: string,
  names: readonly Name[],
): Name | undefined => {
  let best: Name | undefined;
  let least = 3;
  for (const name of names) {
    const distance = edits(wanted, name);
    if (distance < least && distance < name.length) {
      best = name;
      least = distance;
    }
  }
  return best;
};

/** Letters to insert, remove or replace (Levenshtein 1965, by Wagner and Fischer's table of 1974). */
const edits = (a: string, b: string): number => {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
};
