/** How an escrow is released at the end of its job: to nodes, to the client, or to both. */
import { accept, type Decision, refuse } from "../decider.ts";
import { portableSha256, type Sha256 } from "../hashing.ts";
import type { Digest, JobHash } from "../ids.ts";
import { isMicroPoints, type MicroPointsText, toText } from "../points.ts";
import type { Accepted, LedgerCommand, LedgerRefusal } from "./commands.ts";
import type { Award, LedgerEvent } from "./events.ts";
import type { Ledger } from "./state.ts";

type Answer = Decision<LedgerEvent, LedgerRefusal>;
type AwardCommand = Extract<LedgerCommand, { type: "AwardPoints" }>;
type RefundCommand = Extract<LedgerCommand, { type: "RefundJob" }>;

export const awardPoints = (command: AwardCommand, ledger: Ledger, sha256: Sha256): Answer => {
  const { jobHash, price, accepted, stopped = [], round = 0, hold, now: at } = command;
  const escrow = ledger.escrows.get(jobHash);
  if (!escrow) return refuse("EscrowUnknown");
  if (escrow.round !== round) return refuse("EscrowReopened");
  if (escrow.closedBy === "PointsAwarded") return accept();
  if (!escrow.open) return refuse("EscrowReleased");
  if (accepted.length === 0) return refuse("NothingAccepted");
  if (!allDiffer([...accepted, ...stopped])) return refuse("AwardTwice");
  // Nodes of a job that was opened again were awarded before. Who lost it has lost it for good, also
  // if it was convicted of something else when this end was on its way; who did not has it already.
  const isNew = ({ nodeId }: Accepted) => !escrow.held?.some((one) => one.nodeId === nodeId);
  const unpaid = accepted.filter(isNew);
  if (!isMicroPoints(price)) return refuse("AmountOutOfRange");
  const earners = round === 0 ? unpaid : affordable(unpaid, BigInt(price), escrow.left);
  if (stopped.some(({ amount }) => !isPart(amount, price))) return refuse("AmountOutOfRange");
  const parts = stopped.reduce((sum, { amount }) => sum + BigInt(amount), 0n);
  const paid = BigInt(price) * BigInt(earners.length) + parts;
  if (paid > escrow.left) return refuse("EscrowExceeded");

  const idOf = (replica: number) => awardId({ jobHash, replica, round }, sha256);
  // A job is opened again once: who decides it then is not doubted any more.
  const isSole = round === 0 && accepted.filter(({ arbiter }) => arbiter).length === 1;
  const whole = earners.map(({ replica, nodeId, arbiter, audited }): Award => {
    const award = { awardId: idOf(replica), replica, nodeId, amount: price };
    if (!hold || (arbiter && !isSole)) return award;
    if (arbiter) return { ...award, held: true, ...(hold.final ? {} : { sole: true }) };
    return { ...award, held: true, ...(audited ? { audited } : {}) };
  });
  const awards = [
    ...whole,
    ...stopped
      .filter(({ amount }) => amount !== "0")
      .map(({ replica, nodeId, amount }): Award => {
        return { awardId: idOf(replica), replica, nodeId, amount, stopped: true };
      }),
  ];
  const { client } = escrow;
  const refund = toText(escrow.left - paid);
  const plain = { type: "PointsAwarded", jobHash, client, awards, refund, at } as const;
  if (!hold || !awards.some(({ held }) => held)) return accept(plain);
  const { jobs, ms, reopens } = hold;
  return accept({ ...plain, hold: { jobs, until: at + ms, ...(reopens ? { reopens } : {}) } });
};

export const refundJob = (command: RefundCommand, ledger: Ledger): Answer => {
  const { jobHash, reason, round = 0, now: at } = command;
  const escrow = ledger.escrows.get(jobHash);
  if (!escrow) return refuse("EscrowUnknown");
  if (escrow.round !== round) return refuse("EscrowReopened");
  if (escrow.closedBy === "JobRefunded") return accept();
  if (!escrow.open) return refuse("EscrowReleased");
  const amount = toText(escrow.left);
  const { client } = escrow;
  return accept({ type: "JobRefunded", jobHash, client, amount, reason, at });
};

/**
 * Of a job that was opened again there is what was voided and no more: the arbiter who decided it
 * comes first, then whoever was outvoted by convicts, as far as it goes.
 */
const affordable = (
  accepted: readonly Accepted[],
  price: bigint,
  left: bigint,
): readonly Accepted[] => {
  const rank = ({ arbiter }: Accepted): number => (arbiter ? 0 : 1);
  const inOrder = accepted.toSorted((a, b) => rank(a) - rank(b));
  return price === 0n ? inOrder : inOrder.slice(0, Number(left / price));
};

const awardPolicy = 1;

/** At most one award for a replica of a job under one policy, and one more at each end after the first. */
export const awardId = (
  {
    jobHash,
    replica,
    round = 0,
  }: { readonly jobHash: JobHash; readonly replica: number; readonly round?: number },
  sha256: Sha256 = portableSha256,
): Digest => {
  const again = round === 0 ? "" : `/${round}`;
  return sha256(`cnct/award/v1\n${jobHash}/${replica}/${awardPolicy}${again}`);
};

const isPart = (amount: MicroPointsText, price: MicroPointsText): boolean =>
  isMicroPoints(amount) && BigInt(amount) <= BigInt(price);

const allDiffer = (accepted: readonly Pick<Accepted, "replica" | "nodeId">[]): boolean =>
  new Set(accepted.map(({ replica }) => replica)).size === accepted.length &&
  new Set(accepted.map(({ nodeId }) => nodeId)).size === accepted.length;
