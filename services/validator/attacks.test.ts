/**
 * What somebody may try with results: each is refused with its own code, is seen in the refusal log,
 * and leaves no fact in the job's stream.
 */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { nativeSha256 } from "../../cli/native-proofs.ts";
import { native } from "../../crypto/primitives-native.ts";
import { signingKeyId, taggedText } from "../../domain/identity/keys.ts";
import type { JobHash } from "../../domain/ids.ts";
import type { JobEvent } from "../../domain/job/events.ts";
import { bundleText, type SignedBundle } from "../../domain/receipts/bundle.ts";
import { type ResultStatement, statementText } from "../../domain/receipts/statement.ts";
import { changed, prepareRevocation, prepareRotation } from "../../sdk/identity/changes.ts";
import { newIdentity, type OwnIdentity } from "../../sdk/identity/own-identity.ts";
import { commitSubject, identityStream, nodeStream, resultSubject } from "../../streams/names.ts";
import { encodeReport, resultBytesMax } from "../../streams/nats/wire.ts";
import type { Report } from "../../streams/task-queue.ts";
import {
  type Court,
  commitStatement,
  executionClass,
  identityRegistered,
  nodes,
  openCourt,
  resultOf,
  saltOf,
  signedBy,
} from "./testing/court.ts";

let court: Court;
before(async () => {
  court = await openCourt();
});
after(() => court.close());

const [adaNode, bobNode] = nodes;
let messages = 0;
const send = (report: Report, nodeId: string = adaNode) =>
  court.queue.source(nodeId).publishResults(report, `m${messages++}`);
const raw = (subject: string, message: unknown) =>
  court.queue.publishRaw(
    subject,
    message instanceof Uint8Array ? message : Buffer.from(JSON.stringify(message)),
  );
const ada = (): OwnIdentity => court.owners[0];
const bob = (): OwnIdentity => court.owners[1];
const asAda = (jobHash: JobHash, change: Partial<ResultStatement> = {}) =>
  resultOf(ada(), { jobHash, replica: 0, nodeId: adaNode }, change);
const asBob = (jobHash: JobHash, change: Partial<ResultStatement> = {}) =>
  resultOf(bob(), { jobHash, replica: 1, nodeId: bobNode }, change);
const two = (jobHash: JobHash) =>
  [asAda(jobHash), { ...asAda(jobHash), jobHash: "0".repeat(64) }] as const;

/** Does the attack on a fresh job and waits for its code. @param facts - What may stand in the stream. */
const attack = (
  name: string,
  code: string,
  tried: (jobHash: JobHash) => Promise<void> | void,
  { commit = false, facts = [] }: { commit?: boolean; facts?: readonly string[] } = {},
): void => {
  test(`${name}: ${code}`, async () => {
    const jobHash = await court.job(commit ? { commit } : {});
    const from = court.refused.length;
    await tried(jobHash);
    await court.refusal(code, from);
    for (const fact of facts as readonly JobEvent["type"][]) await court.until(jobHash, fact);
    const begun = ["JobSubmitted", "TaskAssigned", "TaskAssigned"];
    assert.deepEqual(await court.types(jobHash), [...begun, ...facts]);
  });
};

