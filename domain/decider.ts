/**
 * How every rule of CNCT is written: a decider takes a command and the state folded from past
 * events, and answers with new events or a refusal. It reads no clock, rolls no die, does no I/O.
 */

/** Milliseconds since the Unix epoch. */
export type Instant = number & { readonly __brand?: "Instant" };
/** A span of time in milliseconds. */
export type Millis = number & { readonly __brand?: "Millis" };

/** A fact, in the past tense. `at` is the instant that its command carried. */
export type DomainEvent<Type extends string, Data extends object> = Readonly<Data> & {
  readonly type: Type;
  readonly at: Instant;
};

/** Who asks: an identity such as `client:ada`, `node:n1`, or a service such as `service:dispatcher`. */
export type Actor = string & { readonly __brand?: "Actor" };

/** A wish, in the imperative. `now` comes from outside, so that a decision can be repeated. */
export type Command<Type extends string, Data extends object> = Readonly<Data> & {
  readonly type: Type;
  readonly actor: Actor;
  readonly now: Instant;
};

/** What a decider answers. Accepting with no events is the considered answer to a repeat. */
export type Decision<Event, Refusal extends string> =
  | { readonly ok: true; readonly events: readonly Event[] }
  | { readonly ok: false; readonly reason: Refusal };

export interface Decider<Command, Event, State, Refusal extends string> {
  readonly initial: State;
  readonly decide: (command: Command, state: State) => Decision<Event, Refusal>;
  /** Believes the past, even where today's `decide` would refuse. */
  readonly evolve: (state: State, event: Event) => State;
}

export const accept = <Event>(
  ...events: readonly Event[]
): { readonly ok: true; readonly events: readonly Event[] } => ({ ok: true, events });

export const refuse = <Refusal extends string>(
  reason: Refusal,
): { readonly ok: false; readonly reason: Refusal } => ({ ok: false, reason });
