/**
 * How many audits the results of each node survived, for each runtime: from this its credibility
 * follows, and how often it is audited. Folded from facts alone, so that everybody who reads the log
 * counts the same.
 */
import type { JobHash, NodeId } from "../domain/ids.ts";
import type { AuditDraw } from "../domain/job/events.ts";
import type { AnyEvent } from "../streams/codec.ts";

export interface Credibility {
  /** Folds a fact; passes over what says nothing about audits. */
  hear(event: AnyEvent): void;
  /**
   * Audits and settled disagreements that the node's results survived in a row; 0 for a newcomer, and
   * again after a conviction.
   *
   * @param runtime - `runtimeOf` of app and execution class.
   */
  survived(nodeId: NodeId, runtime: string): number;
  isConvicted(nodeId: NodeId): boolean;
}

/** @param onCount - Hears each count that changes. */
export const createCredibility = (
  onCount: (nodeId: NodeId, runtime: string, survived: number) => void = () => undefined,
): Credibility => {
  const nodes = new Map<NodeId, Map<string, number>>();
  const convicts = new Set<NodeId>();
  /** The draws of each job that has not ended. */
  const drawn = new Map<JobHash, AuditDraw[]>();

  const drawOf = (task: { jobHash: JobHash; replica: number; attempt: number }) =>
    drawn
      .get(task.jobHash)
      ?.find(({ replica, attempt }) => replica === task.replica && attempt === task.attempt);

  const count = ({ nodeId, runtime }: AuditDraw): void => {
    const counts = nodes.get(nodeId) ?? new Map<string, number>();
    const survived = (counts.get(runtime) ?? 0) + 1;
    nodes.set(nodeId, counts.set(runtime, survived));
    onCount(nodeId, runtime, survived);
  };

  return {
    hear: (event) => {
      switch (event.type) {
        case "AuditDrawn":
          drawn.set(event.jobHash, [...(drawn.get(event.jobHash) ?? []), ...event.draws]);
          return;
        case "ResultAccepted": {
          const draw = event.audited && drawOf(event);
          if (draw) count(draw);
          return;
        }
        case "NodeConvicted":
          convicts.add(event.nodeId);
          for (const runtime of nodes.get(event.nodeId)?.keys() ?? [])
            onCount(event.nodeId, runtime, 0);
          nodes.delete(event.nodeId);
          return;
        case "JobCompleted":
        case "JobFailed":
        case "JobCancelled":
          drawn.delete(event.jobHash);
      }
    },
    survived: (nodeId, runtime) => nodes.get(nodeId)?.get(runtime) ?? 0,
    isConvicted: (nodeId) => convicts.has(nodeId),
  };
};
