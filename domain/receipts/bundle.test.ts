import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { hexOf } from "../../crypto/bytes.ts";
import { native } from "../../crypto/primitives-native.ts";
import { portable } from "../../crypto/primitives-portable.ts";
import { keyRules, signText } from "../../crypto/signatures.ts";
import { noon } from "../../testing/given.ts";
import { signingKeyId, taggedText } from "../identity/keys.ts";
import {
  bundleMax,
  bundleOf,
  bundleText,
  checkBundle,
  checkReceipt,
  type Receipt,
  receiptsOf,
  type SignedBundle,
} from "./bundle.ts";
import { leafHash } from "./merkle.ts";
import {
  type CommitStatement,
  type FailureStatement,
  isResultStatement,
  isStatement,
  type ResultStatement,
  type Statement,
  statementText,
} from "./statement.ts";
import { receiptOf, storedReceipt } from "./stored-receipt.ts";

const secret = new Uint8Array(32).fill(1);
const rootKey = hexOf(native.ed25519.publicKey(secret));
const other = new Uint8Array(32).fill(2);
const otherKey = hexOf(native.ed25519.publicKey(other));
const worker = `cnct:${"a".repeat(52)}`;
const eve = `cnct:${"e".repeat(51)}q`;
const { verify } = keyRules(native);
const digest = (n: number): string => n.toString(16).padStart(64, "0");

const statement: ResultStatement = {
  version: 1,
  jobHash: digest(1),
  replica: 0,
  attempt: 1,
  nodeId: "bobs-laptop",
  worker,
  resultTag: digest(2),
  output: { digest: digest(3), size: 42 },
  appDigest: digest(4),
  executionClass: "ort-web@1.30",
  usage: { wallMs: 120, cpuMs: 110, memoryPeakBytes: 1 << 20 },
  startedAt: noon,
};
const { version, jobHash, replica, attempt, nodeId } = statement;
const about = { version, jobHash, replica, attempt, nodeId, worker };
const failure: FailureStatement = {
  ...about,
  code: "timed-out",
  message: "the task ran into its time limit",
  retryable: true,
};
const committed: CommitStatement = { ...about, commit: digest(7) };
const statements = (count: number): readonly ResultStatement[] =>
  Array.from({ length: count }, (_, i) => ({ ...statement, jobHash: digest(100 + i) }));

const signedBundle = (some: readonly Statement[], by = secret): SignedBundle => {
  const bundle = bundleOf({ worker, rootKey, statements: some });
  const signature = signText(native, { text: bundleText(bundle), secret: by });
  return { version: 1, bundle, signature, statements: some };
};
const signed = (some: readonly Statement[], by = secret): readonly Receipt[] =>
  receiptsOf(signedBundle(some, by));
const by = { publicKey: rootKey, verify };
const code = (receipt: unknown, publicKey = rootKey): string => {
  const answer = checkReceipt(receipt, { publicKey, verify });
  return answer.ok ? "ok" : answer.code;
};

