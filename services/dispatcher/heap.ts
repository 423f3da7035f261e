/** A binary heap: the least first, by `isBefore`. Adding and taking cost O(log n). */
export interface Heap<Item> {
  add(item: Item): void;
  /** The least; undefined when there is none. */
  first(): Item | undefined;
  /** Takes the least out. */
  take(): Item | undefined;
  /** The least has become greater: finds its place anew. */
  sink(): void;
  /** Keeps only these; costs O(n log n). */
  keep(isWanted: (item: Item) => boolean): void;
  readonly size: number;
}

export const createHeap = <Item>(isBefore: (a: Item, b: Item) => boolean): Heap<Item> => {
  let items: Item[] = [];

  const swap = (i: number, j: number): void => {
    const [a, b] = [items[i], items[j]];
    if (a === undefined || b === undefined) return;
    items[i] = b;
    items[j] = a;
  };

  const precedes = (i: number, j: number): boolean => {
    const [a, b] = [items[i], items[j]];
    return a !== undefined && b !== undefined && isBefore(a, b);
  };

  const sink = (): void => {
    for (let place = 0; ; ) {
      const left = 2 * place + 1;
      const child = precedes(left + 1, left) ? left + 1 : left;
      if (!precedes(child, place)) return;
      swap(child, place);
      place = child;
    }
  };

  return {
    get size() {
      return items.length;
    },
    first: () => items[0],
    sink,
    keep: (isWanted) => {
      // Sorted, which is a heap as well.
      items = items.filter(isWanted).sort((a, b) => (isBefore(a, b) ? -1 : 1));
    },

    add: (item) => {
      items.push(item);
      for (let place = items.length - 1; place > 0; ) {
        const parent = (place - 1) >> 1;
        if (!precedes(place, parent)) return;
        swap(place, parent);
        place = parent;
      }
    },

    take: () => {
      const [first] = items;
      const last = items.pop();
      if (last === undefined || items.length === 0) return first;
      items[0] = last;
      sink();
      return first;
    },
  };
};
