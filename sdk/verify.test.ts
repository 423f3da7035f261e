import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { native } from "../crypto/primitives-native.ts";
import { portable } from "../crypto/primitives-portable.ts";
import type { SignedStatement } from "../domain/identity/signed-statement.ts";
import { jobHash as hashOf } from "../domain/job/hash.ts";
import { prepareRevocation, prepareRotation } from "./identity/changes.ts";
import type { OwnIdentity } from "./identity/own-identity.ts";
import type { LoggedEvent, ReceiptsFile } from "./receipts/file.ts";
import { output, type Steps, signedJob, specOf, type World } from "./testing/receipts.ts";
import { type VerifyFaultCode, verifyFaults, verifyReceipts } from "./verify.ts";

type Data = ReturnType<typeof JSON.parse>;

const plain = signedJob(specOf()).file;
const bound = signedJob(specOf({ commit: true })).file;
const codes = (file: unknown, bytes?: Uint8Array): readonly string[] =>
  verifyReceipts(file, { primitives: native, ...(bytes ? { output: bytes } : {}) }).faults.map(
    ({ code }) => code,
  );
/** The data of the nth event of a type, to be bent. */
const data = (file: ReceiptsFile, type: string, nth = 0): Data =>
  file.events.filter((event) => event.type === type)[nth]?.data;
const bent = (make: () => ReceiptsFile, bend: (file: Data) => void): ReceiptsFile => {
  const file = make();
  bend(file);
  return file;
};

const shown = new Set<string>();
const finds = (name: string, file: unknown, ...expected: readonly VerifyFaultCode[]): void => {
  test(name, () => {
    const found = codes(file);
    assert.deepEqual([...new Set(found)], expected);
    for (const code of expected) shown.add(code);
  });
};

describe("a file of receipts", () => {
  for (const [name, primitives] of Object.entries({ native, portable }))
    test(`is good from its text alone, with the ${name} primitives`, () => {
      for (const make of [plain, bound]) {
        const text = JSON.stringify(make());
        const verified = verifyReceipts(JSON.parse(text), { primitives, output });
        assert.deepEqual(verified.faults, []);
        assert.equal(verified.ok, true);
        assert.deepEqual(
          verified.results.map(({ replica, accepted }) => [replica, accepted]),
          [
            [0, true],
            [1, true],
          ],
        );
      }
    });

  test("of a job with an assurance is good, and the last time that it was completed counts", () => {
    const assured = { commit: true, assurance: "standard", quorum: 1, replicasMax: 5 } as const;
    const file = signedJob(specOf(assured)).file();
    const acceptedIn = (one: ReceiptsFile) => {
      const { results, faults } = verifyReceipts(one, { primitives: native, output });
      assert.deepEqual(faults, []);
      return results.map(({ accepted }) => accepted);
    };
    assert.deepEqual(acceptedIn(file), [true, true]);
    const { jobHash } = file;
    const completed = data(file, "JobCompleted");
    const again = [
      { type: "JobReopened", jobHash, convicts: ["ada-node"], deadlineAt: 0, fundedAt: 0, at: 0 },
      { ...completed, accepted: [{ replica: 1, nodeId: "bob-node" }] },
    ].map((one, i) => ({ position: String(1_000 + i), type: one.type, data: one }));
    assert.deepEqual(acceptedIn({ ...file, events: [...file.events, ...again] }), [false, true]);
  });

  finds("is none if it is anything else", { version: 2 }, "file-malformed");
  finds(
    "is none if a field has another type",
    bent(plain, (file) => {
      data(file, "JobCompleted").accepted = null;
    }),
    "file-malformed",
  );
  finds(
    "is of one job",
    bent(plain, (file) => {
      file.spec.price = "101";
    }),
    "job-hash-differs",
  );
  finds(
    "has its events in the log's order",
    bent(plain, (file) => {
      file.events[1].position = "0";
    }),
    "order-wrong",
  );
  finds(
    "without an answer shows nothing",
    bent(plain, (file) => {
      file.events = file.events.slice(0, 2);
    }),
    "no-results",
  );
  test("belongs to its output", () => {
    assert.deepEqual(codes(plain(), new TextEncoder().encode("another")), ["output-differs"]);
    shown.add("output-differs");
  });
});

describe("a receipt in the file shows that", () => {
  const first = (file: ReceiptsFile): Data => data(file, "ResultReceived");
  const receipt = (name: string, bend: (result: Data) => void, ...codes: VerifyFaultCode[]): void =>
    finds(
      name,
      bent(plain, (file) => bend(first(file))),
      ...codes,
    );

  receipt("somebody signed", (result) => delete result.receipt, "result-unsigned");
  receipt(
    "it was this signature",
    ({ receipt }) => {
      // Not the last byte: one signature in sixteen ends with zeros.
      receipt.signature = receipt.signature.replace(/^./, (digit: string) =>
        digit === "0" ? "1" : "0",
      );
    },
    "signature-wrong",
  );
  receipt("it has the form of one", ({ receipt }) => receipt.path.push("x"), "receipt-malformed");
  receipt(
    "the path leads to the statement",
    ({ receipt }) => {
      receipt.path = [
        receipt.path[0].replace(/^./, (digit: string) => (digit === "f" ? "0" : "f")),
      ];
    },
    "statement-not-in-bundle",
  );
  receipt(
    "the statement is this one",
    (result) => {
      result.executionClass = "plain@2/js/any/1t/none";
    },
    "statement-not-in-bundle",
  );
  receipt(
    "it is about this job",
    (result) => {
      result.jobHash = "0".repeat(64);
    },
    "receipt-of-another-job",
    "completed-with-another-output",
  );
  receipt(
    "the output belongs to the tag",
    (result) => {
      result.outputDigest = "ab".repeat(32);
    },
    "statement-not-in-bundle",
    "tag-of-another-output",
  );
  receipt(
    "the key is one of the identity",
    ({ receipt }) => {
      receipt.keyId = "ab".repeat(32);
    },
    "key-not-of-identity",
  );
  finds(
    "its identity is there",
    bent(plain, (file) => {
      delete file.identities[first(file).receipt.worker];
    }),
    "identity-missing",
  );
  finds(
    "its identity proves itself",
    bent(plain, (file) => {
      file.identities[first(file).receipt.worker][0].data.record.nonce = "00".repeat(16);
    }),
    "identity-false",
  );
  finds(
    "another identity did not sign",
    bent(plain, (file) => {
      first(file).receipt.worker = data(file, "ResultReceived", 1).receipt.worker;
    }),
    "key-not-of-identity",
  );
});

