import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { packingOf } from "./packing.ts";

interface Box {
  readonly name: string;
  readonly lid: "open" | null;
  readonly mark?: true;
  readonly size: number;
}

describe("packing", () => {
  const boxes = packingOf<Box>({ name: "always", lid: "always", mark: "optional", size: "always" });
  const stored = (box: Box): readonly unknown[] =>
    JSON.parse(JSON.stringify(boxes.pack(box))) as readonly unknown[];

  it("keeps the values in the order of the fields, and nothing else", () => {
    assert.deepEqual(stored({ size: 3, lid: null, name: "a" }), ["a", null, null, 3]);
  });

  it("gives back what was packed: null where it may be null, nothing where it may be missing", () => {
    for (const box of [
      { name: "a", lid: null, size: 3 },
      { name: "", lid: "open", mark: true, size: 0 },
    ] satisfies Box[])
      assert.deepEqual(boxes.unpack(stored(box)), box);
  });

  it("takes a list from before an optional field was added at its end", () => {
    const before = packingOf<Omit<Box, "mark">>({ name: "always", lid: "always", size: "always" });
    const now = packingOf<Box>({ name: "always", lid: "always", size: "always", mark: "optional" });
    const box = { name: "a", lid: null, size: 3 };
    assert.deepEqual(now.unpack(before.pack(box)), box);
  });
});
