/** A real validator's log is reviewed; then it is bent as a judging service could bend it. */
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { nativeProofs, nativeSha256 } from "../../../cli/native-proofs.ts";
import { native } from "../../../crypto/primitives-native.ts";
import { keyRules } from "../../../crypto/signatures.ts";
import type { NodeId } from "../../../domain/ids.ts";
import type { JobEvent, TaskStopped } from "../../../domain/job/events.ts";
import { prepareRevocation } from "../../../sdk/identity/changes.ts";
import { newIdentity } from "../../../sdk/identity/own-identity.ts";
import { type Steps, signedJob, specOf } from "../../../sdk/testing/receipts.ts";
import { BlobError } from "../../../streams/blob-store.ts";
import type { AnyEvent } from "../../../streams/codec.ts";
import type { RecordedEvent } from "../../../streams/event-store.ts";
import { identityStream, jobStream, ledgerStream, nodeStream } from "../../../streams/names.ts";
import { runBatch } from "../../../testing/batch-run.ts";
import { inlineComparer } from "../../../testing/inline-comparer.ts";
import { openAssuredCourt } from "../testing/assured.ts";
import { type Review, reviewVerdicts } from "./review.ts";

const review = (log: readonly RecordedEvent[]): Promise<Review> =>
  reviewVerdicts(log, {
    ...{ keyRules: keyRules(native), sha256: nativeSha256, comparer: inlineComparer },
    openResultTag: nativeProofs.openResultTag,
    blobs: { get: (digest) => Promise.reject(new BlobError("blob-unknown", `${digest}`)) },
  });
const liars: ReadonlySet<NodeId> = new Set(["eve", "mal"]);
const always = { standard: { epsilon: 0.01, auditFactor: 1_000, auditFloor: 1 } };

/** Three jobs: an honest node's, which is audited; a liar's, which convicts it; one of both. */
let honest: readonly RecordedEvent[];
before(async () => {
  const court = await openAssuredCourt({
    ...{ nodes: ["bob", "cyd", "eve", "mal"], arbiters: ["abe", "bea", "cal"] },
    answer: (nodeId) => (liars.has(nodeId) ? "a lie" : "the truth"),
    verification: { ...always, arbiters: ["abe", "bea", "cal"] },
  });
  try {
    for (const [n, nodes] of [["bob"], ["eve"], ["cyd", "mal"]].entries()) {
      await court.job(nodes);
      await court.until("JobCompleted", n + 1);
    }
    await court.until("NodeConvicted", 2);
    honest = await court.log();
  } finally {
    await court.close();
  }
});

const codesOf = async (log: readonly RecordedEvent[]) => {
  const { faults } = await review(log);
  return [...new Set(faults.map(({ code }) => code))];
};

test("an honest log: every verdict is given again, and is the same", async () => {
  const { faults, verdicts, matches, draws, results, convictions, waiting } = await review(honest);
  assert.deepEqual(faults, []);
  assert.equal(matches, verdicts);
  assert.deepEqual([draws, convictions, waiting], [3, 2, 0]);
  assert.equal(verdicts, 5, "three at the end of jobs, and two that ask for another arbiter");
  assert.ok(results >= 9);
});

/** Of these events alone, in their order. */
const numbered = (log: readonly RecordedEvent[]): readonly RecordedEvent[] => {
  const revisions = new Map<string, bigint>();
  return log.map((one, position) => {
    const revision = (revisions.get(one.stream) ?? -1n) + 1n;
    revisions.set(one.stream, revision);
    return { ...one, revision, position: BigInt(position) };
  });
};
const eventOf = ({ data }: RecordedEvent) => data as AnyEvent;
const recorded = (stream: string, data: AnyEvent): RecordedEvent => ({
  ...{ id: `${stream} ${data.type}`, stream, revision: 0n, position: 0n },
  ...{ type: data.type, data, metadata: { v: 1 }, recordedAt: data.at },
});
const jobs = () => honest.filter(({ type }) => type === "JobSubmitted").map(eventOf) as JobEvent[];
const ofJob = (n: number) => (one: RecordedEvent) =>
  one.stream === jobStream(jobs()[n]?.jobHash ?? "");
