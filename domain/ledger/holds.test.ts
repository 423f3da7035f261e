/** The rules of awards that are held: when they are settled, when they fall, what opens again, what becomes of bonds. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { assertEachRefusalShown, at, given, noon, noting } from "../../testing/given.ts";
import type { Decider } from "../decider.ts";
import { bondAccount, escrowAccount, nodeAccount, pendingAccount, slashSink } from "../ids.ts";
import type { AwardsVoided, Hold, LedgerEvent, PointsAwarded } from "./events.ts";
import {
  type Accepted,
  awardId,
  balanceOf,
  decideLedger,
  dueAwards,
  emptyLedger,
  evolveLedger,
  faultOf,
  type Ledger,
  type LedgerCommand,
  type LedgerRefusal,
  nextDueAt,
  rememberMs,
} from "./ledger.ts";
import { voidMax } from "./settle.ts";

const fold = (events: readonly LedgerEvent[]): Ledger => {
  const ledger = emptyLedger();
  for (const event of events) evolveLedger(ledger, event);
  assert.equal(faultOf(ledger), undefined);
  return ledger;
};
const books: Decider<LedgerCommand, LedgerEvent, readonly LedgerEvent[], LedgerRefusal> = {
  initial: [],
  decide: (command, events) => decideLedger(command, fold(events)),
  evolve: (events, event) => [...events, event],
};
const { decider, refusals } = noting(books);
const theBooks = given(decider);

const actor = "service:rewards";
const client = "client:ada";
const hashOf = (n: number): string => n.toString(16).padStart(64, "0");
const jobHash = hashOf(1);
const idOf = (replica: number, job = jobHash): string => awardId({ jobHash: job, replica });
const holdMs = 60_000;
const hold = { jobs: 3, ms: holdMs, reopens: true };
const gift: LedgerEvent = {
  type: "PointsIssued",
  transferId: "g1",
  account: client,
  amount: "10000",
  reason: "gift",
  at: noon,
};
const fundedAs = (n: number): LedgerEvent => ({
  type: "JobFunded",
  jobHash: hashOf(n),
  client,
  amount: "400",
  forgetAt: at(60) + rememberMs,
  at: noon,
});
const bob: Accepted = { replica: 0, nodeId: "bob" };
const cyd: Accepted = { replica: 1, nodeId: "cyd" };
const judge: Accepted = { replica: 2, nodeId: "judge", arbiter: true };
const award = (accepted: readonly Accepted[], more: object = {}) =>
  ({
    type: "AwardPoints",
    jobHash,
    price: "100",
    accepted,
    hold,
    actor,
    now: noon,
    ...more,
  }) as const;
/** Whether an arbiter has no other one beside it. */
const isOne = (accepted: readonly Accepted[]) =>
  accepted.filter(({ arbiter }) => arbiter).length === 1;
const window: Hold = { jobs: 3, until: noon + holdMs, reopens: true };
const awardedAs = (
  n: number,
  accepted: readonly Accepted[],
  more: Partial<PointsAwarded> = {},
): PointsAwarded => ({
  type: "PointsAwarded",
  jobHash: hashOf(n),
  client,
  awards: accepted.map(({ replica, nodeId, arbiter, audited }) => ({
    awardId: idOf(replica, hashOf(n)),
    replica,
    nodeId,
    amount: "100",
    ...(arbiter ? (isOne(accepted) ? { held: true, sole: true } : {}) : { held: true }),
    ...(audited && !arbiter ? { audited } : {}),
  })),
  refund: `${400 - 100 * accepted.length}`,
  hold: window,
  at: noon,
  ...more,
});
/** Job 1, computed by Bob and Cyd. */
const past = [gift, fundedAs(1), awardedAs(1, [bob, cyd])] as const;
const settle = (awards: readonly string[], now: number, bondAwards = 2) =>
  ({ type: "SettleAwards", awards, bondAwards, actor, now }) as const;
const settledAs = (nodeId: string, replica: number, bond = "0", n = 1): LedgerEvent => ({
  type: "AwardsSettled",
  settled: [{ awardId: idOf(replica, hashOf(n)), jobHash: hashOf(n), nodeId, amount: "100", bond }],
  at: noon + holdMs,
});
const reason = "wrong-result";
const voidAll = (nodeId: string, now = noon) =>
  ({ type: "VoidAwards", nodeId, reason, actor, now }) as const;