describe("what is signed is taken up:", () => {
  test("two results, with their receipts, make a verdict", async () => {
    const jobHash = await court.job();
    await send(signedBy(ada(), asAda(jobHash)));
    await send(signedBy(bob(), asBob(jobHash)), bobNode);
    await court.until(jobHash, "JobCompleted");
  });

  test("two commits are followed by a request to show, and by the results", async () => {
    const jobHash = await court.job({ commit: true });
    const asked: string[] = [];
    for (const [nodeId, own, mine] of [
      [adaNode, ada(), asAda(jobHash, { salt: saltOf(0) })],
      [bobNode, bob(), asBob(jobHash, { salt: saltOf(1) })],
    ] as const) {
      court.queue.source(nodeId).onReveal((tasks) => {
        if (!tasks.some((task) => task.jobHash === jobHash)) return;
        asked.push(nodeId);
        void send(signedBy(own, mine), nodeId);
      });
      assert.deepEqual(asked, [], "nobody is asked before the last has committed");
      await send(signedBy(own, commitStatement(mine)), nodeId);
    }
    await court.until(jobHash, "JobCompleted");
    assert.deepEqual([...new Set(asked)].sort(), [adaNode, bobNode]);
    assert.deepEqual((await court.types(jobHash)).slice(3, 7), [
      "ResultCommitted",
      "ResultCommitted",
      "ResultReceived",
      "ResultReceived",
    ]);
  });

  test("a key that was replaced while the node computed is good for what it had", async () => {
    const own = newIdentity({ roles: ["worker"] }, native);
    await owned("eve-node", own);
    const jobHash = await court.job();
    const lost = { type: "RecordFailure", code: "worker-fault", retryable: true } as const;
    const task = { jobHash, replica: 0, attempt: 1, nodeId: adaNode };
    await court.say(jobHash, { ...lost, task });
    await give(jobHash, "eve-node");
    await rotate(own);
    const mine = resultOf(own, { jobHash, replica: 0, nodeId: "eve-node" }, { attempt: 2 });
    await send(signedBy(own, mine), "eve-node");
    await court.until(jobHash, "ResultReceived");
  });
});

const owned = async (nodeId: string, own: OwnIdentity, isRegistered = true) => {
  if (isRegistered) await court.write(identityStream(own.id), identityRegistered(own));
  const machine = { apps: [], slots: 1, backlog: 1, cpus: 1, memoryMb: 1 };
  const capabilities = { ...machine, platform: "linux-x64", version: "1" };
  const node = { nodeId, owner: own.id as string, capabilities };
  await court.write(nodeStream(nodeId), { type: "NodeRegistered", ...node, at: 0 });
};
const rotate = async (own: OwnIdentity): Promise<OwnIdentity> => {
  const prepared = prepareRotation(own, native);
  const { statement, signature } = prepared;
  await court.write(identityStream(own.id), { ...statement, signature, at: 0 } as never);
  return changed(own, prepared, native);
};
/** The second attempt of the first replica. */
const give = (jobHash: JobHash, nodeId: string) =>
  court.say(jobHash, {
    type: "AssignTasks",
    assignments: [
      {
        ...{ replica: 0, nodeId, executionClass },
        reason: { policy: 1, seed: 1, candidates: 1, score: 1 },
      },
    ],
    leaseMs: 60_000,
    fundedAt: 0,
  });
const bent = (signed: SignedBundle, change: Partial<SignedBundle>): SignedBundle => ({
  ...signed,
  ...change,
});