describe("a receipt", () => {
  test("proves one statement of a bundle, with one signature for all", () => {
    for (const count of [1, 2, 7, 64]) {
      const some = statements(count);
      const receipts = signed(some);
      assert.equal(new Set(receipts.map(({ signature }) => signature)).size, 1);
      for (const [i, receipt] of receipts.entries())
        assert.deepEqual(checkReceipt(receipt, by), { ok: true, statement: some[i] });
    }
  });

  test("is checked from its file alone, in Node and elsewhere", () => {
    const [receipt] = signed(statements(3));
    const file = JSON.stringify(receipt);
    for (const primitives of [native, portable]) {
      const { verify } = keyRules(primitives);
      assert.equal(checkReceipt(JSON.parse(file), { publicKey: rootKey, verify }).ok, true);
    }
  });

  const [first, second] = signed(statements(5)) as [Receipt, Receipt];
  test("does not prove what the worker did not state", () => {
    for (const change of [
      { resultTag: digest(9) },
      { attempt: 2 },
      { output: { digest: digest(9), size: 42 } },
      { jobHash: digest(9) },
    ])
      assert.equal(
        code({ ...first, statement: { ...first.statement, ...change } }),
        "statement-not-in-bundle",
      );
    assert.equal(code({ ...first, statement: second.statement }), "statement-not-in-bundle");
    assert.equal(code({ ...first, path: second.path }), "statement-not-in-bundle");
    assert.equal(code({ ...first, index: 1 }), "statement-not-in-bundle");
    assert.equal(code({ ...first, index: -1 }), "statement-not-in-bundle");
    const root = leafHash(statementText(statement));
    const own = {
      ...first,
      statement,
      bundle: { ...first.bundle, size: 1, root },
      index: 0,
      path: [],
    };
    assert.equal(code(own), "signature-wrong");
  });

  test("is not another worker's, nor made with another key", () => {
    assert.equal(code(signed(statements(2), other)[0]), "signature-wrong");
    assert.equal(code(first, otherKey), "receipt-of-another-key");
    assert.equal(code(first, "beef"), "receipt-of-another-key");
    const claimed = { ...first, bundle: { ...first.bundle, keyId: signingKeyId(otherKey) } };
    assert.equal(code(claimed, otherKey), "signature-wrong");
    const stolen = { ...first, bundle: { ...first.bundle, worker: eve } };
    assert.equal(code(stolen), "receipt-of-another-worker");
    const renamed = { ...stolen, statement: { ...first.statement, worker: eve } };
    assert.equal(code(renamed), "statement-not-in-bundle");
  });

  test("takes no signature that was made for another purpose", () => {
    const text = taggedText("cnct/login/v1", first.bundle);
    assert.equal(
      code({ ...first, signature: signText(native, { text, secret }) }),
      "signature-wrong",
    );
    const leaf = signText(native, { text: statementText(first.statement), secret });
    assert.equal(code({ ...first, signature: leaf }), "signature-wrong");
  });

  test("has one form", () => {
    for (const bad of [
      undefined,
      [],
      { ...first, version: 2 },
      { ...first, more: 1 },
      { ...first, signature: first.signature.toUpperCase() },
      { ...first, path: first.path.join() },
      { ...first, path: Array.from({ length: 13 }, () => digest(1)) },
      { ...first, index: "0" },
      { ...first, bundle: { ...first.bundle, size: bundleMax + 1 } },
      { ...first, bundle: { ...first.bundle, more: 1 } },
      { ...first, statement: { ...first.statement, more: 1 } },
    ])
      assert.equal(code(bad), "receipt-malformed");
  });

  test("is of a bundle of 1 to 4,096 statements of one worker", () => {
    const many = Array.from({ length: bundleMax + 1 }, () => statement);
    const bundle = (some: readonly ResultStatement[]) => () =>
      bundleOf({ worker, rootKey, statements: some });
    assert.throws(bundle([]), RangeError);
    assert.throws(bundle(many), RangeError);
    assert.throws(bundle([{ ...statement, worker: eve }]), RangeError);
  });
});

describe("a signed bundle", () => {
  const whole = signedBundle(statements(5));
  const check = (value: unknown, publicKey = rootKey): string => {
    const answer = checkBundle(value, { publicKey, verify });
    return answer.ok ? "ok" : answer.code;
  };

  test("is checked at once, with one signature", () => {
    let checks = 0;
    const counting: typeof verify = (claim) => {
      checks++;
      return verify(claim);
    };
    const sent: unknown = JSON.parse(JSON.stringify(signedBundle(statements(100))));
    const answer = checkBundle(sent, { ...by, verify: counting });
    assert.ok(answer.ok);
    assert.equal(checks, 1);
    for (const receipt of receiptsOf(answer.signed)) assert.equal(code(receipt), "ok");
  });

  test("holds what was signed: no statement more, less, changed or moved", () => {
    const [one, two, ...rest] = whole.statements as [ResultStatement, ResultStatement];
    for (const changed of [
      [two, one, ...rest],
      [one, one, ...rest],
      [{ ...one, resultTag: digest(9) }, two, ...rest],
    ])
      assert.equal(check({ ...whole, statements: changed }), "statement-not-in-bundle");
    assert.equal(check({ ...whole, statements: [two, ...rest] }), "receipt-malformed");
    const less = { ...whole, statements: [two, ...rest], bundle: { ...whole.bundle, size: 4 } };
    assert.equal(check(less), "statement-not-in-bundle");
    const fitting = bundleOf({ worker, rootKey, statements: [two, ...rest] });
    assert.equal(check({ ...less, bundle: fitting }), "signature-wrong");
  });

  test("is one worker's, with the key that it names", () => {
    assert.equal(check(signedBundle(statements(2), other)), "signature-wrong");
    assert.equal(check(whole, otherKey), "receipt-of-another-key");
    const stolen = { ...whole, bundle: { ...whole.bundle, worker: eve } };
    assert.equal(check(stolen), "receipt-of-another-worker");
    assert.equal(check({ ...whole, more: 1 }), "receipt-malformed");
    assert.equal(check(undefined), "receipt-malformed");
  });
});