/** The first event of a type in the nth job, and where it stands. */
const find = (n: number, type: AnyEvent["type"]) => {
  const at = honest.findIndex((one) => ofJob(n)(one) && one.type === type);
  assert.ok(at >= 0, `job ${n} has a ${type}`);
  return { at, event: eventOf(honest[at] as RecordedEvent) as never };
};
const changed = (n: number, type: AnyEvent["type"], change: (event: never) => object) => {
  const { at, event } = find(n, type);
  const next = change(event) as AnyEvent;
  const with_ = { ...(honest[at] as RecordedEvent), type: next.type, data: next };
  return honest.with(at, with_);
};
const without = (isGone: (one: RecordedEvent) => boolean) => honest.filter((one) => !isGone(one));
const later = (ms: number): RecordedEvent => {
  const at = Math.max(...honest.map((one) => eventOf(one).at)) + ms;
  const machine = { slots: 1, backlog: 1, cpus: 1, memoryMb: 1, platform: "any", version: "1" };
  const capabilities = { apps: [{ app: "echo", executionClass: "plain@1" }], ...machine };
  const node = { nodeId: "dan", owner: "dan", capabilities };
  return recorded(nodeStream("dan"), { type: "NodeRegistered", ...node, at });
};
const finds = (code: string, name: string, log: () => readonly RecordedEvent[]) =>
  test(`${name}: ${code}`, async () => {
    const codes = await codesOf(log());
    assert.ok(codes.includes(code as never), `found ${codes}`);
  });

describe("a job that had a backup", () => {
  const { log } = runBatch({
    ...{ jobs: 20, nodes: 4 },
    tookMs: ({ jobHash, replica, attempt }) =>
      Number.parseInt(jobHash, 16) === 5 && replica === 0 && attempt === 1 ? Infinity : 1_000,
  });
  const at = log.findIndex(({ type }) => type === "TaskStopped");
  const stop = eventOf(log[at] as RecordedEvent) as TaskStopped;
  const { jobHash, replica, nodeId, amount } = stop;
  /** Its hashes are numbers, so that one can tell its jobs apart. */
  const codesIn = async (bent: readonly RecordedEvent[]) =>
    (await codesOf(numbered(bent))).filter((code) => code !== "job-hash-differs");
  const told = <Type extends AnyEvent["type"]>(type: Type) =>
    log
      .map(eventOf)
      .find((one) => one.type === type && "jobHash" in one && one.jobHash === jobHash) as
      | Extract<AnyEvent, { type: Type }>
      | undefined;
  const whole = (told("JobCompleted")?.accepted ?? []).map((one) => {
    return { ...one, awardId: `${one.replica}`, amount: told("JobSubmitted")?.spec.price ?? "" };
  });
  const part = { awardId: "aa".repeat(32), replica, nodeId, amount, stopped: true };
  const paid = (micro: string, to = nodeId): RecordedEvent =>
    paying([...whole, { ...part, amount: micro, nodeId: to }]);
  const paying = (awards: readonly object[]): RecordedEvent => {
    const rest = { client: "client:ada", refund: "0", at: stop.at };
    return recorded(ledgerStream, { type: "PointsAwarded", jobHash, awards, ...rest } as AnyEvent);
  };
  const bent = (change: Partial<TaskStopped>) =>
    log.with(at, { ...(log[at] as RecordedEvent), data: { ...stop, ...change } });

  test("is judged the same again, and its loser is paid what the verdict says", async () =>
    assert.deepEqual(await codesIn([...log, paid(amount)]), []));

  test("is found where its loser is to get more, is another, or is left out", async () => {
    assert.deepEqual(await codesIn(bent({ amount: "1000" })), ["verdict-differs"]);
    assert.deepEqual(await codesIn(bent({ ranMs: stop.ranMs + 1 })), ["verdict-differs"]);
    assert.deepEqual(await codesIn(log.toSpliced(at, 1)), ["verdict-differs"]);
  });

  test("is found where another part is paid, or to another node", async () => {
    assert.deepEqual(await codesIn([...log, paid("1000")]), ["award-unfounded"]);
    assert.deepEqual(await codesIn([...log, paid(amount, "node-x")]), ["award-unfounded"]);
    assert.deepEqual(await codesIn([...log, paying(whole)]), ["award-missing"]);
    assert.deepEqual(await codesIn([...log, paying([part])]), ["award-missing"]);
  });
});