describe("somebody else's word is refused:", () => {
  attack(
    "a node of an identity says it without a signature",
    "report-unsigned",
    async (jobHash) => {
      const { replica, attempt } = asAda(jobHash);
      const done = { executionClass, outputDigest: "ab".repeat(32), outputSize: 1, elapsedMs: 1 };
      await send([{ jobHash, replica, attempt, outcome: "done", ...done }]);
    },
  );
  attack("on another node's subject", "subject-of-another-node", (jobHash) =>
    send(signedBy(ada(), asAda(jobHash)), bobNode),
  );
  attack("signed by another identity in its own name", "signer-not-owner", (jobHash) =>
    send(signedBy(bob(), { ...asAda(jobHash), worker: bob().id })),
  );
  attack("a statement re-bound to another node", "signer-not-owner", (jobHash) =>
    send(signedBy(ada(), { ...asAda(jobHash), nodeId: bobNode }), bobNode),
  );
  attack("signed with another's key", "receipt-of-another-key", (jobHash) =>
    send(signedBy({ ...bob(), id: ada().id }, asAda(jobHash))),
  );
  attack("signed with another's key under the owner's key id", "signature-wrong", (jobHash) => {
    const signed = signedBy({ ...bob(), id: ada().id }, asAda(jobHash));
    const bundle = { ...signed.bundle, keyId: signingKeyId(ada().rootKey) };
    return send(bent(signed, { bundle, signature: bob().sign(bundleText(bundle)) }));
  });
  attack("of a task that another node has", "not-the-assigned-node", (jobHash) =>
    send(signedBy(bob(), { ...asBob(jobHash), replica: 0 }), bobNode),
  );
  test("of an identity that nobody registered: identity-unknown", async () => {
    const own = newIdentity({ roles: ["worker"] }, native);
    await owned("gus-node", own, false);
    const from = court.refused.length;
    const mine = resultOf(own, { jobHash: "0".repeat(64), replica: 0, nodeId: "gus-node" });
    await send(signedBy(own, mine), "gus-node");
    await court.refusal("identity-unknown", from);
  });
  test("of an identity that was revoked: identity-revoked", async () => {
    const own = newIdentity({ roles: ["worker"] }, native);
    await owned("hal-node", own);
    const { statement, signature } = prepareRevocation(own, "key-compromised");
    await court.write(identityStream(own.id), { ...statement, signature, at: 0 } as never);
    const from = court.refused.length;
    const mine = resultOf(own, { jobHash: "0".repeat(64), replica: 0, nodeId: "hal-node" });
    await send(signedBy(own, mine), "hal-node");
    await court.refusal("identity-revoked", from);
  });
  test("with a key that had been replaced before: key-superseded", async () => {
    const own = newIdentity({ roles: ["worker"] }, native);
    await owned("ida-node", own);
    await rotate(own);
    const jobHash = await court.job();
    const task = { jobHash, replica: 0, attempt: 1, nodeId: adaNode };
    const lost = { code: "worker-fault", retryable: true } as const;
    await court.say(jobHash, { type: "RecordFailure", task, ...lost });
    await give(jobHash, "ida-node");
    const from = court.refused.length;
    const mine = resultOf(own, { jobHash, replica: 0, nodeId: "ida-node" }, { attempt: 2 });
    await send(signedBy(own, mine), "ida-node");
    await court.refusal("key-superseded", from);
    assert.ok(!(await court.types(jobHash)).includes("ResultReceived"));
  });
});

describe("a signature is for what was signed:", () => {
  const swapped = (change: Partial<ResultStatement>) => (jobHash: JobHash) => {
    const signed = signedBy(ada(), ...two(jobHash));
    const statements = [{ ...asAda(jobHash), ...change }, ...signed.statements.slice(1)];
    return send(bent(signed, { statements }));
  };
  attack(
    "re-bound to another job",
    "statement-not-in-bundle",
    swapped({ jobHash: "f".repeat(64) }),
  );
  attack("re-bound to another replica", "statement-not-in-bundle", swapped({ replica: 1 }));
  attack("re-bound to another attempt", "statement-not-in-bundle", swapped({ attempt: 2 }));
  attack(
    "with another output",
    "statement-not-in-bundle",
    swapped({ output: { digest: "ab".repeat(32), size: 1 } }),
  );
  attack("with statements in another order", "statement-not-in-bundle", (jobHash) => {
    const signed = signedBy(ada(), ...two(jobHash));
    return send(bent(signed, { statements: signed.statements.toReversed() }));
  });
  attack("with another root", "statement-not-in-bundle", (jobHash) => {
    const signed = signedBy(ada(), asAda(jobHash));
    return send(bent(signed, { bundle: { ...signed.bundle, root: "ab".repeat(32) } }));
  });
  attack("with a byte changed", "signature-wrong", (jobHash) => {
    const signed = signedBy(ada(), asAda(jobHash));
    const last = signed.signature.endsWith("0") ? "1" : "0";
    return send(bent(signed, { signature: signed.signature.slice(0, -1) + last }));
  });
  attack("made for a login", "signature-wrong", (jobHash) => {
    const signed = signedBy(ada(), asAda(jobHash));
    return send(
      bent(signed, { signature: ada().sign(taggedText("cnct/login/v1", signed.bundle)) }),
    );
  });
  attack("made for the statement itself", "signature-wrong", (jobHash) => {
    const signed = signedBy(ada(), asAda(jobHash));
    return send(bent(signed, { signature: ada().sign(statementText(asAda(jobHash))) }));
  });
  attack("of another bundle of the same node", "signature-wrong", (jobHash) => {
    const { signature } = signedBy(ada(), { ...asAda(jobHash), startedAt: 7 });
    return send(bent(signedBy(ada(), asAda(jobHash)), { signature }));
  });
});

