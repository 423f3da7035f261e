/** What becomes of awards that are held: they are settled, or fall with the conviction of their node. */
import { accept, type Decision, refuse } from "../decider.ts";
import { escrowAccount, type JobHash, type NodeId } from "../ids.ts";
import { toText } from "../points.ts";
import type { LedgerEvent, SettledAward, VoidedAward } from "./events.ts";
import { heldOf, isDue } from "./holds.ts";
import type { LedgerCommand, LedgerRefusal } from "./ledger.ts";
import type { Ledger } from "./state.ts";

/** Awards that one entry voids at most. */
export const voidMax = 100;

type Answer = Decision<LedgerEvent, LedgerRefusal>;

export const settleAwards = (
  { awards, bondAwards, now: at }: Extract<LedgerCommand, { type: "SettleAwards" }>,
  { holds, bonded, escrows }: Ledger,
): Answer => {
  const settled: SettledAward[] = [];
  const seen = new Set<string>();
  const added = new Map<NodeId, number>();
  for (const awardId of awards) {
    const award = holds.awards.get(awardId);
    if (!award) continue; // It was settled or voided before.
    if (seen.has(awardId)) return refuse("AwardTwice");
    seen.add(awardId);
    if (escrows.get(award.jobHash)?.open) return refuse("AwardDisputed");
    if (!isDue(holds, award, at)) return refuse("HoldWindowOpen");
    const { nodeId, audited } = award;
    const amount = toText(award.amount);
    const count = (bonded.get(nodeId) ?? 0) + (added.get(nodeId) ?? 0);
    const isBond = audited && amount !== "0" && count < bondAwards;
    if (isBond) added.set(nodeId, (added.get(nodeId) ?? 0) + 1);
    settled.push({ awardId, nodeId, amount, bond: isBond ? amount : "0" });
  }
  if (settled.length === 0) return accept();
  return accept({ type: "AwardsSettled", settled, at });
};

export const voidAwards = (
  { nodeId, reason, now: at }: Extract<LedgerCommand, { type: "VoidAwards" }>,
  { holds, escrows }: Ledger,
): Answer => {
  const voided: VoidedAward[] = [];
  const reopened = new Set<JobHash>();
  for (const { awardId, jobHash, amount: held, reopens } of heldOf(holds, nodeId)) {
    if (voided.length === voidMax) break;
    const amount = toText(held);
    const escrow = escrows.get(jobHash);
    if (!escrow) continue; // Cannot be: an escrow is known as long as an award of it is held.
    const { open, round, client } = escrow;
    // What is open again already gets the points for its second end, which is its last.
    const isOpen = open || reopened.has(jobHash);
    if (isOpen) voided.push({ awardId, jobHash, amount, to: escrowAccount(jobHash) });
    else if (!reopens || round > 0) voided.push({ awardId, jobHash, amount, to: client });
    else {
      reopened.add(jobHash);
      voided.push({ awardId, jobHash, amount, to: escrowAccount(jobHash), reopens });
    }
  }
  if (voided.length === 0) return accept();
  return accept({ type: "AwardsVoided", nodeId, reason, voided, at });
};
