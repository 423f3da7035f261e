/**
 * Random commands against the ledger, held against a reference that never forgets and counts every
 * balance from the list of all transfers. Mutants show that a fault would be noticed.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { noon } from "../../testing/given.ts";
import type { LedgerEvent } from "./events.ts";
import {
  decideLedger,
  emptyLedger,
  evolveLedger,
  faultOf,
  type Ledger,
  type LedgerCommand,
  rememberMs,
} from "./ledger.ts";

interface Books {
  readonly decide: typeof decideLedger;
  readonly evolve: typeof evolveLedger;
}
const honest: Books = { decide: decideLedger, evolve: evolveLedger };

const hashes = Array.from({ length: 12 }, (_, n) => n.toString(16).repeat(64));
const accounts = ["client:ada", "client:bob", "node:cyd", "issuance", `escrow:${hashes[0]}`];
const nodes = ["bob", "cyd", "dan", "eve"];
const lifeMs = 100_000;
const actor = "service:rewards";

interface Step {
  readonly kind: "issue" | "fund" | "award" | "refund" | "wait";
  readonly n: number;
  readonly account: number;
  readonly amount: number;
  readonly accepted: readonly number[];
  /** Who was stopped, and what it is to get beside the price. */
  readonly stopped: readonly { readonly node: number; readonly off: number }[];
  readonly ms: number;
}
const steps = fc.array(
  fc.record<Step>({
    kind: fc.constantFrom("issue", "fund", "fund", "fund", "award", "award", "refund", "wait"),
    n: fc.nat({ max: hashes.length - 1 }),
    account: fc.constantFrom(0, 0, 0, 0, 0, 1, 1, 2, 3, 4),
    amount: fc.constantFrom(0, 1, 5, 5, 5, 20, 900),
    accepted: fc.array(fc.nat({ max: nodes.length - 1 }), { maxLength: 3 }),
    stopped: fc.array(
      fc.record({
        node: fc.nat({ max: nodes.length - 1 }),
        off: fc.constantFrom(0, 0, -1, -1, -2, 1),
      }),
      { maxLength: 1 },
    ),
    ms: fc.constantFrom(1, lifeMs - 1, lifeMs, rememberMs, lifeMs + rememberMs),
  }),
  { minLength: 40, maxLength: 120 },
);

/** What really happened, kept in full. */
interface Reference {
  readonly transfers: { readonly from: string; readonly to: string; readonly amount: number }[];
  readonly issues: Map<string, string>;
  readonly deadlines: Map<string, number>;
  readonly jobs: Map<string, { client: string; funded: number; release: "" | "award" | "refund" }>;
}

const balance = ({ transfers }: Reference, account: string): number =>
  transfers.reduce(
    (sum, { from, to, amount }) =>
      sum + (to === account ? amount : 0) - (from === account ? amount : 0),
    0,
  );

