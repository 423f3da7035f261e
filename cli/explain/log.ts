/** The log as the gateway tells it, for whoever recomputes what was decided. */

import { nodeEvents } from "../../domain/dispatch/roster.ts";
import type { JobEvent } from "../../domain/job/events.ts";
import type { CnctClient } from "../../sdk/index.ts";
import type { RecordedEvent } from "../../streams/event-store.ts";
import { exitCodes } from "../exit-codes.ts";
import { CliFailure } from "../failures.ts";

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
  TaskStopped: true,
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
const dispatchTypes = [
  ...Object.keys(jobEvents),
  ...Object.keys(nodeEvents),
  "PolicyAdopted",
  "JobFunded",
];

/** From the beginning up to a position. @param types - What dispatch weighs if left out. */
export const readLog = async function* (
  client: CnctClient,
  upTo: bigint,
  types: readonly string[] = dispatchTypes,
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

/**
 * A position that `--at` names, up to the last one; without it the last.
 *
 * @throws {CliFailure} `bad-option` for what is no position that there is.
 */
export const positionIn = (text: string | undefined, head: bigint): bigint => {
  if (text === undefined) return head;
  if (/^\d{1,19}$/.test(text) && BigInt(text) <= head) return BigInt(text);
  throw new CliFailure(
    "bad-option",
    `--at takes a position of the log, 0 to ${head}, not "${text}"`,
    exitCodes.usage,
  );
};