describe("a result statement", () => {
  test("is whole, and holds figures and digests only", () => {
    assert.equal(isResultStatement(statement), true);
    for (const bad of [
      null,
      { ...statement, version: 2 },
      { ...statement, jobHash: "ab" },
      { ...statement, replica: -1 },
      { ...statement, attempt: 0 },
      { ...statement, nodeId: "Bob" },
      { ...statement, worker: "bob" },
      { ...statement, output: { ...statement.output, bytes: "x" } },
      { ...statement, output: null },
      { ...statement, executionClass: "" },
      { ...statement, usage: { ...statement.usage, wallMs: 0.5 } },
      { ...statement, usage: { cpuMs: 1, memoryPeakBytes: 1 } },
      { ...statement, startedAt: "noon" },
      { ...statement, output_: 1 },
    ])
      assert.equal(isResultStatement(bad), false, JSON.stringify(bad));
  });

  test("has a text that changes with each field", () => {
    const texts = [
      statement,
      { ...statement, replica: 1 },
      { ...statement, attempt: 2 },
      { ...statement, nodeId: "alice-box" },
      { ...statement, worker: eve },
      { ...statement, usage: { ...statement.usage, cpuMs: 1 } },
      { ...statement, startedAt: noon + 1 },
    ].map(statementText);
    assert.equal(new Set(texts).size, texts.length);
    assert.ok(texts.every((text) => text.startsWith("cnct/result/v1\n{")));
  });
});

describe("statements of failures and commits", () => {
  const all = [statement, { ...statement, salt: digest(8) }, failure, committed];

  test("stand in one bundle with results, and are proven alike", () => {
    const receipts = signed(all);
    for (const [i, receipt] of receipts.entries())
      assert.deepEqual(checkReceipt(receipt, by), { ok: true, statement: all[i] });
    const [, , failed, bound] = receipts as [Receipt, Receipt, Receipt, Receipt];
    const bent = { ...failure, code: "worker-fault" };
    assert.equal(code({ ...failed, statement: bent }), "statement-not-in-bundle");
    const other = { ...committed, commit: digest(9) };
    assert.equal(code({ ...bound, statement: other }), "statement-not-in-bundle");
    assert.equal(checkBundle(signedBundle(all), by).ok, true);
  });

  test("each have a tag, so that none can be taken for another kind", () => {
    const tags = all.map((one) => statementText(one).split("\n")[0]);
    assert.deepEqual(tags, [
      "cnct/result/v1",
      "cnct/result/v1",
      "cnct/task-failed/v1",
      "cnct/result-committed/v1",
    ]);
  });

  test("have one form", () => {
    for (const whole of all) {
      assert.ok(isStatement(whole));
      for (const name of Object.keys(whole).filter((name) => name !== "salt")) {
        const { [name as keyof Statement]: _, ...rest } = whole as Statement;
        assert.equal(isStatement(rest), false, name);
      }
      assert.equal(isStatement({ ...whole, more: 1 }), false);
      assert.equal(isStatement({ ...whole, attempt: 0 }), false);
      assert.equal(isStatement({ ...whole, worker: "ada" }), false);
    }
    for (const change of [
      { code: "Not A Code" },
      { message: "x".repeat(301) },
      { message: "\ud800" },
      { retryable: 1 },
    ])
      assert.equal(isStatement({ ...failure, ...change }), false);
    assert.equal(isStatement({ ...committed, commit: "c0" }), false);
    for (const change of [
      { salt: "short" },
      { salt: undefined },
      { usage: { wallMs: 1, gpuMs: 1 } },
      { usage: { cpuMs: 1 } },
    ])
      assert.equal(isStatement({ ...statement, ...change }), false, JSON.stringify(change));
    assert.ok(isStatement({ ...statement, usage: { wallMs: 1 } }));
  });
});

test("a receipt is the same again when it is read from the log", () => {
  const both = [statement, { ...statement, salt: digest(8) }];
  for (const receipt of signed(both)) {
    const { jobHash, replica, attempt, nodeId, executionClass, output, resultTag, salt } =
      receipt.statement as ResultStatement;
    const event = {
      type: "ResultReceived",
      ...{ jobHash, replica, attempt, nodeId, executionClass, resultTag },
      outputDigest: output.digest,
      outputSize: output.size,
      elapsedMs: 120,
      ...(salt === undefined ? {} : { salt }),
      at: noon,
    } as const;
    const kept = storedReceipt(receipt as Parameters<typeof storedReceipt>[0]);
    assert.deepEqual(receiptOf({ ...event, receipt: kept }), receipt);
    assert.equal(receiptOf(event), undefined, "a result that was not signed has none");
    const bent = receiptOf({ ...event, outputDigest: digest(9), receipt: kept });
    assert.equal(code(bent), "statement-not-in-bundle");
  }
});