describe("keys count by their place in the log", () => {
  const say =
    (prepare: (own: OwnIdentity) => SignedStatement) =>
    ({ put }: World, [owner]: readonly OwnIdentity[]): void => {
      assert.ok(owner);
      const { statement, signature } = prepare(owner);
      const event: { readonly type: string } = { ...statement, ...{ signature, at: 0 } };
      put(event);
    };
  const rotate = say((own) => prepareRotation(own, native));
  const revoke = say((own) => prepareRevocation(own, "retired"));
  const after = (steps: Steps) => signedJob(specOf(), steps).file();

  finds("rotated while the node computed: still good", after({ beforeAnswered: rotate }));
  finds("rotated before the task was given", after({ beforeAssigned: rotate }), "key-superseded");
  finds("revoked before the answer", after({ beforeAnswered: revoke }), "identity-revoked");
});

describe("a commit in the file shows that", () => {
  const without = (type: string, nth: number) =>
    bent(bound, (file) => {
      const gone = file.events.filter((event: LoggedEvent) => event.type === type)[nth];
      file.events = file.events.filter((event: LoggedEvent) => event !== gone);
    });
  finds("the node was bound", without("ResultCommitted", 0), "commit-missing");
  finds(
    "the node was bound to this",
    bent(bound, (file) => {
      data(file, "ResultCommitted").commit = "c0".repeat(32);
    }),
    "commit-does-not-open",
  );
  finds(
    "all were bound before the first was shown",
    bent(bound, (file) => {
      const at = (type: string) => file.events.findIndex((one: LoggedEvent) => one.type === type);
      const [early] = file.events.splice(at("ResultReceived"), 1);
      file.events.splice(at("ResultCommitted") + 1, 0, early);
      for (const [i, event] of file.events.entries()) event.position = String(100 + i);
      for (const events of Object.values(file.identities) as LoggedEvent[][])
        for (const event of events) Object.assign(event, { position: "1" });
    }),
    "revealed-too-early",
  );
});

test("a job that was completed has the output of an accepted result", () => {
  const file = bent(plain, (file) => {
    data(file, "JobCompleted").outputDigest = "ab".repeat(32);
  });
  assert.deepEqual(codes(file), ["completed-with-another-output"]);
  assert.equal(hashOf(specOf()), file.jobHash);
});

test("a job that was opened again rests on what it completed with last", () => {
  const acceptedOf = (file: ReceiptsFile) =>
    verifyReceipts(file, { primitives: native }).results.map(({ accepted }) => accepted);
  const add = (file: Data, type: string, more: object): void => {
    const { position } = file.events.at(-1);
    const { jobHash } = file;
    const event = { type, jobHash, at: 0, ...more };
    file.events.push({ position: String(BigInt(position) + 1n), type, data: event });
  };
  const first = (file: Data) => Object.assign(data(file, "JobCompleted"), { held: true });
  const fallen = bent(plain, (file) => {
    const [{ nodeId }] = first(file).accepted.splice(1);
    assert.equal(nodeId, "bob-node");
    add(file, "JobReopened", { convicts: ["ada-node"], deadlineAt: 1, fundedAt: 0 });
  });
  assert.deepEqual(codes(fallen), []);
  assert.deepEqual(acceptedOf(fallen), [false, false], "nothing that fell is accepted");
  const again = bent(
    () => structuredClone(fallen),
    (file) => {
      const { outputDigest, outputSize } = data(file, "JobCompleted");
      const accepted = [{ replica: 1, nodeId: "bob-node" }];
      add(file, "JobCompleted", { outputDigest, outputSize, accepted });
    },
  );
  assert.deepEqual(codes(again), []);
  assert.deepEqual(acceptedOf(again), [false, true]);
  const other = bent(
    () => structuredClone(again),
    (file) => {
      data(file, "JobCompleted", 1).outputDigest = "ab".repeat(32);
    },
  );
  assert.deepEqual(codes(other), ["completed-with-another-output"]);
});

test("each fault has been shown, and the manual has them all", () => {
  const never = ["receipt-of-another-worker", "receipt-of-another-key"];
  const all = Object.keys(verifyFaults).filter((code) => !never.includes(code));
  assert.deepEqual(
    all.filter((code) => !shown.has(code)),
    [],
  );
  const manual = readFileSync(new URL("../docs/verification.md", import.meta.url), "utf8");
  for (const code of Object.keys(verifyFaults)) assert.ok(manual.includes(`\`${code}\``), code);
});
