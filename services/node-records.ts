/** What audits and the ledger say of each node: from this follows how often it is audited. */
import type { NodeId } from "../domain/ids.ts";
import { createCredibility } from "./credibility.ts";
import type { Listener } from "./facts.ts";
import { createPointsAtRisk } from "./points-at-risk.ts";

export interface NodeRecord {
  /** Audits that its results of a runtime survived. */
  readonly survived: number;
  /** Micro-points that a conviction would take from it. */
  readonly atRisk: bigint;
}

export interface NodeRecords extends Listener {
  /** @param runtime - `runtimeOf` of app and execution class. */
  of(nodeId: NodeId, runtime: string): NodeRecord;
}

export const createNodeRecords = (): NodeRecords => {
  const credibility = createCredibility();
  const points = createPointsAtRisk();
  return {
    hear: ({ event }) => {
      credibility.hear(event);
      points.hear(event);
    },
    act: () => undefined,
    of: (nodeId, runtime) => ({
      survived: credibility.survived(nodeId, runtime),
      atRisk: points.of(nodeId),
    }),
  };
};
