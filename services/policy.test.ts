import assert from "node:assert/strict";
import { test } from "node:test";
import { policyDefaults } from "../domain/policy/policy.ts";
import type { Fact } from "./facts.ts";
import { createPolicyBook } from "./policy.ts";

const adopted = (version: number, holdJobs: number): Fact => {
  const verification = { ...policyDefaults.verification, holdJobs };
  const policy = { ...policyDefaults, version, verification };
  return {
    event: { type: "PolicyAdopted", policy, at: 1 },
    id: "",
    stream: "policy",
    revision: BigInt(version - 2),
    position: BigInt(version),
  };
};

test("the policy in force is the one adopted last, and the earlier ones are still known", () => {
  const book = createPolicyBook();
  assert.equal(book.current(), policyDefaults);
  book.hear(adopted(2, 10));
  book.hear(adopted(3, 20));
  assert.equal(book.current().verification.holdJobs, 20);
  assert.equal(book.ofVersion(2)?.verification.holdJobs, 10);
  assert.equal(book.ofVersion(1), policyDefaults);
  assert.equal(book.ofVersion(4), undefined);
});
