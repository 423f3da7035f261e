/** What a client listens to: subscriptions that go on where they were when a connection broke. */

import type { AccountId, JobHash } from "../domain/ids.ts";
import { CnctRefusal } from "./errors.ts";
import type { Queries } from "./queries.ts";
import { type Resumable, resume } from "./resume.ts";
import type { EndedJobBatch, EventBatch, KeysAwaitedBatch } from "./schema.types.ts";
import { endedFields, eventFields } from "./selections.ts";

/** From where, and until when. */
export interface From {
  readonly after: string;
  readonly signal?: AbortSignal | undefined;
}

export interface Subscriptions {
  jobEvents(hash: JobHash, from: From): AsyncIterable<EventBatch>;
  events(
    choice: {
      readonly client: AccountId | undefined;
      readonly types: readonly string[] | undefined;
    },
    from: From,
  ): AsyncIterable<EventBatch>;
  /** @param client - Of all clients if undefined. */
  ended(client: AccountId | undefined, from: From): AsyncIterable<EndedJobBatch>;
  keysAwaited(client: AccountId, from: From): AsyncIterable<KeysAwaitedBatch>;
}

export const openSubscriptions = ({
  queries,
  ...by
}: Pick<Resumable<never>, "wire" | "patience"> & {
  readonly queries: Pick<Queries, "job">;
}): Subscriptions => {
  const follow = <Batch extends { readonly position: string }>(
    field: string,
    query: string,
    variables: Readonly<Record<string, unknown>>,
    { after, signal }: From,
    isOver?: () => Promise<boolean>,
  ) =>
    resume<Batch>({
      ...by,
      query,
      variables,
      after,
      read: (data) => data[field],
      ...(isOver === undefined ? {} : { isOver }),
      signal,
    });

  return {
    jobEvents: (hash, from) =>
      follow<EventBatch>(
        "jobEvents",
        `subscription JobEvents($hash: Digest!, $after: Position) {
          jobEvents(hash: $hash, after: $after) { position events { ${eventFields} } } }`,
        { hash },
        from,
        async () => {
          const job = await queries.job(hash);
          if (job === null) throw new CnctRefusal("job-unknown", `nobody submitted a job ${hash}`);
          return job.status !== "OPEN";
        },
      ),
    events: (choice, from) =>
      follow<EventBatch>(
        "events",
        `subscription Events($client: AccountId, $types: [String!], $after: Position) {
          events(client: $client, types: $types, after: $after) {
            position events { ${eventFields} } } }`,
        choice,
        from,
      ),
    ended: (client, from) =>
      follow<EndedJobBatch>(
        "jobEnded",
        `subscription Ended($client: AccountId, $after: Position) {
          jobEnded(client: $client, after: $after, batchMax: 1000) { position settled
            jobs { ${endedFields} } reopened { hash convicts deadlineAt position } } }`,
        { client },
        from,
      ),
    keysAwaited: (client, from) =>
      follow<KeysAwaitedBatch>(
        "keysAwaited",
        `subscription KeysAwaited($client: AccountId!, $after: Position) {
          keysAwaited(client: $client, after: $after) { position jobs { hash position } } }`,
        { client },
        from,
      ),
  };
};
