/**
 * One subscription per process brings the facts, in the log's order, to every service in it.
 * A service first folds all of history in silence, then is told that it is live, and from then on
 * acts after each batch.
 */
import type { Actor } from "../domain/decider.ts";
import type { Clock, Timer } from "../streams/clock.ts";
import { type AnyEvent, decode } from "../streams/codec.ts";
import {
  beforeFirst,
  type EventStore,
  type Position,
  type Subscription,
} from "../streams/event-store.ts";
import {
  beaconStream,
  identityStreamPrefix,
  jobStreamPrefix,
  ledgerStream,
  nodeStreamPrefix,
  policyStream,
} from "../streams/names.ts";

export interface Fact {
  readonly event: AnyEvent;
  /** Of the recorded event. */
  readonly id: string;
  readonly stream: string;
  readonly revision: bigint;
  readonly position: Position;
}

export interface Listener {
  /** Folds one fact. */
  readonly hear: (fact: Fact) => void;
  /** Does what is owed. Called when history has been told, and after each batch from then on. */
  readonly act: () => void;
}

export interface Feed {
  /** Resolves when history has been told. */
  readonly live: Promise<void>;
  position(): Position;
  close(): Promise<void>;
}

export const serviceActor = (name: string): Actor => `service:${name}`;

const retryMsMax = 5_000;
const streamPrefixes = [
  jobStreamPrefix,
  nodeStreamPrefix,
  identityStreamPrefix,
  ledgerStream,
  policyStream,
  beaconStream,
];

/**
 * @param onTrouble - Hears why a subscription broke; the feed goes on by itself from where it was.
 */
export const runFeed = ({
  store,
  clock,
  listeners,
  onTrouble,
}: {
  readonly store: EventStore;
  readonly clock: Clock;
  readonly listeners: readonly Listener[];
  readonly onTrouble: (error: unknown) => void;
}): Feed => {
  let position: Position = beforeFirst;
  let isLive = false;
  let closed = false;
  let retryMs = 50;
  let subscription: Subscription | undefined;
  let timer: Timer | undefined;
  const live = Promise.withResolvers<void>();

  const act = () => {
    for (const listener of listeners) listener.act();
  };

  const subscribe = () => {
    if (closed) return;
    subscription = store.subscribe({
      after: position,
      filter: { streamPrefixes },
      onEvents: (batch) => {
        for (const recorded of batch) {
          const event = decode(recorded);
          if (event) {
            const { id, stream, revision } = recorded;
            const fact: Fact = { event, id, stream, revision, position: recorded.position };
            for (const listener of listeners) listener.hear(fact);
          }
          position = recorded.position;
        }
        retryMs = 50;
        if (isLive) act();
      },
      onCaughtUp: () => {
        if (isLive) return;
        isLive = true;
        act();
        live.resolve();
      },
    });
    subscription.closed.catch((error: unknown) => {
      if (closed) return;
      onTrouble(error);
      timer = clock.after(retryMs, subscribe);
      retryMs = Math.min(retryMs * 2, retryMsMax);
    });
  };
  subscribe();

  return {
    live: live.promise,
    position: () => position,
    close: async () => {
      closed = true;
      timer?.cancel();
      await subscription?.close();
    },
  };
};