describe("what comes again, or too late, is refused:", () => {
  attack(
    "the same bundle once more",
    "report-replayed",
    async (jobHash) => {
      const signed = signedBy(ada(), asAda(jobHash));
      await send(signed);
      await court.until(jobHash, "ResultReceived");
      await send(signed);
    },
    { facts: ["ResultReceived"] },
  );
  attack(
    "the same task with another output",
    "result-differs",
    async (jobHash) => {
      await send(signedBy(ada(), asAda(jobHash)));
      await court.until(jobHash, "ResultReceived");
      const output = { digest: nativeSha256("another"), size: 7 };
      await send(signedBy(ada(), asAda(jobHash, { output })));
    },
    { facts: ["ResultReceived"] },
  );
  attack(
    "of an attempt that was lost",
    "attempt-fenced",
    async (jobHash) => {
      const task = { jobHash, replica: 0, attempt: 1, nodeId: adaNode };
      const lost = { code: "node-lost", retryable: true } as const;
      await court.say(jobHash, { type: "RecordFailure", task, ...lost });
      await send(signedBy(ada(), asAda(jobHash)));
    },
    { facts: ["TaskFailed"] },
  );
  attack("of an attempt that is not yet", "task-unknown", (jobHash) =>
    send(signedBy(ada(), asAda(jobHash, { attempt: 2 }))),
  );
  attack(
    "in another class than was asked for",
    "wrong-execution-class",
    (jobHash) =>
      send(signedBy(ada(), asAda(jobHash, { executionClass: "plain@2/js/any/1t/none" }))),
    { facts: ["TaskFailed"] },
  );
  attack("with the tag of another output", "tag-of-another-output", (jobHash) =>
    send(signedBy(ada(), asAda(jobHash, { resultTag: "ab".repeat(32) }))),
  );
});

describe("a commit cannot be got around:", () => {
  const commit = true;
  const bindBoth = async (jobHash: JobHash) => {
    await send(signedBy(ada(), commitStatement(asAda(jobHash))));
    await send(signedBy(bob(), commitStatement(asBob(jobHash))), bobNode);
    await court.until(jobHash, "ResultCommitted", 2);
  };
  const bound = { commit, facts: ["ResultCommitted", "ResultCommitted"] };
  attack(
    "a result without one",
    "commit-missing",
    (jobHash) => send(signedBy(ada(), asAda(jobHash, { salt: saltOf(0) }))),
    { commit },
  );
  attack(
    "a result before the other node is bound",
    "reveal-too-early",
    async (jobHash) => {
      await send(signedBy(ada(), commitStatement(asAda(jobHash))));
      await court.until(jobHash, "ResultCommitted");
      await send(signedBy(ada(), asAda(jobHash, { salt: saltOf(0) })));
    },
    { commit, facts: ["ResultCommitted"] },
  );
  attack(
    "another salt",
    "reveal-does-not-open",
    async (jobHash) => {
      await bindBoth(jobHash);
      await send(signedBy(ada(), asAda(jobHash, { salt: "ee".repeat(32) })));
    },
    bound,
  );
  attack(
    "no salt",
    "reveal-does-not-open",
    async (jobHash) => {
      await bindBoth(jobHash);
      await send(signedBy(ada(), asAda(jobHash)));
    },
    bound,
  );
  attack(
    "another result than the node is bound to",
    "reveal-does-not-open",
    async (jobHash) => {
      await bindBoth(jobHash);
      const output = { digest: nativeSha256("the other's"), size: 11 };
      await send(signedBy(ada(), asAda(jobHash, { output, salt: saltOf(0) })));
    },
    bound,
  );
  attack(
    "a commit copied from another node, with what opens it there",
    "reveal-does-not-open",
    async (jobHash) => {
      const hers = commitStatement(asAda(jobHash));
      const copied = { ...commitStatement(asBob(jobHash)), commit: hers.commit };
      await send(signedBy(ada(), hers));
      await send(signedBy(bob(), copied), bobNode);
      await court.until(jobHash, "ResultCommitted", 2);
      await send(signedBy(bob(), asBob(jobHash, { salt: saltOf(0) })), bobNode);
    },
    bound,
  );
  attack(
    "a second one",
    "commit-differs",
    async (jobHash) => {
      await send(signedBy(ada(), commitStatement(asAda(jobHash))));
      await court.until(jobHash, "ResultCommitted");
      await send(signedBy(ada(), commitStatement(asAda(jobHash), "ee".repeat(32))));
    },
    { commit, facts: ["ResultCommitted"] },
  );
  attack("one that nobody asked for", "commit-not-asked", (jobHash) =>
    send(signedBy(ada(), commitStatement(asAda(jobHash)))),
  );
});

