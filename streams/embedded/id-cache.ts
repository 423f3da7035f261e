/**
 * Which events were written lately, by id: it makes `any` appends idempotent for about the last
 * million events of the store. (The real server's cache holds about a hundred thousand.)
 *
 * A table of buckets with four places each; a hit is only a hint, the caller compares the ids.
 */

const ways = 4;
const bucketBits = 18;
const buckets = 1 << bucketBits;

/** A 32-bit hash of an id (FNV-1a over its characters). */
export const hashOfId = (id: string): number => {
  let hash = 0x811c9dc5;
  for (let at = 0; at < id.length; at++) hash = Math.imul(hash ^ id.charCodeAt(at), 0x01000193);
  return hash >>> 0;
};

export class IdCache {
  readonly #hashes = new Uint32Array(buckets * ways);
  /** Sequence number + 1, so that 0 is a free place. */
  readonly #seqs = new Uint32Array(buckets * ways);

  add(hash: number, seq: number): void {
    const first = (hash >>> (32 - bucketBits)) * ways;
    let oldest = first;
    for (let place = first; place < first + ways; place++) {
      const held = this.#seqs[place] as number;
      if (held === 0) {
        oldest = place;
        break;
      }
      if (held < (this.#seqs[oldest] as number)) oldest = place;
    }
    this.#hashes[oldest] = hash;
    this.#seqs[oldest] = seq + 1;
  }

  /** Forgets events from this sequence number on: they were never written after all. */
  forgetFrom(seq: number, hashes: readonly number[]): void {
    for (const hash of hashes) {
      const first = (hash >>> (32 - bucketBits)) * ways;
      for (let place = first; place < first + ways; place++)
        if ((this.#seqs[place] as number) > seq) this.#seqs[place] = 0;
    }
  }

  /** The first event with this hash that `accept` confirms, newest hints not preferred. */
  find(hash: number, accept: (seq: number) => boolean): number | undefined {
    const first = (hash >>> (32 - bucketBits)) * ways;
    for (let place = first; place < first + ways; place++) {
      const held = this.#seqs[place] as number;
      if (held !== 0 && this.#hashes[place] === hash && accept(held - 1)) return held - 1;
    }
    return undefined;
  }
}
