import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { hexToBytes } from "@noble/hashes/utils.js";
import fc from "fast-check";
import { portableSha256 } from "../hashing.ts";
import type { Digest } from "../ids.ts";
import { leafHash, pathTo, rootFrom, rootOf, treeOf } from "./merkle.ts";

/** The leaves and roots with which logs of RFC 6962 are commonly tested. */
const leaves = [
  "",
  "00",
  "10",
  "2021",
  "3031",
  "40414243",
  "5051525354555657",
  "606162636465666768696a6b6c6d6e6f",
].map((hex) => leafHash(hexToBytes(hex)));
const roots = [
  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
  "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
  "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
  "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
  "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
  "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
  "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
  "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
  "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

const some = (count: number): readonly Digest[] =>
  Array.from({ length: count }, (_, i) => leafHash(`leaf ${i}`));

/** MTH as section 2.1 of RFC 6962 writes it: split at the greatest power of two below the size. */
const rootByDefinition = (list: readonly Digest[]): Digest => {
  const [only = roots[0] as Digest] = list;
  if (list.length <= 1) return only;
  let split = 1;
  while (split * 2 < list.length) split *= 2;
  const sides = [list.slice(0, split), list.slice(split)].map(rootByDefinition);
  return portableSha256(hexToBytes(`01${sides.join("")}`));
};

describe("a Merkle tree", () => {
  test("has the known roots of 0 to 8 leaves", () => {
    for (const [size, root] of roots.entries())
      assert.equal(rootOf(treeOf(leaves.slice(0, size))), root, `${size} leaves`);
  });

  test("has the roots that RFC 6962 defines, for each size to 130", () => {
    for (let size = 0; size <= 130; size++)
      assert.equal(rootOf(treeOf(some(size))), rootByDefinition(some(size)), `${size} leaves`);
  });

  test("proves each leaf of each size to 65, and nothing else", () => {
    for (let size = 1; size <= 65; size++) {
      const list = some(size);
      const tree = treeOf(list);
      const root = rootOf(tree);
      for (let index = 0; index < size; index++) {
        const path = pathTo(tree, index);
        const proof = { leaf: list[index] as Digest, index, size, path };
        assert.equal(rootFrom(proof), root, `${index} of ${size}`);
        const wrong = [
          { ...proof, leaf: leafHash("other") },
          { ...proof, index: (index + 1) % size },
          { ...proof, path: path.slice(1) },
          { ...proof, path: path.slice(0, -1) },
          { ...proof, path: [...path, root] },
          { ...proof, path: [root, ...path] },
          { ...proof, path: path.toReversed() },
        ].filter((other) => JSON.stringify(other) !== JSON.stringify(proof));
        for (const other of wrong)
          assert.notEqual(rootFrom(other), root, `${index} of ${size}: ${JSON.stringify(other)}`);
      }
    }
  });

  test("proves nothing for a node that is passed off as a leaf", () => {
    const tree = treeOf(some(4));
    const [row = []] = tree.slice(1);
    const asLeaf = { leaf: leafHash(hexToBytes(row.join(""))), index: 0, size: 1, path: [] };
    assert.notEqual(rootFrom(asLeaf), rootOf(tree));
  });

  test("has no path to a leaf that is not there", () => {
    const tree = treeOf(some(3));
    for (const index of [-1, 3, 0.5, Number.NaN])
      assert.throws(() => pathTo(tree, index), RangeError);
    for (const [index, size] of [
      [-1, 3],
      [3, 3],
      [0, 0],
      [0.5, 3],
      [0, 2 ** 31],
    ] as const)
      assert.equal(rootFrom({ leaf: leafHash(""), index, size, path: [] }), undefined);
  });

  test("proves any leaf of a tree of up to 4,096", () =>
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4096 }), fc.nat(), (size, pick) => {
        const list = Array.from({ length: size }, (_, i) => i.toString(16).padStart(64, "0"));
        const index = pick % size;
        const tree = treeOf(list);
        const proof = { leaf: list[index] as Digest, index, size, path: pathTo(tree, index) };
        assert.equal(rootFrom(proof), rootOf(tree));
        assert.ok(proof.path.length <= 12);
      }),
      { numRuns: 20 },
    ));
});
