/** How an escrow is released at the end of its job: to nodes, to the client, or to both. */
import { accept, type Decision, refuse } from "../decider.ts";
import { portableSha256, type Sha256 } from "../hashing.ts";
import { type Digest, escrowAccount, type JobHash, type NodeId } from "../ids.ts";
import { isMicroPoints, toText } from "../points.ts";
import type { Award, AwardsVoided, LedgerEvent, VoidedAward } from "./events.ts";
import type { HeldAward } from "./holds.ts";
import type { LedgerCommand, LedgerRefusal } from "./ledger.ts";
import type { Escrow, Ledger } from "./state.ts";

export interface Accepted {
  readonly replica: number;
  readonly nodeId: NodeId;
  /** Computed for the network: paid at once. */
  readonly arbiter?: true;
  /** An arbiter has computed the same. */
  readonly audited?: true;
}

type Answer = Decision<LedgerEvent, LedgerRefusal>;
type AwardCommand = Extract<LedgerCommand, { type: "AwardPoints" }>;
type RefundCommand = Extract<LedgerCommand, { type: "RefundJob" }>;

export const awardPoints = (command: AwardCommand, ledger: Ledger, sha256: Sha256): Answer => {
  const { jobHash, price, accepted, round = 0, hold, now: at } = command;
  const escrow = ledger.escrows.get(jobHash);
  if (!escrow) return refuse("EscrowUnknown");
  if (escrow.round !== round) return refuse("EscrowReopened");
  if (escrow.closedBy === "PointsAwarded") return accept();
  if (!escrow.open) return refuse("EscrowReleased");
  if (!allDiffer(accepted)) return refuse("AwardTwice");
  if (!isMicroPoints(price)) return refuse("AmountOutOfRange");

  // Of a job that was opened again some were awarded before: they keep it, or have lost it for good.
  const stateOf = ({ replica }: Accepted) =>
    escrow.held?.find((award) => award.replica === replica)?.state;
  const fresh = escrow.held ? accepted.filter((one) => stateOf(one) === undefined) : accepted;
  if (accepted.every((one) => stateOf(one) === "voided")) return refuse("NothingAccepted");
  const fallen = pendingOf(escrow).filter((one) => !isAmong(accepted, one));
  const left = escrow.left + sum(fallen);
  const paid = BigInt(price) * BigInt(fresh.length);
  if (paid > left) return refuse("EscrowExceeded");

  const awards = fresh.map(({ replica, nodeId, arbiter, audited }): Award => {
    const id = awardId({ jobHash, replica }, sha256);
    const award = { awardId: id, replica, nodeId, amount: price };
    if (!hold || arbiter) return award;
    return { ...award, held: true, ...(audited ? { audited } : {}) };
  });
  const { client } = escrow;
  const refund = toText(left - paid);
  const plain = { type: "PointsAwarded", jobHash, client, awards, refund, at } as const;
  const voided = voidInto(jobHash, fallen, "not-accepted", at);
  if (!hold || !awards.some(({ held }) => held)) return accept<LedgerEvent>(...voided, plain);
  const { jobs, ms, reopens } = hold;
  const window = { jobs, until: at + ms, ...(reopens ? { reopens } : {}) };
  return accept<LedgerEvent>(...voided, { ...plain, hold: window });
};

export const refundJob = (command: RefundCommand, ledger: Ledger): Answer => {
  const { jobHash, reason, round = 0, now: at } = command;
  const escrow = ledger.escrows.get(jobHash);
  if (!escrow) return refuse("EscrowUnknown");
  if (escrow.round !== round) return refuse("EscrowReopened");
  if (escrow.closedBy === "JobRefunded") return accept();
  if (!escrow.open) return refuse("EscrowReleased");
  // A job that comes to nothing after all pays nobody whose award is still held.
  const fallen = pendingOf(escrow);
  const amount = toText(escrow.left + sum(fallen));
  const { client } = escrow;
  const refunded = { type: "JobRefunded", jobHash, client, amount, reason, at } as const;
  return accept<LedgerEvent>(...voidInto(jobHash, fallen, reason, at), refunded);
};

const awardPolicy = 1;

/** At most one award for a replica of a job under one policy. */
export const awardId = (
  award: { readonly jobHash: JobHash; readonly replica: number },
  sha256: Sha256 = portableSha256,
): Digest => sha256(`cnct/award/v1\n${award.jobHash}/${award.replica}/${awardPolicy}`);

const pendingOf = ({ held }: Escrow): readonly HeldAward[] =>
  held?.filter(({ state }) => state === "pending") ?? [];

const isAmong = (accepted: readonly Accepted[], award: HeldAward): boolean =>
  accepted.some(({ replica, nodeId }) => replica === award.replica && nodeId === award.nodeId);

const sum = (awards: readonly HeldAward[]): bigint =>
  awards.reduce((total, { amount }) => total + amount, 0n);

/** Into the job's own escrow, from which they go on in the entry that follows. */
const voidInto = (
  jobHash: JobHash,
  fallen: readonly HeldAward[],
  reason: string,
  at: number,
): readonly AwardsVoided[] => {
  const to = escrowAccount(jobHash);
  return fallen.map(({ awardId, nodeId, amount }): AwardsVoided => {
    const voided: VoidedAward = { awardId, jobHash, amount: toText(amount), to };
    return { type: "AwardsVoided", nodeId, reason, voided: [voided], at };
  });
};

const allDiffer = (accepted: readonly Accepted[]): boolean =>
  new Set(accepted.map(({ replica }) => replica)).size === accepted.length &&
  new Set(accepted.map(({ nodeId }) => nodeId)).size === accepted.length;
