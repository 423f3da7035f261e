import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { assertEachRefusalShown, at, given, noon, noting } from "../../testing/given.ts";
import type { Decider } from "../decider.ts";
import { escrowAccount, issuance, nodeAccount } from "../ids.ts";
import { microPointsMax } from "../points.ts";
import type { JobRefunded, LedgerEvent, PointsAwarded } from "./events.ts";
import {
  awardId,
  balanceOf,
  decideLedger,
  emptyLedger,
  evolveLedger,
  faultOf,
  type Ledger,
  type LedgerCommand,
  type LedgerRefusal,
  rememberMs,
} from "./ledger.ts";
import { transfersOf } from "./transfers.ts";

const fold = (events: readonly LedgerEvent[]): Ledger => {
  const ledger = emptyLedger();
  for (const event of events) evolveLedger(ledger, event);
  return ledger;
};
/** The ledger folds in place; to be tested as a decider its state is the list of its entries. */
const books: Decider<LedgerCommand, LedgerEvent, readonly LedgerEvent[], LedgerRefusal> = {
  initial: [],
  decide: (command, events) => decideLedger(command, fold(events)),
  evolve: (events, event) => [...events, event],
};
const { decider, refusals } = noting(books);
const theBooks = given(decider);

const jobHash = "ab".repeat(32);
const ada = "client:ada";
const actor = "service:rewards";
const now = noon;

const issue = (transferId: string, account: string, amount: string) =>
  ({ type: "IssuePoints", transferId, account, amount, reason: "gift", actor, now }) as const;
const issued = (transferId: string, account: string, amount: string): LedgerEvent => ({
  type: "PointsIssued",
  transferId,
  account,
  amount,
  reason: "gift",
  at: noon,
});
const fund = (amount = "400", client = ada) =>
  ({ type: "FundJob", jobHash, client, amount, deadlineAt: at(60), actor, now }) as const;
const forgetAt = at(60) + rememberMs;
const funded: LedgerEvent = {
  type: "JobFunded",
  jobHash,
  client: ada,
  amount: "400",
  forgetAt,
  at: noon,
};
const byBob = { replica: 0, nodeId: "bob" };
const byCyd = { replica: 1, nodeId: "cyd" };
const award = (price: string, ...accepted: readonly (typeof byBob)[]) =>
  ({ type: "AwardPoints", jobHash, price, accepted, actor, now }) as const;
const awarded: PointsAwarded = {
  type: "PointsAwarded",
  jobHash,
  client: ada,
  awards: [
    { awardId: awardId({ jobHash, replica: 0 }), ...byBob, amount: "100" },
    { awardId: awardId({ jobHash, replica: 1 }), ...byCyd, amount: "100" },
  ],
  refund: "200",
  at: noon,
};
const refund = { type: "RefundJob", jobHash, reason: "cancelled", actor, now } as const;
const refunded: JobRefunded = {
  type: "JobRefunded",
  jobHash,
  client: ada,
  amount: "400",
  reason: "cancelled",
  at: noon,
};
const gift = issued("g1", ada, "1000");

describe("points", () => {
  test("are issued once for each transfer id", () => {
    theBooks()
      .when(issue("g1", ada, "1000"))
      .thenRecords(gift);
    theBooks(gift)
      .when(issue("g2", ada, "1000"))
      .thenRecords(issued("g2", ada, "1000"));
  });

  test("are refused for a known transfer id with another amount or account", () => {
    theBooks(gift)
      .when(issue("g1", ada, "1001"))
      .thenRefuses("TransferDiffers");
    theBooks(gift)
      .when(issue("g1", "client:bob", "1000"))
      .thenRefuses("TransferDiffers");
  });

  test("are issued in whole micro-points above zero only", () => {
    for (const amount of ["0", "-1", "1.5", "01", "", "ten"])
      theBooks()
        .when(issue("g1", ada, amount))
        .thenRefuses("AmountOutOfRange");
  });

  test("are issued to owners only: clients and nodes", () => {
    for (const account of [issuance, escrowAccount(jobHash), "node:", "client:", "ada"])
      theBooks()
        .when(issue("g1", account, "1"))
        .thenRefuses("AccountWithoutOwner");
    theBooks()
      .when(issue("g1", "node:bob", "1"))
      .thenRecords(issued("g1", "node:bob", "1"));
  });

  test("are never more, all together, than one account can hold", () => {
    const most = issued("g1", ada, `${microPointsMax - 1n}`);
    theBooks(most)
      .when(issue("g2", "client:bob", "2"))
      .thenRefuses("AmountOutOfRange");
    theBooks(most)
      .when(issue("g2", "client:bob", "1"))
      .thenRecords(issued("g2", "client:bob", "1"));
  });
});

