/** What becomes of awards that are held: they are settled, or fall with the conviction of their node. */
import { accept, type Decision, refuse } from "../decider.ts";
import { escrowAccount, type NodeId } from "../ids.ts";
import { toText } from "../points.ts";
import type { LedgerCommand, LedgerRefusal } from "./commands.ts";
import type { LedgerEvent, SettledAward, VoidedAward } from "./events.ts";
import { type HeldAward, heldOf, isDue } from "./holds.ts";
import type { Escrow, Ledger } from "./state.ts";

/** Awards that one entry voids at most. */
export const voidMax = 100;

type Answer = Decision<LedgerEvent, LedgerRefusal>;

export const settleAwards = (
  { awards, bondAwards, now: at }: Extract<LedgerCommand, { type: "SettleAwards" }>,
  { holds, bonded }: Ledger,
): Answer => {
  const settled: SettledAward[] = [];
  const seen = new Set<string>();
  const added = new Map<NodeId, number>();
  for (const awardId of awards) {
    const award = holds.awards.get(awardId);
    if (!award) continue; // It was settled or voided before.
    if (seen.has(awardId)) return refuse("AwardTwice");
    seen.add(awardId);
    if (!isDue(holds, award, at)) return refuse("HoldWindowOpen");
    const { jobHash, nodeId, audited } = award;
    const amount = toText(award.amount);
    const count = (bonded.get(nodeId) ?? 0) + (added.get(nodeId) ?? 0);
    const isBond = audited && amount !== "0" && count < bondAwards;
    if (isBond) added.set(nodeId, (added.get(nodeId) ?? 0) + 1);
    settled.push({ awardId, jobHash, nodeId, amount, bond: isBond ? amount : "0" });
  }
  if (settled.length === 0) return accept();
  return accept({ type: "AwardsSettled", settled, at });
};

export const voidAwards = (
  { nodeId, reason, now: at }: Extract<LedgerCommand, { type: "VoidAwards" }>,
  { holds, escrows }: Ledger,
): Answer => {
  const voided: VoidedAward[] = [];
  for (const award of heldOf(holds, nodeId)) {
    if (voided.length === voidMax) break;
    const { awardId, jobHash } = award;
    const amount = toText(award.amount);
    const escrow = escrows.get(jobHash);
    if (!escrow) continue; // Cannot be: an escrow is known as long as an award of it is held.
    if (!fallsWith(award, escrow)) voided.push({ awardId, jobHash, amount, to: escrow.client });
    else voided.push({ awardId, jobHash, amount, to: escrowAccount(jobHash), reopens: true });
  }
  if (voided.length === 0) return accept();
  return accept({ type: "AwardsVoided", nodeId, reason, voided, at });
};

/**
 * Whether a job falls with this award: its arbiter has nobody beside it; or no arbiter has looked at it,
 * and nobody else whose result was accepted has kept an award. A job is opened again once.
 */
const fallsWith = (award: HeldAward, { round, held }: Escrow): boolean =>
  round === 0 &&
  (award.sole ||
    (award.reopens &&
      held?.every((other) => other === award || other.state === "voided") === true));