/** What an honest clerk would do: the transfers of the entry, "" for none, or "refused". */
const clerk = (books: Reference, command: LedgerCommand): string => {
  const line = (from: string, to: string, amount: number): string => {
    if (amount > 0) books.transfers.push({ from, to, amount });
    return amount > 0 ? `${from}>${to}:${amount};` : "";
  };
  switch (command.type) {
    case "IssuePoints": {
      const { transferId, account, amount } = command;
      const said = books.issues.get(transferId);
      if (said !== undefined) return said === `${account}/${amount}` ? "repeat" : "refused";
      if (/^(issuance|escrow)/.test(account) || amount === "0") return "refused";
      books.issues.set(transferId, `${account}/${amount}`);
      return line("issuance", account, Number(amount));
    }
    case "FundJob": {
      const { jobHash, client, amount, deadlineAt, now } = command;
      const known = books.jobs.get(jobHash);
      // Far after the deadline a repeat may be refused as overdue: either way nothing is moved.
      if (known && now >= deadlineAt + rememberMs && known.release !== "") return "nothing";
      if (known)
        return known.client === client && known.funded === Number(amount) ? "repeat" : "refused";
      if (/^(issuance|escrow)/.test(client)) return "refused";
      if (now >= deadlineAt || balance(books, client) < Number(amount)) return "refused";
      books.jobs.set(jobHash, { client, funded: Number(amount), release: "" });
      return line(client, `escrow:${jobHash}`, Number(amount));
    }
    case "AwardPoints":
    case "RefundJob": {
      const { jobHash, now } = command;
      const known = books.jobs.get(jobHash);
      const wanted = command.type === "RefundJob" ? "refund" : "award";
      if (!known) return "refused";
      if (known.release !== "") {
        const forgettable = now >= (books.deadlines.get(jobHash) ?? 0) + rememberMs;
        return forgettable ? "nothing" : known.release === wanted ? "repeat" : "refused";
      }
      const escrow = `escrow:${jobHash}`;
      const back = (rest: number): string => {
        known.release = wanted;
        return line(escrow, known.client, rest);
      };
      if (command.type === "RefundJob") return back(known.funded);
      const { accepted, stopped = [], price } = command;
      const parts = stopped.map(({ amount }) => Number(amount));
      if (parts.some((part) => part < 0 || part > Number(price))) return "refused";
      const paid = parts.reduce((sum, part) => sum + part, Number(price) * accepted.length);
      const all = [...accepted, ...stopped];
      const distinct = new Set(all.map(({ nodeId }) => nodeId)).size === all.length;
      if (accepted.length === 0 || !distinct || paid > known.funded) return "refused";
      const legs = accepted.map(({ nodeId }) => line(escrow, `node:${nodeId}`, Number(price)));
      for (const { nodeId, amount } of stopped)
        legs.push(line(escrow, `node:${nodeId}`, Number(amount)));
      return legs.join("") + back(known.funded - paid);
    }
    default:
      throw new Error(`${command.type} is tried in holds.property.test.ts`);
  }
};

const commandFor = (step: Step, books: Reference, now: number): LedgerCommand | undefined => {
  const { n, amount: number } = step;
  const jobHash = hashes[n] as string;
  const account = accounts[step.account] as string;
  const by = { actor, now };
  const amount = `${number}`;
  switch (step.kind) {
    case "issue":
      return { type: "IssuePoints", transferId: `t${n}`, account, amount, reason: "gift", ...by };
    case "fund": {
      // A job's deadline is fixed at its submission, and so is its client, mostly.
      const deadlineAt = books.deadlines.get(jobHash) ?? now + lifeMs;
      books.deadlines.set(jobHash, deadlineAt);
      return { type: "FundJob", jobHash, client: account, amount, deadlineAt, ...by };
    }
    case "award": {
      const accepted = step.accepted.map((node) => ({
        replica: node,
        nodeId: nodes[node] as string,
      }));
      const stopped = step.stopped.map(({ node, off }) => ({
        replica: node,
        nodeId: nodes[node] as string,
        amount: `${number + off}`,
      }));
      return { type: "AwardPoints", jobHash, price: amount, accepted, stopped, ...by };
    }
    case "refund":
      return { type: "RefundJob", jobHash, reason: "failed", ...by };
    case "wait":
      return undefined;
  }
};

const reached = new Map<string, number>();
let commands = 0;
let forgotten = 0;

const run = (books: Books, drawn: readonly Step[]): void => {
  const ledger: Ledger = emptyLedger();
  const reference: Reference = {
    transfers: [],
    issues: new Map(),
    deadlines: new Map(),
    jobs: new Map(),
  };
  const log: LedgerEvent[] = [];
  let now = noon;
  for (const step of drawn) {
    if (step.kind === "wait") now += step.ms;
    const command = commandFor(step, reference, now);
    if (!command) continue;
    commands++;
    const before = reference.transfers.length;
    const expected = clerk(reference, command);
    const decision = books.decide(command, ledger);
    const events = decision.ok ? decision.events : [];
    for (const event of events) {
      books.evolve(ledger, event);
      log.push(event);
      reached.set(event.type, (reached.get(event.type) ?? 0) + 1);
      assert.equal(faultOf(ledger), undefined);
    }
    assert.equal(ledger.entries, log.length);
    if (expected === "refused") assert.equal(decision.ok, false, `${command.type} was accepted`);
    else if (expected === "repeat") assert.deepEqual(decision, { ok: true, events: [] });
    else if (expected === "nothing") assert.equal(events.length, 0, `${command.type} moved points`);
    else {
      assert.equal(events.length, 1, `${command.type} was refused`);
      assert.deepEqual(books.decide(command, ledger), { ok: true, events: [] }, "said twice");
    }
    const moved = reference.transfers.slice(before);
    for (const account of new Set(moved.flatMap(({ from, to }) => [from, to])))
      assert.equal(
        ledger.balances.get(account) ?? 0n,
        BigInt(balance(reference, account)),
        `the balance of ${account} after ${command.type}`,
      );
  }
  const awardIds = log.flatMap((event) =>
    event.type === "PointsAwarded" ? event.awards.map((one) => one.awardId) : [],
  );
  assert.equal(new Set(awardIds).size, awardIds.length, "an award id was used twice");
  forgotten += reference.jobs.size - ledger.escrows.size;
};

