/** The log as the gateway tells it, for whoever recomputes what was decided. */

import { nodeEvents } from "../../domain/dispatch/roster.ts";
import type { JobEvent } from "../../domain/job/events.ts";
import type { CnctClient } from "../../sdk/index.ts";
import type { RecordedEvent } from "../../streams/event-store.ts";

const jobEvents: Readonly<Record<JobEvent["type"], true>> = {
  JobSubmitted: true,
  KeysWrapped: true,
  KeysAwaited: true,
  JobRejected: true,
  TaskAssigned: true,
  ResultCommitted: true,
  ResultReceived: true,
  TaskFailed: true,
  TaskExpired: true,
  ResultsDisagreed: true,
  AuditDrawn: true,
  ReplicaWanted: true,
  ResultAccepted: true,
  ResultRejected: true,
  JobCompleted: true,
  JobFailed: true,
  JobCancelled: true,
  JobReopened: true,
};
/** What dispatch weighs, and whether a job was funded. */
const types = [...Object.keys(jobEvents), ...Object.keys(nodeEvents), "PolicyAdopted", "JobFunded"];

/** Everything that dispatch weighs, from the beginning up to a position. */
export const readLog = async function* (
  client: CnctClient,
  upTo: bigint,
): AsyncGenerator<RecordedEvent> {
  const ending = new AbortController();
  try {
    for await (const { position, events } of client.events({
      after: "-1",
      types,
      signal: ending.signal,
    })) {
      for (const { id, stream, revision, type, data, at, position: place } of events) {
        if (BigInt(place) > upTo) return;
        const named = { id, stream, revision: BigInt(revision), position: BigInt(place) };
        yield { ...named, type, data, recordedAt: at };
      }
      if (BigInt(position) >= upTo) return;
    }
  } finally {
    ending.abort();
  }
};

/** Position of the last event that there is. */
export const headOf = async ({ ask }: CnctClient): Promise<bigint> => {
  const { network } = await ask<{ network: { head: string } }>("query Head { network { head } }");
  return BigInt(network.head);
};
