/**
 * Random lives of awards that are held: jobs end, nodes are convicted, time passes, jobs that were
 * opened again end once more, and what was said long ago is said again. Every entry is held against the
 * invariants of the log, which share no code with the ledger. Mutants show that a fault would be noticed.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { noon } from "../../testing/given.ts";
import {
  checkEntry,
  checkSums,
  emptyBooks,
  type PaidJob,
} from "../../testing/ledger-invariants.ts";
import { escrowAccount } from "../ids.ts";
import type { LedgerEvent } from "./events.ts";
import {
  type Accepted,
  decideLedger,
  dueAwards,
  emptyLedger,
  evolveLedger,
  faultOf,
  type LedgerCommand,
  rememberMs,
} from "./ledger.ts";

interface Books {
  readonly decide: typeof decideLedger;
  readonly evolve: typeof evolveLedger;
}
const honest: Books = { decide: decideLedger, evolve: evolveLedger };

const actor = "service:rewards";
const client = "client:ada";
const nodes = ["bob", "cyd", "dan", "eve"] as const;
const holdMs = 60_000;
const bondAwards = 2;
const price = "10";

interface Step {
  readonly kind: "job" | "settle" | "convict" | "retire" | "end" | "wait" | "stale";
  readonly nodes: readonly number[];
  readonly arbiter: boolean;
  readonly ms: number;
}
const steps = fc.array(
  fc.record<Step>({
    kind: fc.constantFrom(
      ...(["job", "job", "job", "job", "settle", "settle", "convict"] as const),
      ...(["retire", "end", "wait", "wait", "stale"] as const),
    ),
    nodes: fc.uniqueArray(fc.nat({ max: nodes.length - 1 }), { minLength: 1, maxLength: 3 }),
    arbiter: fc.boolean(),
    ms: fc.constantFrom(1, holdMs / 2, holdMs - 1, holdMs, rememberMs * 3),
  }),
  { minLength: 30, maxLength: 80 },
);

type Job = PaidJob & { ended: string | undefined; accepted: Set<string> };

const reached = new Map<string, number>();

const run = ({ decide, evolve }: Books, drawn: readonly Step[]): void => {
  const ledger = emptyLedger();
  const trace = emptyBooks();
  const jobs = new Map<string, Job>();
  const faults: string[] = [];
  /** How many awards each bond is made of, counted from the entries alone. */
  const bonded = new Map<string, number>();
  const releases: LedgerCommand[] = [];
  let now = noon;
  let made = 0;

  const check = (event: LedgerEvent): void => {
    checkEntry(event, trace, jobs, (sentence) => faults.push(sentence));
    checkSums(trace, (sentence) => faults.push(sentence));
    assert.deepEqual(faults, []);
    reached.set(event.type, (reached.get(event.type) ?? 0) + 1);
    if (event.type === "BondSlashed" || event.type === "BondReturned") bonded.delete(event.nodeId);
    if (event.type !== "AwardsSettled") return;
    for (const { nodeId, amount, bond } of event.settled) {
      const count = bonded.get(nodeId) ?? 0;
      assert.ok(bond === "0" || bond === amount);
      if (bond !== "0") bonded.set(nodeId, count + 1);
      assert.ok(count < bondAwards || bond === "0", `the bond of ${nodeId} is too large`);
    }
  };

  const say = (command: LedgerCommand): readonly LedgerEvent[] => {
    const decision = decide(command, ledger);
    const events = decision.ok ? decision.events : [];
    for (const event of events) {
      const audited = event.type === "AwardsSettled" ? auditedIn(event) : [];
      evolve(ledger, event);
      check(event);
      assert.equal(faultOf(ledger), undefined);
      for (const [account, balance] of trace.balances)
        assert.equal(ledger.balances.get(account) ?? 0n, balance, `the balance of ${account}`);
      for (const [nodeId, isBond] of audited)
        assert.ok(isBond || (bonded.get(nodeId) ?? 0) >= bondAwards, `${nodeId} lost a bond`);
    }
    const again = decide(command, ledger);
    if (command.type !== "VoidAwards" || events.length === 0)
      assert.deepEqual(again.ok ? again.events : [], [], `${command.type} was said twice`);
    return events;
  };
  /** Whose audited awards are settled, and whether into the bond. */
  const auditedIn = ({ settled }: Extract<LedgerEvent, { type: "AwardsSettled" }>) =>
    settled
      .filter(({ awardId }) => trace.held.get(awardId)?.audited)
      .map(({ nodeId, bond }) => [nodeId, bond !== "0"] as const);

  const release = (jobHash: string, accepted: readonly Accepted[], round: number): void => {
    const job = jobs.get(jobHash) as Job;
    const by = { jobHash, actor, now, round };
    job.ended = accepted.length > 0 ? "JobCompleted" : "JobFailed";
    for (const { replica, nodeId } of accepted) job.accepted.add(`${replica} ${nodeId}`);
    const isAudited = accepted.some(({ arbiter }) => arbiter);
    const hold = { jobs: 5, ms: holdMs, reopens: !isAudited };
    const command: LedgerCommand =
      accepted.length > 0
        ? { type: "AwardPoints", ...by, price, accepted, hold }
        : { type: "RefundJob", ...by, reason: "no-quorum" };
    releases.push(command);
    assert.ok(say(command).length > 0, `${command.type} moved nothing`);
  };

  const takeStep = ({ kind, nodes: drawnNodes, arbiter, ms }: Step): void => {
    const nodeId = nodes[drawnNodes[0] ?? 0] as string;
    const by = { nodeId, actor, now };
    switch (kind) {
      case "wait":
        now += ms;
        return;
      case "job": {
        const jobHash = (++made).toString(16).padStart(64, "0");
        const open = { spec: { price }, ended: undefined, funded: false, released: false };
        jobs.set(jobHash, { ...open, accepted: new Set(), stopped: new Map() });
        const deadlineAt = now + holdMs;
        say({ type: "FundJob", jobHash, client, amount: "60", deadlineAt, actor, now });
        const ordinary = drawnNodes.map((node, replica): Accepted => {
          const accepted = { replica, nodeId: nodes[node] as string };
          return arbiter ? { ...accepted, audited: true } : accepted;
        });
        const judge: Accepted = { replica: 9, nodeId: "judge", arbiter: true };
        release(jobHash, arbiter ? [...ordinary, judge] : ordinary, 0);
        return;
      }
      case "settle": {
        const awards = dueAwards(ledger.holds, now, 10);
        say({ type: "SettleAwards", awards, bondAwards, actor, now });
        // Also those whose window is open: the whole command is refused, or a mutant is found.
        const all = [...ledger.holds.awards.keys()];
        say({ type: "SettleAwards", awards: all, bondAwards, actor, now });
        return;
      }
      case "convict":
        say({ type: "VoidAwards", ...by, reason: "wrong-result" });
        say({ type: "SlashBond", ...by, reason: "wrong-result" });
        return;
      case "retire":
        say({ type: "ReturnBond", ...by });
        return;
      case "end":
        for (const [jobHash, { open, round }] of ledger.escrows) {
          if (!open) continue;
          const judge: Accepted = { replica: 9, nodeId: "judge", arbiter: true };
          release(jobHash, arbiter ? [judge] : [], round);
        }
        return;
      case "stale":
        for (const command of releases) {
          const decision = decide({ ...command, now }, ledger);
          assert.deepEqual(decision.ok ? decision.events : [], [], "an old end was paid again");
        }
        return;
    }
  };

  const gift = { transferId: "g", account: client, amount: "1000000", reason: "gift" };
  say({ type: "IssuePoints", ...gift, actor, now });
  for (const step of drawn) takeStep(step);
  for (const [jobHash, { released }] of jobs)
    if (released) assert.equal(ledger.balances.has(escrowAccount(jobHash)), false);
};

