/** How much call stack each function can need at most, where that can be told from the calls alone. */

export interface Callers {
  /** Bytes of the frame of each function. */
  readonly frames: readonly number[];
  /** Whom each calls; undefined where it also calls through the table. */
  readonly callees: readonly (readonly number[] | undefined)[];
}

/** @returns Bytes for each function with all that it calls; infinite if it may come back to itself. */
export const stackNeeds = ({ frames, callees }: Callers): readonly number[] => {
  /** Undefined: not seen. NaN: being looked at, so that to meet it again is a circle. */
  const needs: (number | undefined)[] = frames.map(() => undefined);
  for (let root = 0; root < frames.length; root++) {
    if (needs[root] !== undefined) continue;
    const path: { readonly index: number; next: number; deepest: number }[] = [];
    const enter = (index: number) => {
      needs[index] = Number.NaN;
      path.push({ index, next: 0, deepest: 0 });
    };
    enter(root);
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const list = callees[top.index];
      const callee = list?.[top.next];
      if (list === undefined) top.deepest = Number.POSITIVE_INFINITY;
      if (callee === undefined) {
        needs[top.index] = (frames[top.index] ?? 0) + top.deepest;
        path.pop();
        continue;
      }
      const need = needs[callee];
      if (need === undefined) {
        enter(callee);
        continue;
      }
      top.next++;
      top.deepest = Math.max(top.deepest, Number.isNaN(need) ? Number.POSITIVE_INFINITY : need);
    }
  }
  return needs.map((need) => need ?? Number.POSITIVE_INFINITY);
};
