/**
 * Pays the debts: the one writer of the ledger. Everything that is owed while an append is under way
 * goes together into the next one. The fence is the expected revision: if anybody else ever writes,
 * the ledger is folded anew before the next entry.
 */
import type { Instant } from "../../domain/decider.ts";
import type { Sha256 } from "../../domain/hashing.ts";
import type { JobHash } from "../../domain/ids.ts";
import type { LedgerEvent } from "../../domain/ledger/events.ts";
import {
  decideLedger,
  emptyLedger,
  evolveLedger,
  type Ledger,
  type LedgerCommand,
} from "../../domain/ledger/ledger.ts";
import type { MicroPointsText } from "../../domain/points.ts";
import { type Clock, sleep } from "../../streams/clock.ts";
import { decode, encode } from "../../streams/codec.ts";
import type { EventIds } from "../../streams/event-ids.ts";
import type { EventStore, NewEvent } from "../../streams/event-store.ts";
import { ledgerStream } from "../../streams/names.ts";
import { type Fact, type Listener, serviceActor } from "../facts.ts";
import type { JobBook } from "../job-book.ts";
import { createPolicyBook } from "../policy.ts";
import { createHeldAwards } from "./held-awards.ts";
import { createDebts, type Debt } from "./rewards.ts";

const actor = serviceActor("rewards");
/** Jobs in one append … */
const batchMax = 500;
/** … and awards: a held one takes some 220 bytes, and an append a mebibyte. */
const awardsMax = 2_000;
const retryMs = 200;
const hourMs = 3_600_000;

export interface RunningRewards extends Listener {
  /** `held`: awards whose hold window is open. */
  counts(): { readonly owed: number; readonly entries: number; readonly held: number };
  close(): Promise<void>;
}

/**
 * @param grant - What a client gets the first time it submits a job; "0" for nothing.
 * @param grantsPerHour - So many clients get it within an hour, of all that come: identities cost
 *   nothing to make, and points are to be worth something. Whoever comes too late gets it with a later
 *   job; this one is rejected if it costs anything.
 */
