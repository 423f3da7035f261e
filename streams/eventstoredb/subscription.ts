/**
 * A subscription over the wire. Events that arrive in one turn of the event loop are one batch;
 * while a batch is being handled the stream is paused, and the server waits.
 */

import {
  type AllStreamResolvedEvent,
  END,
  type EventStoreDBClient,
  eventTypeFilter,
  type Filter,
  START,
  streamNameFilter,
} from "@eventstore/db-client";
import {
  type EventFilter,
  EventStoreError,
  type RecordedEvent,
  type SubscribeOptions,
  type Subscription,
} from "../event-store.ts";
import { toStoreError } from "./errors.ts";
import { toRecorded } from "./recorded.ts";

/** Events looked at between two checkpoints of the server: window times multiplier. */
const searchWindow = 32;
const checkpointMultiplier = 8;
/** Events held before the stream is paused, and the most in one batch. */
const batchMax = 1_024;

/** Something to call once so many events have been delivered. */
interface Marker {
  readonly after: number;
  readonly run: () => void | Promise<void>;
}

const filterOf = (filter: EventFilter, checkpointReached: (position: bigint) => void): Filter => {
  const options = {
    checkpointInterval: checkpointMultiplier,
    maxSearchWindow: searchWindow,
    checkpointReached: (_: unknown, position: { readonly commit: bigint }) =>
      checkpointReached(position.commit),
  };
  return "streamPrefixes" in filter
    ? streamNameFilter({ ...options, prefixes: [...filter.streamPrefixes] })
    : eventTypeFilter({ ...options, prefixes: [...filter.typePrefixes] });
};

export const subscribe = (client: EventStoreDBClient, options: SubscribeOptions): Subscription => {
  const { after, filter, onEvents, onCheckpoint, onCaughtUp } = options;
  let queue: RecordedEvent[] = [];
  const markers: Marker[] = [];
  let received = 0;
  let delivered = 0;
  let lastPosition: bigint | undefined;
  let state: "open" | "closing" | "over" = "open";
  let working: Promise<void> | undefined;
  const outcome = Promise.withResolvers<void>();
  // Whoever does not look at `closed` must not bring the process down.
  outcome.promise.catch(() => undefined);

  const fromPosition =
    after === "end" ? END : after < 0n ? START : { commit: after, prepare: after };
  const mark = (run: () => void | Promise<void>): void => {
    // What the client has converted but not yet handed over comes before this.
    markers.push({ after: received + stream.readableLength, run });
    work();
  };
  const stream = client.subscribeToAll({
    fromPosition,
    ...(filter === undefined
      ? {}
      : { filter: filterOf(filter, (position) => mark(() => onCheckpoint?.(position))) }),
  });

  const runMarkers = async (): Promise<void> => {
    for (let marker = markers[0]; marker !== undefined; marker = markers[0]) {
      if (marker.after > delivered || state !== "open") return;
      markers.shift();
      await marker.run();
    }
  };

  const deliver = async (): Promise<void> => {
    await new Promise((resolve) => setImmediate(resolve));
    while (state === "open" && (queue.length > 0 || markers[0]?.after === delivered)) {
      await runMarkers();
      const limit = (markers[0]?.after ?? Number.POSITIVE_INFINITY) - delivered;
      const batch = queue.splice(0, Math.min(batchMax, limit));
      if (batch.length === 0 || state !== "open") continue;
      await onEvents(batch);
      delivered += batch.length;
      lastPosition = batch.at(-1)?.position;
      // Without a filter the server sends no checkpoints: every event is one.
      if (filter === undefined && lastPosition !== undefined && state === "open")
        await onCheckpoint?.(lastPosition);
      if (queue.length === 0) stream.resume();
    }
  };

  const end = async (error: unknown): Promise<void> => {
    if (state === "over") return;
    const wasOpen = state === "open";
    state = "over";
    queue = [];
    await stream.unsubscribe().catch(() => undefined);
    await working;
    if (wasOpen) outcome.reject(error);
    else outcome.resolve();
  };

  const work = (): void => {
    if (working !== undefined || state !== "open") return;
    working = deliver()
      .catch((error: unknown) => {
        // The subscriber's own error, as it is.
        working = undefined;
        void end(error);
      })
      .finally(() => {
        working = undefined;
        if (queue.length > 0 || markers[0]?.after === delivered) work();
      });
  };

  stream.on("data", ({ event }: AllStreamResolvedEvent) => {
    if (event === undefined || state !== "open") return;
    received++;
    queue.push(toRecorded(event));
    if (queue.length >= batchMax) stream.pause();
    work();
  });
  stream.on("caughtUp", () =>
    mark(() => {
      onCaughtUp?.();
    }),
  );
  stream.on("error", (error: unknown) => void end(toStoreError(error)));
  for (const event of ["end", "close"])
    stream.on(event, () => void end(new EventStoreError("unavailable", "the server ended it")));

  return {
    closed: outcome.promise,
    close: async () => {
      if (state === "open") state = "closing";
      await end(undefined);
      await outcome.promise.catch(() => undefined);
    },
  };
};
