/**
 * What follows from a proof: the node is convicted, and what it was paid for and nobody has checked is
 * opened again. State is the debt: facts make it and facts clear it, so nothing is lost by a restart.
 */
import type { JobHash, NodeId } from "../../domain/ids.ts";
import { node } from "../../domain/node/node.ts";
import type { EventIds } from "../../streams/event-ids.ts";
import type { EventStore } from "../../streams/event-store.ts";
import { handleCommand } from "../../streams/handle-command.ts";
import { nodeStream } from "../../streams/names.ts";
import { type Fact, serviceActor } from "../facts.ts";

const actor = serviceActor("validator");

/** A result that was proven wrong. */
export interface Proof {
  readonly nodeId: NodeId;
  readonly jobHash: JobHash;
  readonly replica: number;
  readonly reason: string;
}

export interface Reopening {
  readonly jobHash: JobHash;
  /** Revision in the ledger stream of the event that voided its award. */
  readonly fundedAt: number;
}

export interface Convictions {
  hear(fact: Fact): void;
  /** Proofs whose node is not convicted yet, one for each node. */
  proofs(): readonly Proof[];
  /** Jobs that are to be opened again. */
  reopenings(): readonly Reopening[];
  /** The job's rules see no need, so nothing is owed. */
  settle(reopening: Reopening): void;
}

export const createConvictions = (): Convictions => {
  const convicts = new Set<NodeId>();
  const proven = new Map<NodeId, Proof>();
  const voided = new Map<JobHash, Reopening>();

  return {
    hear: ({ event, revision }) => {
      switch (event.type) {
        case "ResultRejected":
          if (event.convicted && !convicts.has(event.nodeId) && !proven.has(event.nodeId)) {
            const { nodeId, jobHash, replica, reason } = event;
            proven.set(nodeId, { nodeId, jobHash, replica, reason });
          }
          return;
        case "NodeConvicted":
          convicts.add(event.nodeId);
          proven.delete(event.nodeId);
          return;
        case "AwardsVoided":
          for (const { jobHash, reopens } of event.voided)
            if (reopens) voided.set(jobHash, { jobHash, fundedAt: Number(revision) });
          return;
        case "JobReopened": {
          const due = voided.get(event.jobHash);
          if (due && due.fundedAt <= event.fundedAt) voided.delete(event.jobHash);
        }
      }
    },
    proofs: () => [...proven.values()],
    reopenings: () => [...voided.values()],
    settle: ({ jobHash, fundedAt }) => {
      if (voided.get(jobHash)?.fundedAt === fundedAt) voided.delete(jobHash);
    },
  };
};

/** Expels the node for what was proven. */
export const convict = async (
  { nodeId, jobHash, replica, reason }: Proof,
  { store, ids, now }: { readonly store: EventStore; readonly ids: EventIds; readonly now: number },
): Promise<void> => {
  const command = { type: "ConvictNode", nodeId, jobHash, replica, reason, actor, now } as const;
  const stream = nodeStream(nodeId);
  const answer = await handleCommand({ store, ids }, node, { stream }, command);
  if (!answer.ok) throw new Error(`node ${nodeId} was not convicted: ${answer.reason}`);
};
