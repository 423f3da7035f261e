/**
 * The open jobs of this process, folded in memory, and the way to change them: decide on what is
 * known, append with the exact revision. No stream is read before a write, unless someone else was
 * first or the job had already left the book.
 */

import type { JobHash } from "../domain/ids.ts";
import type { JobEvent } from "../domain/job/events.ts";
import { type Job, type JobCommand, type JobRefusal, job } from "../domain/job/job.ts";
import { decode, encode } from "../streams/codec.ts";
import type { EventIds } from "../streams/event-ids.ts";
import type { EventStore, Expected } from "../streams/event-store.ts";
import { jobStream, jobStreamPrefix } from "../streams/names.ts";
import type { Fact, Listener } from "./facts.ts";

export interface JobBook extends Listener {
  /** The job as far as this process knows; "unknown" also for one that ended long ago. */
  get(jobHash: JobHash): Job;
  /**
   * Decides the commands one after the other and appends what they yield, all at once. A refused
   * command is passed over and its refusal answered in its place.
   *
   * @throws {EventStoreError} When the store does not answer. It may still have written: say it again.
   */
  handle(
    jobHash: JobHash,
    commands: readonly JobCommand[],
  ): Promise<readonly (JobRefusal | undefined)[]>;
}

interface Entry {
  job: Job;
  /** Of the last event folded; -1 before the first. */
  revision: bigint;
  /** The append under way; the next command waits for it. */
  busy: Promise<unknown> | undefined;
}

/** Jobs that ended are kept so long, to shrug at repeats without reading the store. */
const endedKept = 5_000;
/** Jobs that may be opened again: the most whose awards are held (`holdJobs`), and some that are late. */
const heldKept = 12_000;
const conflictsMax = 20;

/** @param decider - The rules; others only in tests that want to see them broken. */
export const createJobBook = ({
  store,
  ids,
  decider = job,
}: {
  readonly store: EventStore;
  readonly ids: EventIds;
  readonly decider?: typeof job;
}): JobBook => {
  const entries = new Map<JobHash, Entry>();
  const ended: JobHash[] = [];
  const held: JobHash[] = [];

  const evolve = (entry: Entry, event: JobEvent, revision: bigint) => {
    entry.job = decider.evolve(entry.job, event);
    entry.revision = revision;
  };

  /** Counted from when the feed has told the end, so that no listener hears of a job that is gone. */
  const keepEnded = (jobHash: JobHash, isHeld: boolean) => {
    const [line, kept] = isHeld ? [held, heldKept] : [ended, endedKept];
    if (line.push(jobHash) < 2 * kept) return;
    for (const old of line.splice(0, kept))
      if (entries.get(old)?.job.status !== "open") entries.delete(old);
  };

  const load = async (jobHash: JobHash): Promise<Entry> => {
    const entry: Entry = { job: decider.initial, revision: -1n, busy: undefined };
    for await (const recorded of store.readStream(jobStream(jobHash), "start")) {
      const event = decode(recorded);
      if (event) entry.job = decider.evolve(entry.job, event as JobEvent);
      entry.revision = recorded.revision;
    }
    return entry;
  };

  const decideAndAppend = async (jobHash: JobHash, commands: readonly JobCommand[]) => {
    let entry = entries.get(jobHash) ?? (await load(jobHash));
    for (let conflicts = 0; conflicts < conflictsMax; conflicts++) {
      const refusals: (JobRefusal | undefined)[] = [];
      const written = [];
      const events: JobEvent[] = [];
      const { revision } = entry;
      let { job } = entry;
      for (const command of commands) {
        const decision = decider.decide(command, job);
        refusals.push(decision.ok ? undefined : decision.reason);
        if (!decision.ok) continue;
        for (const event of decision.events) {
          job = decider.evolve(job, event);
          events.push(event);
          written.push(encode(event, ids.next(), command.actor));
        }
      }
      if (written.length === 0) return refusals;
      const expected: Expected = revision < 0n ? "no-stream" : revision;
      const result = await store.append(jobStream(jobHash), written, expected);
      if (result.ok) {
        const first = result.revision - BigInt(events.length) + 1n;
        const known = entries.get(jobHash);
        if (known?.revision === revision) {
          known.job = job;
          known.revision = result.revision;
        } else if (known)
          // The feed has told some of these events already, while the append was being acknowledged.
          for (const [i, event] of events.entries())
            if (first + BigInt(i) === known.revision + 1n) evolve(known, event, first + BigInt(i));
        return refusals;
      }
      const known = entries.get(jobHash);
      entry = known && known.revision > revision ? known : await load(jobHash);
    }
    throw new Error(
      `job ${jobHash} was changed by others ${conflictsMax} times during one command`,
    );
  };

  return {
    get: (jobHash) => entries.get(jobHash)?.job ?? decider.initial,

    hear: ({ event, stream, revision }: Fact) => {
      if (!stream.startsWith(jobStreamPrefix)) return;
      // Not cut out of the stream's name: a new string would be hashed and compared for each event.
      const { jobHash } = event as JobEvent;
      let entry = entries.get(jobHash);
      if (!entry) {
        if (event.type !== "JobSubmitted") return; // It ended long ago.
        entry = { job: decider.initial, revision: -1n, busy: undefined };
        entries.set(jobHash, entry);
      }
      if (revision === entry.revision + 1n) evolve(entry, event as JobEvent, revision);
      const { job } = entry;
      if (revision !== entry.revision || job.status === "open" || job.status === "unknown") return;
      keepEnded(jobHash, job.before !== undefined);
    },
    act: () => undefined,

    handle: async (jobHash, commands) => {
      const entry = entries.get(jobHash);
      if (!entry) return decideAndAppend(jobHash, commands);
      while (entry.busy) await entry.busy;
      const append = decideAndAppend(jobHash, commands);
      entry.busy = append.then(
        () => undefined,
        () => undefined, // The caller hears the error; whoever waits only needs the turn.
      );
      try {
        return await append;
      } finally {
        entry.busy = undefined;
      }
    },
  };
};
