import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import fc from "fast-check";
import { nestingMax } from "../canonical-json.ts";
import type { Sha256 } from "../hashing.ts";
import { jobHash, taskName } from "./hash.ts";
import {
  budgetOf,
  defaultReplicasMax,
  inputBytesMax,
  inputsMax,
  type JobSpec,
  paramsMax,
  parseSpec,
  type SpecFault,
  specDefaults,
} from "./spec.ts";

const image = { digest: "ab".repeat(32), size: 1_000 };
const spec: JobSpec = {
  ...specDefaults,
  client: "client:ada",
  app: "ocr",
  params: { minConfidence: 0.5 },
  inputs: { image },
  comparator: { kind: "text" },
  replicasMax: defaultReplicasMax(specDefaults.quorum),
  price: "1000",
};
const read = (change: object) => parseSpec({ ...spec, ...change });
const assured = { commit: true, quorum: 1, replicasMax: 5 };
const without = (field: keyof JobSpec): object => {
  const { [field]: _, ...rest } = spec;
  return rest;
};

test("a whole spec is read as it is", () =>
  assert.deepEqual(parseSpec(structuredClone(spec)), { ok: true, spec }));

test("a sealed spec is read as it is, and an open one keeps the hash that it always had", () => {
  const sealed: JobSpec = { ...spec, sealed: true };
  assert.deepEqual(parseSpec(structuredClone(sealed)), { ok: true, spec: sealed });
  assert.notEqual(jobHash(sealed), jobHash(spec));
  assert.equal(jobHash(spec), "0d22701953e4bb2849660695f7c2e379710bd5cbe1ae14faae1c38c110fdda7a");
});

test("an assurance is read as it is, and three arbiters are paid for", () => {
  for (const assurance of ["standard", "high"] as const) {
    const sure = { ...spec, ...assured, assurance };
    assert.deepEqual(parseSpec(structuredClone(sure)), { ok: true, spec: sure });
    assert.equal(budgetOf(sure as JobSpec), 8_000n);
  }
});

describe("a spec is refused, with a code of its own,", () => {
  const manyInputs = Object.fromEntries(
    Array.from({ length: inputsMax + 1 }, (_, n) => [`i${n}`, image]),
  );
  const tooLong = "x".repeat(paramsMax);
  const deep = JSON.parse(`${"[".repeat(nestingMax)}${"]".repeat(nestingMax)}`);
  const faults: Readonly<Record<SpecFault, readonly object[]>> = {
    "spec-not-an-object": [],
    "unknown-field": [{ extra: 1 }, { toString: 1 }],
    "bad-version": [{ version: 2 }, { version: "1" }],
    "bad-client": ["ada", "client:", "client:Ada", "node:ada", `client:${"a".repeat(65)}`, 7].map(
      (client) => ({ client }),
    ),
    "bad-app": ["", "OCR", "1ocr", "a".repeat(33), 7].map((app) => ({ app })),
    "bad-params": [
      { params: null },
      { params: [] },
      { params: { big: 2 ** 53 } },
      { params: { text: "\ud800" } },
      { params: { deep } },
    ],
    "params-too-large": [{ params: { tooLong } }],
    "bad-inputs": [
      { inputs: [] },
      { inputs: { "": image } },
      { inputs: { "a b": image } },
      { inputs: JSON.parse(`{"__proto__":${JSON.stringify(image)}}`) },
      { inputs: { image: { ...image, digest: "AB".repeat(32) } } },
      { inputs: { image: { ...image, size: -1 } } },
      { inputs: { image: { ...image, size: inputBytesMax + 1 } } },
      { inputs: { image: { ...image, more: 1 } } },
    ],
    "too-many-inputs": [{ inputs: manyInputs }],
    "bad-comparator": [{ comparator: { kind: "mood" } }, { comparator: "exact" }],
    "bad-quorum": [
      { quorum: 0 },
      { quorum: 6, replicasMax: 9 },
      { quorum: 1.5 },
      { quorum: 3, replicasMax: 2 },
      { replicasMax: 10 },
    ],
    "bad-price": ["-1", "1.5", "01", "1000000000001", 1000].map((price) => ({ price })),
    "bad-engine": ["ORT", "a b", "a".repeat(65), 7].map((engine) => ({ engine })),
    "bad-min-speed": [0, 0.5, -1, 1e12 + 1, "1", null, undefined].map((minSpeed) => ({ minSpeed })),
    "bad-limits": [
      { wallMs: 99 },
      { wallMs: 3_600_001 },
      { deadlineMs: 999 },
      { deadlineMs: 2_592_000_001 },
      { wallMs: 100.5 },
    ],
    "bad-priority": [{ priority: 0 }, { priority: 6 }],
    "bad-sealed": [{ sealed: false }, { sealed: 1 }, { sealed: undefined }],
    "nothing-to-seal": [{ sealed: true, inputs: {} }],
    "bad-nonce": [{ nonce: "n".repeat(65) }, { nonce: "\udc00" }, { nonce: 7 }],
    "bad-assurance": [
      { assurance: "some", ...assured },
      { assurance: undefined, ...assured },
      { assurance: "high" },
      { assurance: "high", quorum: 1, replicasMax: 5 },
      { assurance: "standard", ...assured, quorum: 2 },
      { assurance: "standard", ...assured, replicasMax: 2 },
    ],
    "bad-commit": [{ commit: false }, { commit: "true" }, { commit: null }, { commit: undefined }],
  };
  for (const [code, changes] of Object.entries(faults))
    test(code, () => {
      const values = changes.map((change) => ({ ...spec, ...change }));
      const strangers = code === "spec-not-an-object" ? [null, 7, "spec", [], undefined] : [];
      for (const value of [...values, ...strangers]) {
        const parsed = parseSpec(value);
        assert.equal(parsed.ok ? "accepted" : parsed.code, code, JSON.stringify(value));
      }
      assert.ok(values.length + strangers.length > 0);
    });

  test("for each field that is missing", () => {
    for (const field of Object.keys(spec) as (keyof JobSpec)[])
      assert.equal(parseSpec(without(field)).ok, false, field);
  });
});

