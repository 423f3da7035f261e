/**
 * One row a node that ever had a task: its track, from which its scores are computed, its warnings,
 * and how many lines its history has. The lines themselves stand in `scoreChanges`.
 */
import {
  blankRecord,
  evolveRecord,
  type RecordEvent,
  type ReputationRecord,
} from "../domain/reputation/record.ts";
import type { Projection, Step } from "./projection.ts";

const step: Step<ReputationRecord, RecordEvent> = {
  keysOf: ({ nodeId }) => [nodeId],
  evolve: (row, event, { position, policy }) =>
    evolveRecord(row ?? blankRecord(event.nodeId), event, {
      position,
      parameters: policy.reputation,
    }),
};

export const reputation: Projection<ReputationRecord> = {
  name: "reputation",
  version: 4,
  on: {
    TaskAssigned: step,
    ResultCommitted: step,
    ResultReceived: step,
    TaskFailed: step,
    TaskExpired: step,
    TaskStopped: step,
    ResultAccepted: step,
    ResultRejected: step,
    NodeConvicted: step,
  },
};