describe("a verdict that does not follow is found:", () => {
  finds("verdict-differs", "a wrong result accepted, the right ones rejected", () => {
    const flipped = { ResultAccepted: "ResultRejected", ResultRejected: "ResultAccepted" } as const;
    return honest.map((one) => {
      const type = flipped[one.type as keyof typeof flipped];
      return type && ofJob(2)(one) ? { ...one, type, data: { ...eventOf(one), type } } : one;
    });
  });
  finds("verdict-differs", "another output", () =>
    changed(2, "JobCompleted", (event: object) => ({ ...event, outputDigest: "ab".repeat(32) })),
  );
  finds("verdict-differs", "a conviction left out of it", () =>
    changed(1, "ResultRejected", ({ convicted: _, ...event }: { convicted: true }) => event),
  );
  finds("verdict-differs", "by a policy that was not in force", () =>
    changed(0, "JobCompleted", (event: { assurance: object }) => {
      return { ...event, assurance: { ...event.assurance, policy: 1 } };
    }),
  );
  finds("verdict-differs", "with a trust that its node had not earned yet", () =>
    changed(0, "ResultAccepted", (event: object) => ({ ...event, survived: 7 })),
  );
  finds("verdict-unfounded", "said twice", () => [
    ...honest,
    ...honest.filter((one) => ofJob(2)(one) && /Accepted|Rejected|Completed/.test(one.type)),
  ]);
  const failedAs = (reason: string) => () => {
    const { at } = find(0, "AuditDrawn");
    const { jobHash = "" } = jobs()[0] ?? {};
    const failed = recorded(jobStream(jobHash), { type: "JobFailed", jobHash, reason, at: 0 });
    return [...honest.slice(0, at), failed];
  };
  finds("failure-unfounded", "a job that fails for its input", failedAs("bad-image"));
  finds("failure-unfounded", "a job that fails before its deadline", failedAs("deadline-passed"));
  finds("draw-missing", "a job that fails before its lottery", failedAs("no-quorum"));
  const counted = (asOf: number | undefined) =>
    changed(0, "JobCompleted", (event: { assurance: object }) => {
      return { ...event, assurance: { ...event.assurance, asOf } };
    });
  finds("verdict-differs", "with nodes counted before their results", () => counted(0));
  finds("verdict-differs", "with nodes counted in the future", () => counted(honest.length));
  test("a log of the time when that was not said is read all the same", async () => {
    const old = honest.map((one) => {
      const { asOf: _, ...event } = eventOf(one) as { asOf?: number; assurance?: object };
      const { assurance } = event;
      return {
        ...one,
        data: assurance ? { ...event, assurance: { ...assurance, asOf: undefined } } : event,
      };
    });
    // Beacons may cover these events: of them nobody can take anything away unseen.
    const codes = await codesOf(old);
    assert.deepEqual(
      codes.filter((code) => code !== "beacon-differs"),
      [],
    );
    const { matches, untold, verdicts } = await review(old);
    assert.equal(matches + untold, verdicts);
  });
  finds("verdict-missing", "none at all for a minute", () => [
    ...without((one) => ofJob(2)(one) && /Accepted|Rejected|Completed/.test(one.type)),
    later(61_000),
  ]);
  test("none for a moment is no fault, but waits", async () => {
    const { at } = find(2, "JobCompleted");
    const cut = numbered(honest.slice(0, at).filter(({ type }) => !/Accepted|Rejected/.test(type)));
    const { waiting } = await review([...cut, later(1_000)]);
    assert.equal(waiting, 1);
  });
});

