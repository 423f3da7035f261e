/**
 * Runs a decider on a stream: read, decide, append with the exact revision, and again when someone
 * else was first. For those who hold no state; services that do use `services/job-book.ts`.
 */
import type { Actor, Decider } from "../domain/decider.ts";
import { type AnyEvent, decode, encode } from "./codec.ts";
import type { EventIds } from "./event-ids.ts";
import type { EventStore, Expected, Position } from "./event-store.ts";

export type Answer<Event, Refusal extends string> =
  | {
      readonly ok: true;
      readonly events: readonly Event[];
      /**
       * Where the last of its events stands; for a repeat that changed nothing, the last event of
       * the stream; undefined if that has none.
       */
      readonly position: Position | undefined;
    }
  | { readonly ok: false; readonly reason: Refusal };

/** So often may others be first before it is a bug. */
const conflictsMax = 20;

/**
 * @param isNew - Spares the read when the stream is most likely empty; a conflict then reads, and so
 *   does a decision that changes nothing, since no append tests it.
 * @throws {EventStoreError} When the store does not answer. It may still have written: say it again.
 */
export const handleCommand = async <
  Command extends { readonly actor: Actor },
  Event extends AnyEvent,
  State,
  Refusal extends string,
>(
  {
    store,
    ids,
  }: { readonly store: Pick<EventStore, "append" | "readStream">; readonly ids: EventIds },
  decider: Decider<Command, Event, State, Refusal>,
  { stream, isNew = false }: { readonly stream: string; readonly isNew?: boolean },
  command: Command,
): Promise<Answer<Event, Refusal>> => {
  let guess = isNew;
  for (let conflicts = 0; conflicts < conflictsMax; conflicts++) {
    let state = decider.initial;
    let expected: Expected = "no-stream";
    let last: Position | undefined;
    if (!guess)
      for await (const recorded of store.readStream(stream, "start")) {
        const event = decode(recorded);
        if (event) state = decider.evolve(state, event as Event);
        expected = recorded.revision;
        last = recorded.position;
      }
    const decision = decider.decide(command, state);
    const changes = decision.ok && decision.events.length > 0;
    const guessed = guess;
    guess = false;
    if (guessed && !changes) continue; // A guess may be appended, which tests it, not answered.
    if (!decision.ok) return decision;
    const { events } = decision;
    if (events.length === 0) return { ok: true, events, position: last };
    const written = events.map((event) => encode(event, ids.next(), command.actor));
    const result = await store.append(stream, written, expected);
    if (result.ok) return { ok: true, events, position: result.position };
  }
  throw new Error(`${stream} was changed by others ${conflictsMax} times during one command`);
};