const voidedAs = (
  { nodeId, replica }: Accepted,
  to = escrowAccount(jobHash),
  reopens = to !== client,
): AwardsVoided => ({
  type: "AwardsVoided",
  nodeId,
  reason,
  voided: [{ awardId: idOf(replica), jobHash, amount: "100", to, ...(reopens ? { reopens } : {}) }],
  at: noon,
});
/** Job 1, computed by Bob alone, who was convicted. */
const alone = [gift, fundedAs(1), awardedAs(1, [bob])] as const;
const reopened = [...alone, voidedAs(bob)] as const;

describe("an award that is held", () => {
  test("is pending, and nothing that the node could spend", () => {
    theBooks(gift, fundedAs(1))
      .when(award([bob, cyd]))
      .thenRecords(awardedAs(1, [bob, cyd]));
    const ledger = fold(past);
    assert.equal(balanceOf(ledger, pendingAccount("bob")), 100n);
    assert.equal(balanceOf(ledger, nodeAccount("bob")), 0n);
    assert.equal(balanceOf(ledger, client), 9_800n);
  });

  const other: Accepted = { replica: 3, nodeId: "other", arbiter: true };
  const unconfirmed = { hold: { jobs: 3, until: noon + holdMs } };

  test("stands beside those of two arbiters, who are paid at once", () => {
    const audited = { ...bob, audited: true } as const;
    const paid = awardedAs(1, [audited, judge, other], { ...unconfirmed, refund: "100" });
    theBooks(gift, fundedAs(1))
      .when(award([audited, judge, other], { hold: { ...hold, reopens: false } }))
      .thenRecords(paid);
    const ledger = fold([gift, fundedAs(1), paid]);
    assert.equal(balanceOf(ledger, nodeAccount("judge")), 100n);
    assert.equal(balanceOf(ledger, pendingAccount("judge")), 0n);
  });

  test("is also that of an arbiter that decided alone; with it falls the job, and others keep theirs", () => {
    const decided = awardedAs(1, [bob, judge], { ...unconfirmed, refund: "200" });
    const paid = [gift, fundedAs(1), decided] as const;
    theBooks(gift, fundedAs(1))
      .when(award([bob, judge], { hold: { ...hold, reopens: false } }))
      .thenRecords(decided);
    theBooks(...paid)
      .when(voidAll("judge"))
      .thenRecords(voidedAs(judge));
    theBooks(...paid)
      .when(voidAll("bob"))
      .thenRecords(voidedAs(bob, client));
    // The second end pays the arbiter that decides now; Bob's award is pending still.
    const again = { round: 1, hold: { ...hold, reopens: false } };
    const [, , ...rest] = [bob, judge, other];
    const anew = awardedAs(1, rest, { refund: "0" });
    const { hold: _, ...plain } = anew;
    theBooks(...paid, voidedAs(judge))
      .when(award([bob, other], again))
      .thenRecords({
        ...plain,
        awards: [
          {
            awardId: awardId({ jobHash, replica: 3, round: 1 }),
            ...{ replica: 3, nodeId: "other" },
            amount: "100",
          },
        ],
      });
    // Also if Bob is convicted of something else when that end is on its way: it is final as well.
    theBooks(...paid, voidedAs(judge), voidedAs(bob, client))
      .when(award([bob], again))
      .thenRecords({ ...plain, awards: [], refund: "100" });
  });

  test("of the one arbiter of a job that was called off opens nothing again", () => {
    const calledOff = { ...hold, reopens: false, final: true } as const;
    const { awards, ...rest } = awardedAs(1, [bob, judge], { ...unconfirmed, refund: "200" });
    const held = { ...rest, awards: awards.map(({ sole: _, ...one }) => one) };
    theBooks(gift, fundedAs(1))
      .when(award([bob, judge], { hold: calledOff }))
      .thenRecords(held);
    theBooks(gift, fundedAs(1), held).when(voidAll("judge")).thenRecords(voidedAs(judge, client));
  });

  test("is settled at the end of its window and not before", () => {
    theBooks(...past)
      .when(settle([idOf(0)], noon + holdMs - 1))
      .thenRefuses("HoldWindowOpen");
    theBooks(...past)
      .when(settle([idOf(0)], noon + holdMs))
      .thenRecords(settledAs("bob", 0));
    assert.equal(balanceOf(fold([...past, settledAs("bob", 0)]), nodeAccount("bob")), 100n);
  });

  test("is settled earlier when so many more jobs were paid", () => {
    const more = (count: number) =>
      Array.from({ length: count }, (_, n) => [fundedAs(n + 2), awardedAs(n + 2, [cyd])]).flat();
    theBooks(...past, ...more(2))
      .when(settle([idOf(0)], noon))
      .thenRefuses("HoldWindowOpen");
    theBooks(...past, ...more(3))
      .when(settle([idOf(0)], noon))
      .thenRecords({ ...settledAs("bob", 0), at: noon } as LedgerEvent);
    assert.deepEqual(dueAwards(fold([...past, ...more(2)]).holds, noon, 9), []);
    assert.deepEqual(dueAwards(fold([...past, ...more(3)]).holds, noon, 9), [idOf(0), idOf(1)]);
    assert.deepEqual(dueAwards(fold([...past, ...more(3)]).holds, noon, 1), [idOf(0)]);
  });

  test("is settled once, and only if it was ever held", () => {
    theBooks(...past, settledAs("bob", 0))
      .when(settle([idOf(0)], at(9)))
      .thenNothing();
    theBooks(...past)
      .when(settle([idOf(7)], at(9)))
      .thenNothing();
    theBooks(...past)
      .when(settle([idOf(0), idOf(0)], at(9)))
      .thenRefuses("AwardTwice");
    theBooks(...past)
      .when(settle([], at(9)))
      .thenNothing();
  });

  test("keeps the window that it was made with, whatever the policy says later", () => {
    const longer = awardedAs(2, [cyd], { hold: { jobs: 9, until: noon + 10 * holdMs } });
    const shorter = awardedAs(3, [cyd], { hold: { jobs: 9, until: noon + 1 } });
    const ledger = fold([...past, fundedAs(2), longer, fundedAs(3), shorter]);
    assert.equal(nextDueAt(ledger.holds), noon + 1);
    assert.deepEqual(dueAwards(ledger.holds, noon + 1, 9), [idOf(1, hashOf(3))]);
  });

  test("keeps its job in memory until it is settled", () => {
    const late = at(5_000);
    const others = [2, 3, 4, 5, 6].flatMap((n): LedgerEvent[] => [
      fundedAs(n),
      { type: "JobRefunded", jobHash: hashOf(n), client, amount: "400", reason, at: late },
    ]);
    assert.equal(fold([...past, ...others]).escrows.has(jobHash), true);
    const settled = [settledAs("bob", 0), settledAs("cyd", 1)];
    assert.equal(fold([...past, ...settled, ...others]).escrows.has(jobHash), false);
  });
});

