/**
 * Growing arrays of unsigned numbers in chunks: growth never copies, and ten million entries of the
 * log's index cost 4 bytes each.
 */

const chunkBits = 16;
const chunkSize = 1 << chunkBits;
const chunkMask = chunkSize - 1;

type Chunk = Uint8Array | Uint32Array;

class Column<C extends Chunk> {
  readonly #chunks: C[] = [];
  readonly #make: (size: number) => C;
  readonly #unset: number;

  constructor(make: (size: number) => C, unset: number) {
    this.#make = make;
    this.#unset = unset;
  }

  /** The value at an index, or the column's unset value where nothing was stored. */
  get(index: number): number {
    const chunk = this.#chunks[index >>> chunkBits];
    return chunk === undefined ? this.#unset : (chunk[index & chunkMask] as number);
  }

  set(index: number, value: number): void {
    const at = index >>> chunkBits;
    let chunk = this.#chunks[at];
    if (chunk === undefined) {
      for (let missing = this.#chunks.length; missing <= at; missing++) {
        const made = this.#make(chunkSize);
        if (this.#unset !== 0) made.fill(this.#unset);
        this.#chunks.push(made);
      }
      chunk = this.#chunks[at] as C;
    }
    chunk[index & chunkMask] = value;
  }
}

export type Column32 = Column<Uint32Array>;
export type Column8 = Column<Uint8Array>;

/** Says "nothing" in a column of sequence numbers. */
export const none = 0xffffffff;

export const column32 = (unset = 0): Column32 => new Column((size) => new Uint32Array(size), unset);
export const column8 = (): Column8 => new Column((size) => new Uint8Array(size), 0);