describe("a check that was due and is missing, or was added, is found:", () => {
  finds("draw-missing", "an audit that was never drawn", () =>
    without((one) => ofJob(0)(one) && one.type === "AuditDrawn"),
  );
  finds("draw-missing", "a lottery that nobody holds", () => [
    ...honest.slice(0, find(0, "AuditDrawn").at),
    later(61_000),
  ]);
  finds("draw-differs", "an audit that was drawn away", () =>
    changed(0, "AuditDrawn", (event: { draws: readonly object[] }) => {
      return { ...event, draws: event.draws.map((draw) => ({ ...draw, audited: false })) };
    }),
  );
  finds("draw-unfounded", "a lottery held twice", () => {
    const { at } = find(0, "AuditDrawn");
    return honest.toSpliced(at, 0, honest[at] as RecordedEvent);
  });
  const isOfArbiter = (one: RecordedEvent) =>
    ofJob(0)(one) && (eventOf(one) as { replica?: number }).replica === 1;
  finds("check-missing", "an arbiter who was due and never asked", () => without(isOfArbiter));
  finds("check-missing", "an arbiter whose answer nobody waited for", () =>
    without((one) => isOfArbiter(one) && one.type !== "TaskAssigned"),
  );
  finds("check-added", "an arbiter whom no rule asked for", () => {
    const { at } = find(0, "AuditDrawn");
    return without((one) => ofJob(0)(one) && one.type === "AuditDrawn").slice(0, at + 1);
  });
  finds("arbiter-unlisted", "an arbiter whom the policy does not list", () =>
    honest.map((one) =>
      one.type === "NodeRegistered" && one.stream === nodeStream("abe")
        ? { ...one, data: { ...eventOf(one), owner: "a-stranger" } }
        : one,
    ),
  );
});

describe("what follows from verdicts must follow:", () => {
  const proof = (nodeId: NodeId) => {
    const { jobHash = "" } = jobs()[0] ?? {};
    const event = { type: "NodeConvicted", nodeId, jobHash, replica: 0, reason: "forged", at: 0 };
    return recorded(nodeStream(nodeId), event as AnyEvent);
  };
  finds("conviction-unfounded", "a forged conviction", () => [...honest, proof("bob")]);
  finds("conviction-missing", "a convict who stays", () => [
    ...without(({ type }) => type === "NodeConvicted"),
    later(61_000),
  ]);
  /** All that the job's end accepted, and this one, or instead of it. */
  const paid = (nodeId: NodeId, replica: number, amount: string, leftOut?: NodeId) => {
    const { jobHash = "" } = jobs()[2] ?? {};
    const end = find(2, "JobCompleted").event as Extract<AnyEvent, { type: "JobCompleted" }>;
    const others = end.accepted.filter((one) => one.replica !== replica);
    const awards = [
      ...others.filter((one) => one.nodeId !== leftOut).map((one) => ({ ...one, amount: "100" })),
      { replica, nodeId, amount },
    ].map((one) => ({ ...one, awardId: `${one.replica}` }));
    const rest = { client: "client:ada", refund: "0", at: 0 };
    return recorded(ledgerStream, { type: "PointsAwarded", jobHash, awards, ...rest });
  };
  finds("award-unfounded", "an award for a rejected result", () => [
    ...honest,
    paid("mal", 1, "100"),
  ]);
  finds("award-unfounded", "an award above the price", () => [...honest, paid("cyd", 0, "101")]);
  test("an award for an accepted result is none", async () =>
    assert.deepEqual(await codesOf([...honest, paid("cyd", 0, "100")]), []));
  finds("award-missing", "an award that is left out", () => {
    const { accepted } = find(2, "JobCompleted").event as Extract<
      AnyEvent,
      { type: "JobCompleted" }
    >;
    const arbiter = accepted.find((one) => one.arbiter)?.nodeId ?? "";
    return [...honest, paid("cyd", 0, "100", arbiter)];
  });
  finds("award-missing", "a completed job that is refunded", () => {
    const { jobHash = "" } = jobs()[2] ?? {};
    const rest = { client: "client:ada", amount: "100", reason: "completed", at: 0 };
    return [...honest, recorded(ledgerStream, { type: "JobRefunded", jobHash, ...rest })];
  });
  finds("penalty-unfounded", "the bond of a node that nobody convicted", () => {
    const slashed = { nodeId: "bob", amount: "1", reason: "forged", at: 0 };
    return [...honest, recorded(ledgerStream, { type: "BondSlashed", ...slashed })];
  });
  finds("reopening-unfounded", "a job opened again for nothing", () => {
    const { jobHash = "" } = jobs()[0] ?? {};
    const again = { jobHash, convicts: ["bob"], deadlineAt: 0, fundedAt: 0, at: 0 };
    return [...honest, recorded(jobStream(jobHash), { type: "JobReopened", ...again })];
  });
});