describe("an escrow", () => {
  test("is filled from the client's account, down to the last point and not below", () => {
    theBooks(gift).when(fund()).thenRecords(funded);
    theBooks(gift).when(fund("1001")).thenRefuses("InsufficientFunds");
    theBooks(gift)
      .when(fund("1000"))
      .thenRecords({ ...funded, amount: "1000" });
    assert.equal(balanceOf(fold([gift, funded]), ada), 600n);
  });

  test("is filled once: the same again changes nothing, another funding is refused", () => {
    theBooks(gift, funded).when(fund("401")).thenRefuses("FundingDiffers");
    theBooks(gift, funded).when(fund("400", "client:bob")).thenRefuses("FundingDiffers");
    theBooks(gift, funded).when(fund("four hundred")).thenRefuses("FundingDiffers");
    theBooks(gift, funded, refunded).when(fund()).thenNothing();
  });

  test("is never filled from issuance or from another escrow", () => {
    const other = escrowAccount("cd".repeat(32));
    for (const client of [issuance, other])
      theBooks(gift).when(fund("0", client)).thenRefuses("AccountWithoutOwner");
  });

  test("takes whole micro-points only; a job may cost nothing", () => {
    theBooks(gift).when(fund("4.5")).thenRefuses("AmountOutOfRange");
    theBooks()
      .when(fund("0"))
      .thenRecords({ ...funded, amount: "0" });
  });

  test("is filled before the deadline of the job and not at it", () => {
    theBooks(gift)
      .when({ ...fund(), now: at(60) - 1 })
      .thenRecords({ ...funded, at: at(60) - 1 } as LedgerEvent);
    theBooks(gift)
      .when({ ...fund(), now: at(60) })
      .thenRefuses("JobOverdue");
  });

  test("goes to the nodes whose results were accepted, the rest back to the client", () => {
    theBooks(gift, funded)
      .when(award("100", byBob, byCyd))
      .thenRecords(awarded);
    const after = fold([gift, funded, awarded]);
    assert.equal(balanceOf(after, nodeAccount("bob")), 100n);
    assert.equal(balanceOf(after, nodeAccount("cyd")), 100n);
    assert.equal(balanceOf(after, ada), 800n);
    assert.equal(after.balances.has(escrowAccount(jobHash)), false);
  });

  test("goes in part to a node whose task was stopped, at most the price, out of the same escrow", () => {
    const stopped = { replica: 2, nodeId: "dan", amount: "40" };
    const id = awardId({ jobHash, replica: 2 });
    const part = { awardId: id, ...stopped, stopped: true } as const;
    theBooks(gift, funded)
      .when({ ...award("100", byBob, byCyd), stopped: [stopped] })
      .thenRecords({ ...awarded, awards: [...awarded.awards, part], refund: "160" });
    theBooks(gift, funded)
      .when({ ...award("100", byBob, byCyd), stopped: [{ ...stopped, amount: "0" }] })
      .thenRecords(awarded);
    theBooks(gift, funded)
      .when({ ...award("100", byBob, byCyd), stopped: [{ ...stopped, amount: "101" }] })
      .thenRefuses("AmountOutOfRange");
    theBooks(gift, funded)
      .when({ ...award("200", byBob, byCyd), stopped: [{ ...stopped, amount: "1" }] })
      .thenRefuses("EscrowExceeded");
    theBooks(gift, funded)
      .when({ ...award("100", byBob, byCyd), stopped: [{ ...stopped, nodeId: "bob" }] })
      .thenRefuses("AwardTwice");
  });

  test("can pay out all that is in it and no more", () => {
    theBooks(gift, funded)
      .when(award("201", byBob, byCyd))
      .thenRefuses("EscrowExceeded");
    const [first, second] = awarded.awards;
    const awards = [first!, second!].map((one) => ({ ...one, amount: "200" }));
    theBooks(gift, funded)
      .when(award("200", byBob, byCyd))
      .thenRecords({ ...awarded, awards, refund: "0" });
  });

  test("pays no replica and no node twice", () => {
    theBooks(gift, funded)
      .when(award("1", byBob, byBob))
      .thenRefuses("AwardTwice");
    const sameNode = { replica: 1, nodeId: "bob" };
    theBooks(gift, funded)
      .when(award("1", byBob, sameNode))
      .thenRefuses("AwardTwice");
    const sameReplica = { replica: 0, nodeId: "cyd" };
    theBooks(gift, funded)
      .when(award("1", byBob, sameReplica))
      .thenRefuses("AwardTwice");
  });

  test("pays nothing where nothing was accepted, and no price that is no amount", () => {
    theBooks(gift, funded).when(award("1")).thenRefuses("NothingAccepted");
    theBooks(gift, funded).when(award("-1", byBob)).thenRefuses("AmountOutOfRange");
  });

  test("goes back to the client whole when the job comes to nothing", () => {
    theBooks(gift, funded).when(refund).thenRecords(refunded);
    assert.equal(balanceOf(fold([gift, funded, refunded]), ada), 1000n);
  });

  test("is released once: an award after a refund is refused, and the other way round", () => {
    theBooks(gift, funded, refunded).when(award("100", byBob)).thenRefuses("EscrowReleased");
    theBooks(gift, funded, awarded).when(refund).thenRefuses("EscrowReleased");
  });

  test("of a job that was never funded pays nobody", () => {
    theBooks(gift).when(award("100", byBob)).thenRefuses("EscrowUnknown");
    theBooks(gift).when(refund).thenRefuses("EscrowUnknown");
  });
});

