/** Whose job it is, for subscribers who hear of their own jobs only. */
import type { AccountId, JobHash } from "../domain/ids.ts";
import type { Views } from "../projections/views.ts";
import type { EventStore, RecordedEvent } from "../streams/event-store.ts";
import { jobStream } from "../streams/names.ts";

export interface JobClients {
  /** Takes note of submissions. */
  learn(event: RecordedEvent): void;
  /** Undefined until it is learned or found. */
  of(jobHash: JobHash): AccountId | undefined;
  /** Looks in the views and then in the log; answers nothing for a job that is not there. */
  find(jobHash: JobHash): Promise<AccountId | undefined>;
}

/** @param most - So many jobs are remembered, the newest ones. */
export const jobClients = (
  { views, store }: { readonly views: Views; readonly store: EventStore },
  most = 100_000,
): JobClients => {
  const known = new Map<JobHash, AccountId>();
  const remember = (jobHash: JobHash, client: AccountId): void => {
    if (known.size >= most) {
      const [oldest] = known.keys();
      if (oldest !== undefined) known.delete(oldest);
    }
    known.set(jobHash, client);
  };
  const learn = ({ type, data }: RecordedEvent): void => {
    if (type !== "JobSubmitted") return;
    const { jobHash, spec } = data as { jobHash: JobHash; spec: { client: AccountId } };
    remember(jobHash, spec.client);
  };
  return {
    learn,
    of: (jobHash) => known.get(jobHash),
    find: async (jobHash) => {
      const seen = views.job(jobHash)?.client;
      if (seen !== undefined) remember(jobHash, seen);
      else
        for await (const event of store.readStream(jobStream(jobHash), "start", { maxCount: 1 }))
          learn(event);
      return known.get(jobHash);
    },
  };
};
