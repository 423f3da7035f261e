/** Which event store a program uses: the one place where the two adapters meet. */

import { openEmbeddedStore } from "./embedded/store.ts";
import { type EventStore, EventStoreError } from "./event-store.ts";
import { connectEventStoreDb } from "./eventstoredb/store.ts";

export interface EventStoreChoice {
  /** `esdb://…`, `esdb+discover://…` or `kurrentdb://…` of a server. Wins over a directory. */
  readonly url?: string | undefined;
  /** Where the embedded store keeps its files. */
  readonly directory?: string | undefined;
}

/**
 * Opens the event store that a configuration names.
 *
 * @throws {EventStoreError} `bad-request` if it names none or the scheme is unknown; else as
 *   `openEmbeddedStore` and `connectEventStoreDb`.
 *
 * @example
 * const store = await connectEventStore({ url: process.env["CNCT_EVENTSTORE_URL"], directory });
 */
export const connectEventStore = async ({
  url,
  directory,
}: EventStoreChoice): Promise<EventStore> => {
  if (url !== undefined && url !== "") {
    if (/^(?:esdb|kurrentdb)(?:\+discover)?:\/\//.test(url)) return connectEventStoreDb(url);
    throw new EventStoreError("bad-request", "the event store's address must begin with esdb://");
  }
  if (directory === undefined)
    throw new EventStoreError("bad-request", "neither an address nor a directory is given");
  return openEmbeddedStore({ directory });
};