describe("the memory of the books", () => {
  const hashOf = (n: number): string => n.toString(16).padStart(64, "0");
  const fundedAs = (n: number, minutes: number): LedgerEvent => ({
    ...funded,
    jobHash: hashOf(n),
    amount: "1",
    forgetAt: at(minutes),
  });
  const refundedAs = (n: number, minutes: number): LedgerEvent => ({
    ...refunded,
    jobHash: hashOf(n),
    amount: "1",
    at: at(minutes),
  });

  test("keeps a closed escrow until the instant after which it cannot be filled again", () => {
    const past = [gift, fundedAs(1, 90), refundedAs(1, 1), fundedAs(2, 90)];
    const early = fold([...past, { ...refundedAs(2, 90), at: at(90) - 1 } as LedgerEvent]);
    assert.equal(early.escrows.has(hashOf(1)), true);
    assert.equal(fold([...past, refundedAs(2, 90)]).escrows.has(hashOf(1)), false);
  });

  test("keeps an escrow that was released late for as long as that release may be repeated", () => {
    const late = { ...refund, now: forgetAt + 1 };
    theBooks(gift, funded)
      .when(late)
      .thenRecords({ ...refunded, at: forgetAt + 1 });
  });

  test("of a forgotten escrow yields no second payment", () => {
    const past = [gift, { ...funded, jobHash: hashOf(1) }, fundedAs(2, 500)];
    const forgotten = [
      ...past,
      { ...refunded, jobHash: hashOf(1) },
      { ...refundedAs(2, 0), at: forgetAt },
    ] as const;
    assert.equal(fold(forgotten).escrows.has(hashOf(1)), false);
    const later = { jobHash: hashOf(1), now: forgetAt };
    theBooks(...forgotten)
      .when({ ...fund(), ...later })
      .thenRefuses("JobOverdue");
    theBooks(...forgotten)
      .when({ ...award("100", byBob), ...later })
      .thenRefuses("EscrowUnknown");
  });

  test("never drops an open escrow, however late", () => {
    const past = [gift, fundedAs(1, 10), fundedAs(2, 10), refundedAs(2, 900)];
    assert.equal(fold(past).escrows.get(hashOf(1))?.open, true);
  });

  test("does not grow behind one long job", () => {
    const ledger = fold([gift, fundedAs(0, 50_000)]);
    for (let n = 1; n <= 400; n++) {
      evolveLedger(ledger, fundedAs(n, n + 60));
      evolveLedger(ledger, refundedAs(n, n));
    }
    assert.equal(ledger.escrows.has(hashOf(0)), true);
    assert.ok(ledger.escrows.size < 100, `${ledger.escrows.size} escrows are remembered`);
  });
});

describe("the check of the books", () => {
  test("is content with honest books", () => {
    for (const past of [[], [gift], [gift, funded], [gift, funded, awarded]])
      assert.equal(faultOf(fold(past)), undefined);
  });

  test("names what is wrong with cooked ones", () => {
    const cook = (change: (ledger: Ledger) => void): string | undefined => {
      const ledger = fold([gift, funded]);
      change(ledger);
      return faultOf(ledger);
    };
    assert.match(cook(({ balances }) => balances.set(ada, 601n)) ?? "", /sum to 1 /);
    assert.match(cook(({ balances }) => balances.set(ada, -1n)) ?? "", /below zero/);
    const tooMuch = microPointsMax + 1n;
    assert.match(cook(({ balances }) => balances.set(ada, tooMuch)) ?? "", /above/);
    const escrow = escrowAccount(jobHash);
    const shifted = (balances: Map<string, bigint>) => balances.set(escrow, 399n).set(ada, 601n);
    assert.match(cook(({ balances }) => shifted(balances)) ?? "", /is at 399 and not at 400/);
    assert.match(cook(({ escrows }) => escrows.clear()) ?? "", /escrow accounts of no job/);
  });
});

test("each entry moves its points in whole legs, and none of zero", () => {
  const escrow = escrowAccount(jobHash);
  assert.deepEqual(transfersOf(gift), [{ debit: issuance, credit: ada, amount: 1000n }]);
  assert.deepEqual(transfersOf(funded), [{ debit: ada, credit: escrow, amount: 400n }]);
  assert.deepEqual(transfersOf(awarded), [
    { debit: escrow, credit: "node:bob", amount: 100n },
    { debit: escrow, credit: "node:cyd", amount: 100n },
    { debit: escrow, credit: ada, amount: 200n },
  ]);
  assert.deepEqual(transfersOf({ ...refunded, amount: "0" }), []);
});

test("each refusal of the books has been shown here or in holds.test.ts", () =>
  assertEachRefusalShown(refusals, {
    AmountOutOfRange: true,
    AccountWithoutOwner: true,
    TransferDiffers: true,
    InsufficientFunds: true,
    FundingDiffers: true,
    JobOverdue: true,
    EscrowUnknown: true,
    EscrowReleased: true,
    EscrowExceeded: true,
    AwardTwice: true,
    NothingAccepted: true,
  } satisfies Partial<Record<LedgerRefusal, true>> as Record<LedgerRefusal, true>));