const property = (books: Books) => fc.property(steps, (drawn) => run(books, drawn));

test("held awards end once, in time, and in the right account, under any sequence of commands", () => {
  fc.assert(property(honest), { numRuns: 250 });
  const types = ["AwardsSettled", "AwardsVoided", "BondReturned", "BondSlashed", "JobRefunded"];
  for (const type of types) assert.ok((reached.get(type) ?? 0) > 20, `hardly any ${type}`);
});

describe("the properties of held awards notice", () => {
  const mutants: Readonly<Record<string, Books>> = {
    "an award that can be voided twice": {
      ...honest,
      evolve: (ledger, event) => {
        const { byNode } = ledger.holds;
        const kept =
          event.type === "AwardsVoided" ? new Set(byNode.get(event.nodeId) ?? []) : undefined;
        evolveLedger(ledger, event);
        if (event.type === "AwardsVoided" && kept) byNode.set(event.nodeId, kept);
      },
    },
    "a settlement inside the hold window": {
      ...honest,
      decide: (command, ledger, sha256) => {
        if (command.type !== "SettleAwards") return decideLedger(command, ledger, sha256);
        const decision = decideLedger({ ...command, now: command.now + 1_000 }, ledger, sha256);
        if (!decision.ok) return decision;
        return { ...decision, events: decision.events.map((one) => ({ ...one, at: command.now })) };
      },
    },
    "a bond that is lost on its way": {
      ...honest,
      evolve: (ledger, event) => {
        evolveLedger(ledger, event);
        if (event.type !== "AwardsSettled") return;
        for (const { nodeId, bond } of event.settled)
          if (bond !== "0") ledger.balances.set(`bond:${nodeId}`, 0n);
      },
    },
    "an audited award that its node may spend at once": {
      ...honest,
      decide: (command, ledger, sha256) =>
        command.type === "SettleAwards"
          ? decideLedger({ ...command, bondAwards: 0 }, ledger, sha256)
          : decideLedger(command, ledger, sha256),
    },
    "an old end that counts for a job that was opened again": {
      ...honest,
      decide: (command, ledger, sha256) => {
        if (command.type !== "AwardPoints" && command.type !== "RefundJob")
          return decideLedger(command, ledger, sha256);
        const round = ledger.escrows.get(command.jobHash)?.round ?? 0;
        // Replica numbers are not looked at either, or the first award would be its own fence.
        const escrow = ledger.escrows.get(command.jobHash);
        if (escrow) ledger.escrows.set(command.jobHash, { ...escrow, held: undefined });
        const decision = decideLedger({ ...command, round }, ledger, sha256);
        if (escrow) ledger.escrows.set(command.jobHash, escrow);
        return decision;
      },
    },
    "a job that is forgotten while its award is held": {
      ...honest,
      evolve: (ledger, event) => {
        evolveLedger(ledger, event);
        for (const [jobHash, { open, forgetAt }] of ledger.escrows)
          if (!open && forgetAt <= event.at) ledger.escrows.delete(jobHash);
      },
    },
    "a conviction that leaves the bond": {
      ...honest,
      evolve: (ledger, event) =>
        evolveLedger(ledger, event.type === "BondSlashed" ? { ...event, amount: "0" } : event),
    },
  };
  for (const [fault, mutant] of Object.entries(mutants))
    test(fault, () => {
      const { failed } = fc.check(property(mutant), { numRuns: 250, endOnFailure: true });
      assert.ok(failed, "the planted fault was not found");
    });
});