export const runRewards = ({
  store,
  ids,
  book,
  clock,
  sha256,
  grant,
  grantsPerHour = Number.POSITIVE_INFINITY,
  onTrouble,
}: {
  readonly store: EventStore;
  readonly ids: EventIds;
  readonly book: JobBook;
  readonly clock: Clock;
  readonly sha256: Sha256;
  readonly grant: MicroPointsText;
  readonly grantsPerHour?: number;
  readonly onTrouble: (what: string, error: unknown) => void;
}): RunningRewards => {
  const debts = createDebts();
  const policies = createPolicyBook();
  let ledger = emptyLedger();
  const held = createHeldAwards({
    ...{ clock, actor, onTrouble },
    ledger: () => ledger,
    bondAwards: () => policies.current().verification.bondAwards,
  });
  let owed = new Set<JobHash>();
  let live = false;
  let closed = false;
  let paying: Promise<void> | undefined;
  /** The ledger holds entries that were decided and never written. */
  let isStale = false;

  const hearEntry = (into: Ledger, event: LedgerEvent, revision: bigint) => {
    if (revision === BigInt(into.entries)) evolveLedger(into, event);
  };

  const foldAnew = async () => {
    const fresh = emptyLedger();
    for await (const recorded of store.readStream(ledgerStream, "start"))
      hearEntry(fresh, decode(recorded) as LedgerEvent, recorded.revision);
    ledger = fresh;
    isStale = false;
  };

  const commandFor = (jobHash: JobHash, debt: Debt): LedgerCommand => {
    const by = { jobHash, actor, now: clock.now() };
    switch (debt.due) {
      case "funding": {
        const { client, amount, deadlineAt } = debt;
        return { type: "FundJob", ...by, client, amount, deadlineAt };
      }
      case "awards": {
        const { price, accepted, stopped = [], round } = debt;
        const { holdJobs: jobs, holdMs: ms } = policies.current().verification;
        const hold = debt.hold ? { hold: { jobs, ms, ...debt.hold } } : {};
        return { type: "AwardPoints", ...by, price, accepted, stopped, round, ...hold };
      }
      case "refund":
        return { type: "RefundJob", ...by, reason: debt.reason, round: debt.round };
    }
  };

  /** Decides one command on the ledger as it will be, and adds what it yields to the batch. */
  const decideInto = (batch: NewEvent[], command: LedgerCommand): string | undefined => {
    const decision = decideLedger(command, ledger, sha256);
    if (!decision.ok) return decision.reason;
    for (const event of decision.events) {
      evolveLedger(ledger, event);
      batch.push(encode(event, ids.next(), actor));
    }
    return undefined;
  };

  /** When the grants of the last hour were given, oldest first. */
  const granted: Instant[] = [];
  let toldAt = Number.NEGATIVE_INFINITY;
  const note = (at: Instant) => {
    granted.push(at);
    if (granted.length > grantsPerHour) granted.shift();
  };
  const mayGrant = (now: Instant): boolean => {
    while (granted.length > 0 && (granted[0] ?? now) <= now - hourMs) granted.shift();
    if (granted.length < grantsPerHour) return true;
    if (toldAt <= now - hourMs) {
      toldAt = now;
      const many = new Error(`${grantsPerHour} new clients came within an hour`);
      onTrouble("for a while no client gets a grant", many);
    }
    return false;
  };

  const grantFirst = (batch: NewEvent[], debt: Debt) => {
    if (debt.due !== "funding" || grant === "0" || ledger.balances.has(debt.client)) return;
    const now = clock.now();
    if (!mayGrant(now)) return;
    const { client: account } = debt;
    const issue = { transferId: `grant:${account}`, account, amount: grant, reason: "grant" };
    const refusal = decideInto(batch, { type: "IssuePoints", ...issue, actor, now });
    if (!refusal) note(now);
    else onTrouble(`the grant of ${account} was refused`, new Error(refusal));
  };

  const settle = (batch: NewEvent[], jobHash: JobHash) => {
    const debt = debts.get(jobHash);
    if (!debt) return;
    grantFirst(batch, debt);
    const refusal = decideInto(batch, commandFor(jobHash, debt));
    if (refusal === undefined) return;
    if (refusal === "InsufficientFunds") reject(jobHash);
    else if (refusal === "EscrowUnknown" && debt.due === "refund") debts.clear(jobHash);
    else if (refusal !== "JobOverdue" && refusal !== "EscrowReopened") {
      // An overdue job is failed by the dispatcher's clock, and that a job was opened again is about
      // to be heard; anything else is a bug to be seen.
      onTrouble(`the ${debt.due} of job ${jobHash} was refused`, new Error(refusal));
    }
  };

  const reject = (jobHash: JobHash) => {
    const by = { actor, now: clock.now() };
    book
      .handle(jobHash, [{ type: "RejectJob", reason: "insufficient-funds", ...by }])
      .catch((error: unknown) => {
        clock.after(retryMs, () => {
          owed.add(jobHash);
          act(); // No fact need come that would set us going again.
        });
        onTrouble(`job ${jobHash} was not rejected`, error);
      });
  };

  /** Appends until the outcome is known. False: someone else had written, nothing was appended. */
  const append = async (batch: readonly NewEvent[], expected: bigint): Promise<boolean> => {
    while (!closed) {
      try {
        const before = expected < 0n ? "no-stream" : expected;
        return (await store.append(ledgerStream, batch, before)).ok;
      } catch (error) {
        onTrouble("the ledger could not be written", error);
        await sleep(clock, retryMs);
      }
    }
    return true;
  };

  const isOwing = (): boolean => owed.size > 0 || held.isOwing();

  const pay = async () => {
    while (isOwing() && !closed) {
      if (isStale) await foldAnew();
      const expected = BigInt(ledger.entries) - 1n;
      const batch: NewEvent[] = [];
      if (held.isOwing()) held.pay((command) => decideInto(batch, command));
      const round = batch.length === 0 ? nextRound() : [];
      for (const jobHash of round) settle(batch, jobHash);
      if (batch.length === 0 || (await append(batch, expected))) continue;
      isStale = true;
      held.lookAgain();
      for (const jobHash of round) owed.add(jobHash);
    }
  };

  /** Takes out jobs whose debts go into one append. */
  const nextRound = (): readonly JobHash[] => {
    const round: JobHash[] = [];
    let awards = 0;
    for (const jobHash of owed) {
      const debt = debts.get(jobHash);
      if (debt?.due === "awards") awards += debt.accepted.length;
      // To copy all that is owed for each round took 40 s for a million jobs.
      if (round.push(jobHash) === batchMax || awards >= awardsMax) break;
    }
    for (const jobHash of round) owed.delete(jobHash);
    return round;
  };

  const act = () => {
    if (!live) {
      live = true;
      owed = new Set(debts.all());
      held.lookAgain();
    }
    paying ??= pay()
      .then(
        () => true,
        (error: unknown) => {
          onTrouble("the rewards service stopped paying", error);
          return false;
        },
      )
      .then((isPaid) => {
        paying = undefined;
        if (closed) return;
        if (!isOwing()) held.setAlarm(act);
        else if (isPaid)
          act(); // It came when the last look was over.
        else clock.after(retryMs, act);
      });
  };

  return {
    hear: (fact: Fact) => {
      const { event, stream, revision } = fact;
      policies.hear(fact);
      if (stream === ledgerStream) hearEntry(ledger, event as LedgerEvent, revision);
      // What is given by this process it knows already.
      if (!live && event.type === "PointsIssued" && event.reason === "grant") note(event.at);
      held.hear(event);
      const jobHash = debts.hear(event);
      if (jobHash !== undefined && live) owed.add(jobHash);
    },
    act,
    counts: () => ({
      owed: debts.size,
      entries: ledger.entries,
      held: ledger.holds.awards.size,
    }),
    close: async () => {
      closed = true;
      held.close();
      await paying;
    },
  };
};
