/**
 * States folded from streams when they are needed, the latest of them kept. What changes, also through
 * other gateways, is heard by the log's tail and read anew; while the tail is broken nothing that was
 * kept is believed.
 */
import type { Instant } from "../../domain/decider.ts";
import type { Clock } from "../../streams/clock.ts";
import { type AnyEvent, decode } from "../../streams/codec.ts";
import type { EventStore, RecordedEvent } from "../../streams/event-store.ts";
import type { LogTail } from "../log-tail.ts";

export interface Kept<State> {
  /**
   * The state as every gateway has to see it.
   *
   * @throws {EventStoreError} When the store does not answer.
   */
  find(name: string): Promise<State>;
  /** Takes note of what happened at the end of the log. */
  learn(event: RecordedEvent): void;
  /** Reads it anew the next time: this gateway has just changed it. */
  forget(name: string): void;
  /** The tail broke: what it did not hear is not known. */
  forgetAll(): void;
}

/** After so long a state is read anew, ms, in case that a tail is silent and does not know it. */
const keptMs = 30_000;

/** @param most - So many states are kept, those that were used last. */
export const kept = <State, Event extends AnyEvent>({
  store,
  clock,
  tail,
  prefix,
  initial,
  evolve,
  most,
  keepsInitial = false,
}: {
  readonly store: Pick<EventStore, "readStream">;
  readonly clock: Clock;
  readonly tail: () => Pick<LogTail, "start" | "hears">;
  /** Of the streams, before the name. */
  readonly prefix: string;
  readonly initial: State;
  readonly evolve: (state: State, event: Event) => State;
  readonly most: number;
  /** Also of a stream without events; not where callers make up the names. */
  readonly keepsInitial?: boolean;
}): Kept<State> => {
  const known = new Map<string, { readonly state: State; readonly until: Instant }>();
  /** Reads under way. One during which something happened is not kept. */
  const reading = new Map<string, Promise<State>>();

  const read = async (name: string): Promise<State> => {
    let state = initial;
    for await (const recorded of store.readStream(prefix + name, "start")) {
      const event = decode(recorded);
      if (event) state = evolve(state, event as Event);
    }
    return state;
  };

  const keep = (name: string, state: State): void => {
    const [oldest] = known.keys();
    if (known.size >= most && oldest !== undefined) known.delete(oldest);
    known.set(name, { state, until: clock.now() + keptMs });
  };

  const forget = (name: string): void => {
    known.delete(name);
    reading.delete(name);
  };

  return {
    find: async (name) => {
      await tail().start();
      if (!tail().hears()) return read(name);
      const found = known.get(name);
      if (found && clock.now() < found.until) {
        known.delete(name);
        known.set(name, found); // The one that was used last goes last.
        return found.state;
      }
      const underWay = reading.get(name);
      if (underWay) return underWay;
      const asked = read(name);
      reading.set(name, asked);
      try {
        const state = await asked;
        if ((keepsInitial || state !== initial) && reading.get(name) === asked) keep(name, state);
        return state;
      } finally {
        if (reading.get(name) === asked) reading.delete(name);
      }
    },
    learn: ({ stream }) => {
      if (stream.startsWith(prefix)) forget(stream.slice(prefix.length));
    },
    forget,
    forgetAll: () => {
      known.clear();
      reading.clear();
    },
  };
};