const property = (books: Books) => fc.property(steps, (drawn) => run(books, drawn));

test("the books stay right under any sequence of commands", () => {
  fc.assert(property(honest), { numRuns: 800 });
  assert.ok(commands >= 20_000, `only ${commands} commands were tried`);
  const types = ["JobFunded", "JobRefunded", "PointsAwarded", "PointsIssued"];
  assert.deepEqual([...reached.keys()].sort(), types);
  assert.ok(forgotten > 50, `only ${forgotten} escrows were forgotten`);
});

describe("the properties of the books notice", () => {
  const mutants: Readonly<Record<string, Books>> = {
    "a release that leaves the escrow open": {
      ...honest,
      evolve: (ledger, event) => {
        evolveLedger(ledger, event);
        if (event.type !== "PointsAwarded") return;
        const escrow = ledger.escrows.get(event.jobHash);
        if (escrow)
          ledger.escrows.set(event.jobHash, { ...escrow, open: true, closedBy: undefined });
      },
    },
    "a point that vanishes": {
      ...honest,
      evolve: (ledger, event) => {
        evolveLedger(ledger, event);
        if (event.type !== "PointsAwarded" || event.refund === "0") return;
        const { client } = event;
        ledger.balances.set(client, (ledger.balances.get(client) ?? 0n) - 1n);
      },
    },
    "an overdraft of one": {
      ...honest,
      decide: (command, ledger) => {
        if (command.type !== "FundJob") return decideLedger(command, ledger);
        const balances = new Map(ledger.balances);
        balances.set(command.client, (balances.get(command.client) ?? 0n) + 1n);
        return decideLedger(command, { ...ledger, balances });
      },
    },
    "escrows that are forgotten when they close": {
      ...honest,
      evolve: (ledger, event) => {
        evolveLedger(ledger, event);
        for (const [jobHash, { open }] of ledger.escrows) if (!open) ledger.escrows.delete(jobHash);
      },
    },
    "a part that is paid out of nothing": {
      ...honest,
      decide: (command, ledger) => {
        const decision = decideLedger(command, ledger);
        if (!decision.ok || command.type !== "AwardPoints") return decision;
        const parts = (command.stopped ?? []).reduce((sum, { amount }) => sum + Number(amount), 0);
        const events = decision.events.map((event) =>
          event.type === "PointsAwarded"
            ? { ...event, refund: `${Number(event.refund) + parts}` }
            : event,
        );
        return { ...decision, events };
      },
    },
    "a part above the price": {
      ...honest,
      decide: (command, ledger) => {
        if (command.type !== "AwardPoints") return decideLedger(command, ledger);
        const stopped = command.stopped?.map((one) => ({
          ...one,
          amount: `${Math.min(Number(one.amount), Number(command.price))}`,
        }));
        return decideLedger({ ...command, ...(stopped ? { stopped } : {}) }, ledger);
      },
    },
    "a refund to the wrong client": {
      ...honest,
      evolve: (ledger, event) => {
        const wrong = event.type === "JobRefunded" ? { ...event, client: "client:bob" } : event;
        evolveLedger(ledger, wrong);
      },
    },
  };
  for (const [fault, mutant] of Object.entries(mutants))
    test(fault, () => {
      const { failed } = fc.check(property(mutant), { numRuns: 800, endOnFailure: true });
      assert.ok(failed, "the planted fault was not found");
    });
});
