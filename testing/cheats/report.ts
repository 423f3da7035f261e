/** What the log says of a campaign, held against what only the campaign knows: who lied, and when. */
import type { JobHash, NodeId } from "../../domain/ids.ts";
import type { AnyEvent } from "../../streams/codec.ts";
import { decode } from "../../streams/codec.ts";
import type { RecordedEvent } from "../../streams/event-store.ts";

export interface CheatsReport {
  readonly jobs: number;
  readonly completed: number;
  /** Results of ordinary nodes and of arbiters, by job. */
  readonly redundancy: number;
  readonly audits: number;
  /** Wrong results that nodes gave. */
  readonly wrongGiven: number;
  /** Wrong results that were accepted at first. */
  readonly wrongAccepted: number;
  /** Jobs that were opened again. */
  readonly reopened: number;
  /** Jobs whose output is wrong at the end. */
  readonly wrongAtEnd: number;
  /** Wrong results whose award was settled, and so could not be taken back. */
  readonly wrongSettled: number;
  readonly expelled: readonly NodeId[];
  /** What was settled for honest nodes, in micro-points; and for cheats. */
  readonly settledHonest: bigint;
  readonly settledCheats: bigint;
  /** What stayed in the bonds and the accounts of cheats. */
  readonly slashed: bigint;
  /** Honest nodes that were settled nothing, or lost an award. */
  readonly unpaid: readonly NodeId[];
}

export const reportOn = (
  log: readonly RecordedEvent[],
  {
    honest,
    isLie,
  }: {
    readonly honest: readonly NodeId[];
    /** Whether the node's result of the job was wrong. */
    readonly isLie: (nodeId: NodeId, jobHash: JobHash) => boolean;
  },
): CheatsReport => {
  const events = log.flatMap((recorded): readonly AnyEvent[] => {
    const event = decode(recorded);
    return event ? [event] : [];
  });
  const of = <Type extends AnyEvent["type"]>(type: Type) =>
    events.filter((event): event is Extract<AnyEvent, { type: Type }> => event.type === type);
  const awards = new Map<string, { readonly jobHash: JobHash; readonly nodeId: NodeId }>();
  for (const { jobHash, awards: paid } of of("PointsAwarded"))
    for (const { awardId, nodeId } of paid) awards.set(awardId, { jobHash, nodeId });
  const settled = of("AwardsSettled").flatMap((entry) => entry.settled);
  const voided = of("AwardsVoided").flatMap((entry) => entry.voided);
  const isHonest = new Set(honest);
  const sum = (amounts: readonly string[]) => amounts.reduce((all, one) => all + BigInt(one), 0n);
  const settledOf = (whose: boolean) =>
    sum(settled.filter(({ nodeId }) => isHonest.has(nodeId) === whose).map(({ amount }) => amount));
  const gained = new Set(settled.map(({ nodeId }) => nodeId));
  const lost = new Set(voided.map(({ awardId }) => awards.get(awardId)?.nodeId));
  const atEnd = new Map(of("JobCompleted").map((event) => [event.jobHash, event]));
  const isWrong = ({ jobHash, accepted }: Extract<AnyEvent, { type: "JobCompleted" }>) =>
    accepted.some(({ nodeId }) => isLie(nodeId, jobHash));
  const jobs = of("JobSubmitted").length;

  return {
    jobs,
    completed: atEnd.size,
    redundancy: of("ResultReceived").length / Math.max(1, jobs),
    audits: of("AuditDrawn").filter(({ draws }) => draws.some(({ audited }) => audited)).length,
    wrongGiven: of("ResultReceived").filter(({ nodeId, jobHash }) => isLie(nodeId, jobHash)).length,
    wrongAccepted: of("JobCompleted").filter(isWrong).length,
    reopened: of("JobReopened").length,
    wrongAtEnd: [...atEnd.values()].filter(isWrong).length,
    wrongSettled: settled.filter(({ awardId }) => {
      const award = awards.get(awardId);
      return award !== undefined && isLie(award.nodeId, award.jobHash);
    }).length,
    expelled: of("NodeConvicted").map(({ nodeId }) => nodeId),
    settledHonest: settledOf(true),
    settledCheats: settledOf(false),
    slashed:
      sum(of("BondSlashed").map(({ amount }) => amount)) + sum(voided.map((one) => one.amount)),
    unpaid: honest.filter((nodeId) => !gained.has(nodeId) || lost.has(nodeId)),
  };
};