test("the bounds of a spec belong to it", () => {
  const room = paramsMax - JSON.stringify({ text: "" }).length;
  for (const change of [
    { quorum: 1, replicasMax: 1 },
    { quorum: 5, replicasMax: 9 },
    { price: "0" },
    { price: "1000000000000" },
    { wallMs: 100 },
    { wallMs: 3_600_000 },
    { deadlineMs: 1_000 },
    { deadlineMs: 2_592_000_000 },
    { priority: 1 },
    { priority: 5 },
    { nonce: "n".repeat(64) },
    { commit: true },
    { params: { text: "x".repeat(room) } },
    { inputs: { image: { ...image, size: 0 } } },
    { inputs: { image: { ...image, size: inputBytesMax } } },
  ])
    assert.equal(read(change).ok, true, JSON.stringify(change).slice(0, 80));
  assert.equal(read({ params: { text: "x".repeat(room + 1) } }).ok, false);
});

test("a message of a refused spec does not repeat the whole of a hostile name", () => {
  const name = "x".repeat(10_000);
  for (const change of [{ inputs: { [name]: image } }, { [name]: 1 }]) {
    const parsed = read(change);
    assert.ok(!parsed.ok && parsed.message.length < 200);
  }
});

test("the budget pays each replica that could be accepted", () => {
  assert.equal(budgetOf(spec), 4_000n);
  assert.equal(budgetOf({ ...spec, price: "1000000000000", replicasMax: 9 }), 9_000_000_000_000n);
  assert.deepEqual([1, 2, 5].map(defaultReplicasMax), [3, 4, 7]);
});

describe("a job hash", () => {
  const nodeSha256: Sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");

  test("is what another program computes from the published recipe", () => {
    const text =
      'cnct/job/v1\n{"app":"ocr","client":"client:ada","comparator":{"kind":"text"},' +
      '"deadlineMs":3600000,"engine":"","inputs":{"image":{"digest":' +
      `"${image.digest}","size":1000}},"nonce":"","params":{"minConfidence":0.5},"price":"1000",` +
      '"priority":3,"quorum":2,"replicasMax":4,"version":1,"wallMs":60000}';
    assert.equal(jobHash(spec), createHash("sha256").update(text).digest("hex"));
  });

  test("is the same whichever SHA-256 computes it and in whatever order the fields come", () =>
    fc.assert(
      fc.property(
        fc.shuffledSubarray(Object.keys(spec), { minLength: Object.keys(spec).length }),
        fc.string({ unit: "grapheme", maxLength: 20 }),
        (order, nonce) => {
          const named = { ...spec, nonce };
          const shuffled = Object.fromEntries(
            order.map((field) => [field, named[field as keyof JobSpec]]),
          ) as unknown as JobSpec;
          assert.equal(jobHash(shuffled), jobHash(named));
          assert.equal(jobHash(named, nodeSha256), jobHash(named));
        },
      ),
    ));

  test("changes with each field", () => {
    const changes: { readonly [Field in keyof JobSpec]: unknown } = {
      version: 2,
      client: "client:bob",
      app: "faces",
      params: { minConfidence: 0.6 },
      inputs: { image: { ...image, size: 1_001 } },
      comparator: { kind: "exact" },
      quorum: 3,
      replicasMax: 5,
      price: "1001",
      engine: "ort-web",
      wallMs: 60_001,
      deadlineMs: 3_600_001,
      priority: 4,
      nonce: "again",
    };
    const hashes = Object.entries(changes).map(([field, value]) =>
      jobHash({ ...spec, [field]: value } as JobSpec),
    );
    assert.equal(new Set([jobHash(spec), ...hashes]).size, Object.keys(spec).length + 1);
  });

  test("can be computed of every spec that was read", () =>
    fc.assert(
      fc.property(fc.jsonValue(), fc.string({ unit: "binary", maxLength: 64 }), (value, nonce) => {
        const parsed = read({ params: { value }, nonce });
        if (parsed.ok) assert.match(jobHash(parsed.spec), /^[0-9a-f]{64}$/);
      }),
    ));

  test("names a task together with replica and attempt", () =>
    assert.equal(taskName({ jobHash: "ab", replica: 0, attempt: 2 }), "ab/0/2"));
});