describe("the bond", () => {
  const audited = { ...bob, audited: true } as const;
  const lives = [1, 2, 3].flatMap((n) => [fundedAs(n), awardedAs(n, [audited])]);
  const all = [1, 2, 3].map((n) => idOf(0, hashOf(n)));
  const made = [gift, ...lives, settledAs("bob", 0, "100", 1), settledAs("bob", 0, "100", 2)];
  const slash = { type: "SlashBond", nodeId: "bob", reason, actor, now: noon } as const;
  const giveBack = { type: "ReturnBond", nodeId: "bob", actor, now: noon } as const;

  test("is made of the first audited awards, over any number of settlements", () => {
    const entry = (awardId: string, n: number, bond: string) => ({
      ...{ awardId, jobHash: hashOf(n), nodeId: "bob", amount: "100", bond },
    });
    theBooks(gift, ...lives)
      .when(settle(all, noon + holdMs))
      .thenRecords({
        type: "AwardsSettled",
        settled: all.map((id, n) => entry(id, n + 1, n < 2 ? "100" : "0")),
        at: noon + holdMs,
      });
    theBooks(...made)
      .when(settle(all.slice(2), noon + holdMs))
      .thenRecords(settledAs("bob", 0, "0", 3));
    const ledger = fold([...made, settledAs("bob", 0, "0", 3)]);
    assert.equal(balanceOf(ledger, bondAccount("bob")), 200n);
    assert.equal(balanceOf(ledger, nodeAccount("bob")), 100n);
  });

  test("is not made of awards that nobody audited", () => {
    theBooks(...past)
      .when(settle([idOf(0)], noon + holdMs))
      .thenRecords(settledAs("bob", 0, "0"));
  });

  test("is slashed whole, after what is held is taken, and once", () => {
    theBooks(...made)
      .when(slash)
      .thenRefuses("AwardsPending");
    const done = [...made, settledAs("bob", 0, "0", 3)];
    const slashed = {
      type: "BondSlashed",
      nodeId: "bob",
      amount: "200",
      reason,
      at: noon,
    } as const;
    theBooks(...done)
      .when(slash)
      .thenRecords(slashed);
    const ledger = fold([...done, slashed]);
    assert.equal(balanceOf(ledger, slashSink), 200n);
    assert.equal(balanceOf(ledger, bondAccount("bob")), 0n);
    theBooks(...past)
      .when({ ...slash, nodeId: "dan" })
      .thenNothing();
  });

  test("goes back to a node that leaves when nothing is pending for it", () => {
    theBooks(...made)
      .when(giveBack)
      .thenRefuses("AwardsPending");
    const done = [...made, settledAs("bob", 0, "0", 3)];
    theBooks(...done)
      .when(giveBack)
      .thenRecords({ type: "BondReturned", nodeId: "bob", amount: "200", at: noon });
    theBooks(...past)
      .when({ ...giveBack, nodeId: "dan" })
      .thenNothing();
  });
});

