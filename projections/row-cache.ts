/**
 * Rows in memory: those that were changed and not written yet, and the hot ones, at most about so
 * many. Two generations instead of a list by age: whoever is asked for moves to the young one; when
 * that is full, the old one goes.
 */
export interface CachedRow<Row> {
  readonly key: string;
  row: Row | undefined;
  /** Whether SQLite has a row of this key. */
  stored: boolean;
  /** Whether it waits to be written. */
  dirty: boolean;
}

export class RowCache<Row> {
  readonly #rowsMax: number;
  #young = new Map<string, CachedRow<Row>>();
  #old = new Map<string, CachedRow<Row>>();
  #dirty: CachedRow<Row>[] = [];

  /** @param rowsMax - How many clean rows are kept, at least 2. */
  constructor(rowsMax: number) {
    this.#rowsMax = rowsMax;
  }

  get(key: string): CachedRow<Row> | undefined {
    const young = this.#young.get(key);
    if (young) return young;
    const old = this.#old.get(key);
    if (old) {
      this.#old.delete(key);
      this.#young.set(key, old);
    }
    return old;
  }

  add(key: string, row: Row | undefined): CachedRow<Row> {
    const cached = { key, row, stored: row !== undefined, dirty: false };
    this.#young.set(key, cached);
    return cached;
  }

  change(cached: CachedRow<Row>, row: Row | undefined): void {
    cached.row = row;
    if (cached.dirty) return;
    cached.dirty = true;
    this.#dirty.push(cached);
  }

  get dirty(): readonly CachedRow<Row>[] {
    return this.#dirty;
  }

  /** Everything was written. Only here may rows leave: a changed one must not be read anew before. */
  wrote({ keep }: { readonly keep: (row: Row) => boolean }): void {
    for (const cached of this.#dirty) {
      cached.dirty = false;
      cached.stored = cached.row !== undefined;
      if (cached.row === undefined || !keep(cached.row)) {
        this.#young.delete(cached.key);
        this.#old.delete(cached.key);
      }
    }
    this.#dirty = [];
    if (this.#young.size <= this.#rowsMax / 2) return;
    this.#old = this.#young;
    this.#young = new Map();
  }

  clear(): void {
    this.#young.clear();
    this.#old.clear();
    this.#dirty = [];
  }
}
