import assert from "node:assert/strict";
import { test } from "node:test";
import { describeInstructionSet, instructionSet } from "./instruction-set.ts";

test("the instruction set is the best that the processor lists in full", () => {
  const x64 = (flags: string) =>
    describeInstructionSet("x64", `model : 1\nflags\t\t: fpu ${flags}\n`);
  assert.equal(x64("sse2"), "x64-sse");
  assert.equal(x64("sse2 avx"), "x64-avx");
  assert.equal(x64("sse2 avx avx2"), "x64-avx", "AVX2 kernels need FMA too");
  assert.equal(x64("sse2 avx avx2 fma"), "x64-avx2");
  assert.equal(x64("sse2 avx avx2 fma avx512f"), "x64-avx2");
  const avx512 = "sse2 avx avx2 fma avx512f avx512bw avx512dq avx512vl";
  assert.equal(x64(avx512), "x64-avx512");
  assert.equal(x64(`${avx512} avx512_vnni`), "x64-avx512vnni");
  assert.equal(describeInstructionSet("arm64", "Features\t: fp asimd asimddp\n"), "arm64-dotprod");
});

test("what cannot be measured says so", () => {
  assert.equal(describeInstructionSet("arm64", ""), "arm64-unmeasured");
  assert.equal(describeInstructionSet("x64", "no such line"), "x64-unmeasured");
});

test("this machine has one", async () =>
  assert.match(await instructionSet(), new RegExp(`^${process.arch}-[a-z0-9]+$`)));