describe("the awards of a convicted node", () => {
  test("of a job that rests on it go back into escrow, which is open again", () => {
    theBooks(...alone)
      .when(voidAll("bob"))
      .thenRecords(voidedAs(bob));
    const ledger = fold(reopened);
    assert.equal(balanceOf(ledger, escrowAccount(jobHash)), 100n);
    assert.equal(ledger.escrows.get(jobHash)?.open, true);
    theBooks(...past)
      .when(voidAll("dan"))
      .thenNothing();
  });

  test("go to the client while another stands for the result", () => {
    theBooks(...past)
      .when(voidAll("bob"))
      .thenRecords(voidedAs(bob, client));
    theBooks(...past, settledAs("cyd", 1))
      .when(voidAll("bob"))
      .thenRecords(voidedAs(bob, client));
    theBooks(...past, voidedAs(bob, client))
      .when(voidAll("cyd"))
      .thenRecords(voidedAs(cyd));
  });

  test("go to the client if an arbiter has looked at the job, or it was opened again before", () => {
    const { reopens: _, ...confirmed } = window;
    const other = awardedAs(1, [bob, judge], { hold: confirmed });
    theBooks(gift, fundedAs(1), other).when(voidAll("bob")).thenRecords(voidedAs(bob, client));
    const second = awardedAs(1, [cyd], { refund: "0" });
    theBooks(...reopened, second)
      .when(voidAll("cyd"))
      .thenRecords(voidedAs(cyd, client));
  });

  test("fall a hundred at a time, so that no entry is large", () => {
    const ledger = emptyLedger();
    evolveLedger(ledger, { ...gift, amount: "1000000" } as LedgerEvent);
    for (let n = 1; n <= voidMax + 1; n++) {
      evolveLedger(ledger, fundedAs(n));
      evolveLedger(ledger, awardedAs(n, [bob]));
    }
    const counts: number[] = [];
    for (let round = 0; round < 3; round++) {
      const decision = decideLedger(voidAll("bob"), ledger);
      for (const event of decision.ok ? decision.events : []) {
        evolveLedger(ledger, event);
        if (event.type === "AwardsVoided") counts.push(event.voided.length);
      }
    }
    assert.deepEqual(counts, [voidMax, 1]);
    assert.equal(balanceOf(ledger, pendingAccount("bob")), 0n);
    assert.equal(faultOf(ledger), undefined);
  });
});

