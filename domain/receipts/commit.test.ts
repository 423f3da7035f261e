import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { commitOf, opens, type Reveal } from "./commit.ts";

const digest = (n: number): string => n.toString(16).padStart(64, "0");
const worker = `cnct:${"a".repeat(52)}`;
const eve = `cnct:${"e".repeat(51)}q`;
const task = { jobHash: digest(1), replica: 0, attempt: 1, worker };
const reveal: Reveal = { ...task, resultTag: digest(2), salt: digest(3) };
const commit = commitOf(reveal);

describe("a commit", () => {
  test("is opened by its reveal", () => {
    assert.equal(opens(commit, reveal, task), true);
    assert.equal(commit, "0abed39fae13b53b4463f289b40fb6dca363c2f24353333662682bd3a91f52f0");
  });

  test("is opened by no other result, salt, task or worker", () => {
    for (const change of [
      { resultTag: digest(9) },
      { salt: digest(9) },
      { jobHash: digest(9) },
      { replica: 1 },
      { attempt: 2 },
      { worker: eve },
    ] as readonly Partial<Reveal>[]) {
      const other = { ...reveal, ...change };
      assert.equal(opens(commit, other, task), false, JSON.stringify(change));
      assert.equal(opens(commit, other, other), false, JSON.stringify(change));
      assert.notEqual(commitOf(other), commit);
    }
  });

  test("is worth nothing to who copies it and its reveal under another name or attempt", () => {
    assert.equal(opens(commit, reveal, { ...task, worker: eve }), false);
    assert.equal(opens(commit, { ...reveal, worker: eve }, { ...task, worker: eve }), false);
    assert.equal(opens(commit, reveal, { ...task, attempt: 2 }), false);
  });

  test("has a reveal of one form", () => {
    for (const change of [
      { salt: "" },
      { salt: "AB".repeat(32) },
      { resultTag: "x" },
      { worker: "a" },
    ]) {
      const odd = { ...reveal, ...change };
      assert.equal(opens(commitOf(odd), odd, odd), false, JSON.stringify(change));
    }
  });
});
