/**
 * The ledger: every movement of points, double entry, in one total order.
 *
 * An escrow lives from funding to its release. If an award that is still held falls with the
 * conviction of its node, it goes back into the escrow, which is open again until the job's next end:
 *
 *     (none) --fund--> open --award/refund--> closed --forgetAt passes--> (none)
 *                        ^---void an award------'
 *
 * What becomes of an award that is held stands in `holds.ts`, what is folded in `state.ts`. The state
 * is folded in place; `decide` only reads it. Whoever needs an older state folds again.
 */
import { accept, type Decision, refuse } from "../decider.ts";
import { portableSha256, type Sha256 } from "../hashing.ts";
import {
  type AccountId,
  bondAccount,
  isClientAccount,
  isNodeId,
  issuance,
  type NodeId,
} from "../ids.ts";
import { isMicroPoints, microPointsMax, toText } from "../points.ts";
import type { LedgerCommand, LedgerRefusal } from "./commands.ts";
import type { LedgerEvent } from "./events.ts";
import { heldOf } from "./holds.ts";
import { awardPoints, refundJob } from "./release.ts";
import { settleAwards, voidAwards } from "./settle.ts";
import { balanceOf, type Ledger, rememberMs } from "./state.ts";

export type { Accepted, LedgerCommand, LedgerRefusal, Stopped } from "./commands.ts";
export { faultOf } from "./fault.ts";
export { dueAwards, nextDueAt } from "./holds.ts";
export { awardId } from "./release.ts";
export { balanceOf, emptyLedger, evolveLedger, type Ledger, rememberMs } from "./state.ts";

export const decideLedger = (
  command: LedgerCommand,
  ledger: Ledger,
  sha256: Sha256 = portableSha256,
): Decision<LedgerEvent, LedgerRefusal> => {
  const at = command.now;
  switch (command.type) {
    case "IssuePoints": {
      const { transferId, account, amount, reason } = command;
      const said = ledger.issues.get(transferId);
      if (said !== undefined)
        return said === `${account} ${amount}` ? accept() : refuse("TransferDiffers");
      if (!hasOwner(account)) return refuse("AccountWithoutOwner");
      if (!isMicroPoints(amount) || amount === "0") return refuse("AmountOutOfRange");
      // All points together are limited, so that whoever gets them all can still hold them.
      const issued = -balanceOf(ledger, issuance);
      if (issued + BigInt(amount) > microPointsMax) return refuse("AmountOutOfRange");
      return accept({ type: "PointsIssued", transferId, account, amount, reason, at });
    }

    case "FundJob": {
      const { jobHash, client, amount, deadlineAt } = command;
      const escrow = ledger.escrows.get(jobHash);
      if (escrow) {
        const same = escrow.client === client && toText(escrow.funded) === amount;
        return same ? accept() : refuse("FundingDiffers");
      }
      if (!hasOwner(client)) return refuse("AccountWithoutOwner"); // Or one escrow could fill another.
      if (!isMicroPoints(amount)) return refuse("AmountOutOfRange");
      if (at >= deadlineAt) return refuse("JobOverdue");
      if (balanceOf(ledger, client) < BigInt(amount)) return refuse("InsufficientFunds");
      const forgetAt = deadlineAt + rememberMs;
      return accept({ type: "JobFunded", jobHash, client, amount, forgetAt, at });
    }

    case "AwardPoints":
      return awardPoints(command, ledger, sha256);

    case "RefundJob":
      return refundJob(command, ledger);

    case "SettleAwards":
      return settleAwards(command, ledger);

    case "VoidAwards":
      return voidAwards(command, ledger);

    case "SlashBond": {
      const { nodeId, reason } = command;
      if (!noneHeld(ledger, nodeId)) return refuse("AwardsPending"); // They are taken first.
      const amount = toText(balanceOf(ledger, bondAccount(nodeId)));
      if (amount === "0") return accept();
      return accept({ type: "BondSlashed", nodeId, amount, reason, at });
    }

    case "ReturnBond": {
      const { nodeId } = command;
      if (!noneHeld(ledger, nodeId)) return refuse("AwardsPending");
      const amount = toText(balanceOf(ledger, bondAccount(nodeId)));
      if (amount === "0") return accept();
      return accept({ type: "BondReturned", nodeId, amount, at });
    }
  }
};

const noneHeld = ({ holds }: Ledger, nodeId: NodeId): boolean => {
  for (const _ of heldOf(holds, nodeId)) return false;
  return true;
};

/** Issuance, escrows and what is beside a node's account belong to nobody: what is issued there could never be spent. */
const hasOwner = (account: AccountId): boolean =>
  account.startsWith("node:") ? isNodeId(account.slice(5)) : isClientAccount(account);