describe("a job that is open again", () => {
  const second = (accepted: readonly Accepted[], more: object = {}) =>
    award(accepted, { round: 1, ...more });
  const paid = (refund: string, ...nodes: readonly Accepted[]): PointsAwarded => {
    const { hold: _, ...plain } = awardedAs(1, nodes, { refund });
    const awards = plain.awards.map((one) => {
      const { held: _, sole: __, ...award } = one;
      const { replica } = award;
      return { ...award, awardId: awardId({ jobHash, replica, round: 1 }) };
    });
    return { ...plain, awards };
  };

  test("pays the arbiter out of what was voided", () => {
    theBooks(...reopened)
      .when(second([judge]))
      .thenRecords(paid("0", judge));
    const ledger = fold([...reopened, paid("0", judge)]);
    assert.equal(balanceOf(ledger, nodeAccount("judge")), 100n);
    assert.equal(balanceOf(ledger, escrowAccount(jobHash)), 0n);
  });

  test("never pays the award again that was voided", () =>
    theBooks(...reopened)
      .when(second([bob]))
      .thenRecords({ ...paid("100"), awards: [] }));

  test("pays another node that computed the convict's replica since", () => {
    const stranger: Accepted = { replica: 0, nodeId: "eve", arbiter: true };
    theBooks(...reopened)
      .when(second([stranger]))
      .thenRecords(paid("0", stranger));
    const ids = [...alone, paid("0", stranger)].flatMap((one) =>
      one.type === "PointsAwarded" ? one.awards.map((award) => award.awardId) : [],
    );
    assert.equal(new Set(ids).size, 2, "it is another award");
  });

  test("pays no more than was voided, the arbiter before others", () => {
    theBooks(...reopened)
      .when(second([cyd, judge]))
      .thenRecords(paid("0", judge));
    theBooks(gift, fundedAs(1))
      .when(award([bob, cyd], { price: "201" }))
      .thenRefuses("EscrowExceeded");
  });

  test("gives its client back what was voided if it comes to nothing after all", () => {
    const failed = { type: "RefundJob", jobHash, reason: "no-quorum", actor, now: noon } as const;
    theBooks(...reopened)
      .when({ ...failed, round: 1 })
      .thenRecords({
        ...{ type: "JobRefunded", jobHash, client, amount: "100", reason: "no-quorum", at: noon },
      });
  });

  test("is not released by what was due at its first end, however late that is said", () => {
    theBooks(...reopened)
      .when(award([bob]))
      .thenRefuses("EscrowReopened");
    theBooks(...reopened)
      .when({ type: "RefundJob", jobHash, reason, actor, now: noon })
      .thenRefuses("EscrowReopened");
    theBooks(...past)
      .when(second([judge]))
      .thenRefuses("EscrowReopened");
  });
});

describe("the check of the books names", () => {
  const cook = (
    change: (ledger: Ledger) => void,
    events: readonly LedgerEvent[] = past,
  ): string => {
    const ledger = fold(events);
    change(ledger);
    return faultOf(ledger) ?? "nothing";
  };
  const held = ({ holds }: Ledger, replica: number) => holds.awards.get(idOf(replica))!;

  test("a pending account that is not what is held", () => {
    assert.match(
      cook(({ balances }) => balances.set("pending:bob", 99n).set(client, 9_801n)),
      /pending:bob is at 99 and not at 100/,
    );
    const { byNode } = emptyLedger().holds;
    assert.match(
      cook((ledger) => Object.assign(ledger.holds, { byNode })),
      /200 are pending for awards of no node/,
    );
  });

  test("an award that is in the wrong place", () => {
    assert.match(
      cook((ledger) => Object.assign(held(ledger, 0), { state: "voided" })),
      /held and voided/,
    );
    assert.match(
      cook((ledger) => ledger.holds.awards.delete(idOf(0))),
      /not known by its id/,
    );
    assert.match(
      cook(({ escrows }) => escrows.set(jobHash, { ...escrows.get(jobHash)!, held: [] })),
      /does not know it/,
    );
    assert.match(
      cook(({ escrows }) => escrows.set(jobHash, { ...escrows.get(jobHash)!, open: true })),
      /held while its job is open/,
    );
    assert.match(
      cook(({ holds }) => holds.queues.clear()),
      /2 awards are held, and 0 are in a queue/,
    );
  });

  test("a bond that nothing made", () =>
    assert.match(
      cook(({ balances }) => balances.set("bond:bob", 1n).set(client, 9_799n)),
      /bond:bob is at 1, of 0 awards/,
    ));
});

test("each refusal of held awards has been shown", () =>
  assertEachRefusalShown(refusals, {
    AwardTwice: true,
    AwardsPending: true,
    EscrowExceeded: true,
    EscrowReopened: true,
    HoldWindowOpen: true,
  } as Record<LedgerRefusal, true>));
