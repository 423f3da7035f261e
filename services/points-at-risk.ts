/**
 * What each node would lose by a conviction: its bond and the awards that are held. The more it is, the
 * less lying can pay, and the less need its results be audited. Folded from facts of the ledger alone.
 */
import type { NodeId } from "../domain/ids.ts";
import type { AnyEvent } from "../streams/codec.ts";

export interface PointsAtRisk {
  /** Folds a fact; passes over what moves nothing that is held or in bond. */
  hear(event: AnyEvent): void;
  /** Micro-points. */
  of(nodeId: NodeId): bigint;
}

export const createPointsAtRisk = (): PointsAtRisk => {
  const points = new Map<NodeId, bigint>();
  const add = (nodeId: NodeId, amount: bigint): void => {
    const sum = (points.get(nodeId) ?? 0n) + amount;
    if (sum === 0n) points.delete(nodeId);
    else points.set(nodeId, sum);
  };

  return {
    hear: (event) => {
      switch (event.type) {
        case "PointsAwarded":
          for (const { nodeId, amount, held } of event.awards)
            if (held) add(nodeId, BigInt(amount));
          return;
        case "AwardsSettled":
          for (const { nodeId, amount, bond } of event.settled)
            add(nodeId, BigInt(bond) - BigInt(amount));
          return;
        case "AwardsVoided":
          for (const { amount } of event.voided) add(event.nodeId, -BigInt(amount));
          return;
        case "BondSlashed":
        case "BondReturned":
          add(event.nodeId, -BigInt(event.amount));
      }
    },
    of: (nodeId) => points.get(nodeId) ?? 0n,
  };
};
