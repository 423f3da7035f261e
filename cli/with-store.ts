/** The event store that a command works on by itself, without a gateway. */

import { join } from "node:path";
import { type EventStore, EventStoreError } from "../streams/event-store.ts";
import { runningNetwork } from "./network/running.ts";
import * as settings from "./settings.ts";

export interface StoreFlags {
  readonly data?: string;
  readonly eventStore?: string;
}

/** The store that the flags name; a log that a running network holds is reached through that. */
export const withStore = async (
  flags: StoreFlags,
  work: (store: EventStore) => Promise<void>,
): Promise<void> => {
  const { connectEventStore } = await import("../streams/connect-event-store.ts");
  const data = settings.dataDirectory(flags.data);
  const url = settings.eventStoreUrl(flags.eventStore);
  const openLocal = async () => {
    try {
      return await connectEventStore({ directory: join(data, "events") });
    } catch (error) {
      const running = await runningNetwork(data);
      const isLocked = error instanceof EventStoreError && error.code === "locked";
      if (!isLocked || running === undefined) throw error;
      return connectEventStore({ url: running.eventStore });
    }
  };
  const store = await (url === undefined ? openLocal() : connectEventStore({ url }));
  try {
    await work(store);
  } finally {
    await store.close();
  }
};
