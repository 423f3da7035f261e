/** Holds the assignments of a log against it: `domain/dispatch/explain.ts` with the log at hand. */
import { checkAssignments, type Explained } from "../../domain/dispatch/explain.ts";
import { gatherAssignments } from "../../domain/dispatch/gather.ts";
import type { RosterEvent } from "../../domain/dispatch/roster.ts";
import type { Sha256 } from "../../domain/hashing.ts";
import type { JobHash } from "../../domain/ids.ts";
import type { JobEvent } from "../../domain/job/events.ts";
import type { NodeEvent } from "../../domain/node/node.ts";
import { decode } from "../../streams/codec.ts";
import type { RecordedEvent } from "../../streams/event-store.ts";
import { jobStreamPrefix, nodeStreamPrefix, policyStream } from "../../streams/names.ts";

type Log = AsyncIterable<RecordedEvent> | Iterable<RecordedEvent>;

/**
 * @param read - Reads the log from its beginning; called twice.
 * @param onExplained - Hears of each assignment that was wanted.
 */
export const explainLog = async (
  read: () => Log,
  {
    wants,
    sha256,
    onExplained,
  }: {
    /** Of which jobs; all if left out. */
    readonly wants?: (jobHash: JobHash) => boolean;
    readonly sha256: Sha256;
    readonly onExplained: (explained: Explained) => void;
  },
): Promise<void> => {
  const gatherer = gatherAssignments(wants);
  for await (const recorded of read())
    if (isOfJob(recorded.stream) || isOfNode(recorded.stream)) {
      const event = decode(recorded);
      if (event) gatherer.hear(event as JobEvent | NodeEvent, recorded.position);
    }
  const checker = checkAssignments(gatherer.gathered(), sha256, onExplained);
  for await (const recorded of read()) {
    if (!isDispatched(recorded.stream)) continue;
    const event = decode(recorded);
    if (event) checker.hear(event as RosterEvent, recorded.position);
  }
  checker.end();
};

/** Whether what a stream holds is weighed in dispatch. */
const isDispatched = (stream: string): boolean =>
  isOfJob(stream) || isOfNode(stream) || stream === policyStream;

const isOfJob = (stream: string): boolean => stream.startsWith(jobStreamPrefix);
const isOfNode = (stream: string): boolean => stream.startsWith(nodeStreamPrefix);
