/**
 * Merkle trees after RFC 6962, section 2.1. Hashes are lower-case hex.
 *
 * A leaf and a node are hashed with another first byte, so that neither can stand for the other.
 */
import { hexToBytes, utf8ToBytes } from "@noble/hashes/utils.js";
import { emptyDigest, portableSha256, type Sha256 } from "../hashing.ts";
import type { Digest } from "../ids.ts";

export const leafHash = (leaf: Uint8Array | string, sha256: Sha256 = portableSha256): Digest => {
  const bytes = typeof leaf === "string" ? utf8ToBytes(leaf) : leaf;
  const all = new Uint8Array(1 + bytes.length);
  all.set(bytes, 1);
  return sha256(all);
};

const nodeHash = (left: Digest, right: Digest, sha256: Sha256): Digest => {
  const all = new Uint8Array(65);
  all[0] = 1;
  all.set(hexToBytes(left), 1);
  all.set(hexToBytes(right), 33);
  return sha256(all);
};

/** All rows of a tree, the leaves' hashes first, the root alone in the last. */
export type Tree = readonly (readonly Digest[])[];

export const treeOf = (leaves: readonly Digest[], sha256: Sha256 = portableSha256): Tree => {
  const rows: Digest[][] = [[...leaves]];
  for (let row = rows[0] ?? []; row.length > 1; row = rows.at(-1) ?? []) {
    const above: Digest[] = [];
    for (let i = 0; i < row.length; i += 2) {
      const [left, right] = [row[i] ?? "", row[i + 1]];
      // One without a neighbour goes up as it is: the same tree as RFC 6962's split in two.
      above.push(right === undefined ? left : nodeHash(left, right, sha256));
    }
    rows.push(above);
  }
  return rows;
};

/** The root; of no leaves, the hash of nothing. */
export const rootOf = (tree: Tree): Digest => tree.at(-1)?.[0] ?? emptyDigest;

/**
 * The hashes beside the way from a leaf to the root, lowest first.
 *
 * @throws {RangeError} If there is no such leaf.
 */
export const pathTo = (tree: Tree, index: number): readonly Digest[] => {
  const size = tree[0]?.length ?? 0;
  if (!Number.isInteger(index) || index < 0 || index >= size)
    throw new RangeError(`there is no leaf ${index} in a tree of ${size}`);
  return tree.flatMap((row, level) => row[(index >> level) ^ 1] ?? []);
};

/** The root that a leaf and its path lead to; undefined if a tree of that size has no such path. */
export const rootFrom = (
  proof: {
    readonly leaf: Digest;
    readonly index: number;
    readonly size: number;
    readonly path: readonly Digest[];
  },
  sha256: Sha256 = portableSha256,
): Digest | undefined => {
  const { leaf, index, size, path } = proof;
  if (!Number.isInteger(index) || !Number.isInteger(size) || size > 2 ** 30) return undefined;
  if (index < 0 || index >= size) return undefined;
  let root = leaf;
  let at = index;
  let used = 0;
  for (let last = size - 1; last > 0; last >>= 1, at >>= 1) {
    if (at === last && at % 2 === 0) continue; // No neighbour in this row.
    const beside = path[used++];
    if (beside === undefined) return undefined;
    root = at % 2 === 0 ? nodeHash(root, beside, sha256) : nodeHash(beside, root, sha256);
  }
  return used === path.length ? root : undefined;
};