describe("what is no message is refused before it is read:", () => {
  const messageOf = (report: Report) => encodeReport(report)[0]?.bundles[0] ?? new Uint8Array();
  const attackRaw = (
    name: string,
    message: (jobHash: JobHash) => unknown,
    subject: string = resultSubject(adaNode),
  ) => attack(name, "malformed-message", (jobHash) => raw(subject, message(jobHash)));
  const signed = (jobHash: JobHash) => signedBy(ada(), asAda(jobHash));

  attackRaw(
    "a forged subject",
    (jobHash) => messageOf(signed(jobHash)),
    `${resultSubject(adaNode)}.x`,
  );
  attackRaw(
    "a result on the subject of commits",
    (jobHash) => messageOf(signed(jobHash)),
    commitSubject(adaNode),
  );
  attackRaw("a commit on the subject of results", (jobHash) =>
    messageOf(signedBy(ada(), commitStatement(asAda(jobHash)))),
  );
  attackRaw("a bundle of another size than it says", (jobHash) => {
    const one = signed(jobHash);
    return { v: 1, signed: { ...one, bundle: { ...one.bundle, size: 2 } } };
  });
  attackRaw("a bundle with a field more", (jobHash) => ({
    v: 1,
    signed: { ...signed(jobHash), more: 1 },
  }));
  attackRaw("a statement with a field more", (jobHash) => {
    const one = signed(jobHash);
    return { v: 1, signed: { ...one, statements: [{ ...one.statements[0], more: 1 }] } };
  });
  attackRaw("a bundle of another version", (jobHash) => ({ v: 2, signed: signed(jobHash) }));
  attackRaw("a huge bundle", (jobHash) => {
    const text = JSON.stringify({ v: 1, signed: signed(jobHash) });
    return Buffer.from(text.padEnd(8 * resultBytesMax));
  });
  attackRaw(
    "a bundle of more statements than a message has",
    (jobHash) => {
      const statements = Array.from({ length: 201 }, () => commitStatement(asAda(jobHash)));
      return { v: 1, signed: signedBy(ada(), ...statements) };
    },
    commitSubject(adaNode),
  );
});

test("a refusal names the node and never what it said", () => {
  assert.ok(court.refused.length >= 38, `only ${court.refused.length} refusals`);
  for (const { code, what, id } of court.refused) {
    assert.match(code, /^[a-z][a-z-]+$/);
    assert.match(what, /^(report of node [a-z-]+|result of job [0-9a-f]{64}|cnct\.[a-z.-]+)$/);
    if (code !== "malformed-message") assert.match(id ?? "", /^[a-z]+-node$/);
  }
});