describe("what nodes signed", () => {
  /** A log of two nodes of identities that compute one job. */
  const signedLog = (steps: Steps = {}, bend: (data: never) => void = () => undefined) => {
    const { file, owners } = signedJob(specOf({ commit: true }), steps);
    const { events, identities } = file();
    const nodes = ["ada-node", "bob-node"].map((nodeId, n): RecordedEvent => {
      const machine = { apps: [], slots: 1, backlog: 1, cpus: 1, memoryMb: 1 };
      const capabilities = { ...machine, platform: "linux-x64", version: "1" };
      const node = { nodeId, owner: owners[n]?.id ?? "", capabilities };
      return recorded(nodeStream(nodeId), { type: "NodeRegistered", ...node, at: 0 });
    });
    const logged = [...Object.values(identities).flat(), ...events].sort(
      (a, b) => Number(a.position) - Number(b.position),
    );
    const rest = logged.map(({ data }) => {
      const event = data as AnyEvent;
      if (event.type === "ResultReceived" && event.replica === 0) bend(event as never);
      const stream =
        "jobHash" in event
          ? jobStream(event.jobHash)
          : identityStream((event as { id: string }).id);
      return recorded(stream, event);
    });
    return numbered([...nodes, ...rest]);
  };
  type Received = { receipt?: { signature: string; worker: string }; resultTag: string };

  test("is good as it was signed", async () => {
    const { faults, results, unsigned } = await review(signedLog());
    assert.deepEqual([faults, results, unsigned], [[], 2, 0]);
  });
  finds("result-unsigned", "without a signature", () =>
    signedLog({}, (event: Received) => delete event.receipt),
  );
  finds("signature-wrong", "with another one", () =>
    signedLog({}, ({ receipt }: Required<Received>) => {
      receipt.signature = receipt.signature.replace(/^./, (it) => (it === "0" ? "1" : "0"));
    }),
  );
  finds("receipt-of-another-worker", "by somebody else", () =>
    signedLog({}, ({ receipt }: Required<Received>) => {
      receipt.worker = newIdentity({ roles: ["worker"] }, native).id;
    }),
  );
  finds("result-unfounded", "and is not what it was bound to", () =>
    signedLog({}, (event: { salt: string }) => {
      event.salt = "00".repeat(32);
    }),
  );
  finds("tag-of-another-output", "with the tag of another output", () =>
    signedLog({}, (event: { outputDigest: string }) => {
      event.outputDigest = "ab".repeat(32);
    }),
  );
  finds("identity-revoked", "after its identity had ended", () =>
    signedLog({
      beforeAnswered: ({ put }, [owner]) => {
        assert.ok(owner);
        const { statement, signature } = prepareRevocation(owner, "retired");
        put({ ...statement, ...{ signature, at: 0 } });
      },
    }),
  );
  finds("identity-false", "by an identity that does not prove itself", () =>
    signedLog().map((one) =>
      one.type === "IdentityRegistered"
        ? { ...one, data: { ...eventOf(one), signature: "00".repeat(64) } }
        : one,
    ),
  );
});
