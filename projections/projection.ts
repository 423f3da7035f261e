/**
 * The shape of a projection: a pure fold from facts to rows with a key. It reads no clock; whoever
 * folds the same facts gets the same rows.
 */
import type { Policy } from "../domain/policy/policy.ts";
import type { AnyEvent } from "../streams/codec.ts";
import type { Position, Revision } from "../streams/event-store.ts";

export type EventType = AnyEvent["type"];
export type EventOf<Type extends EventType> = Extract<AnyEvent, { readonly type: Type }>;

/** Where a fact stands. */
export interface Place {
  readonly position: Position;
  /** In the fact's own stream. */
  readonly revision: Revision;
}

/** A place with what is in force there. */
export interface PlaceUnderPolicy extends Place {
  readonly policy: Policy;
}

/** What one type of event does to the rows that it touches. */
export interface Step<Row, Event> {
  readonly keysOf: (event: Event, place: Place) => readonly string[];
  /** Undefined stands for no row, before and after. */
  readonly evolve: (
    row: Row | undefined,
    event: Event,
    place: PlaceUnderPolicy,
    key: string,
  ) => Row | undefined;
  /** True if no row of the key can be there yet: spares looking for one. */
  readonly begins?: (key: string, place: Place) => boolean;
}

export interface Projection<Row> {
  readonly name: string;
  /** Raised whenever the same facts give other rows than before: the views are then rebuilt. */
  readonly version: number;
  /** What is not named here changes nothing, unless `otherwise` says what it does. */
  readonly on: { readonly [Type in EventType]?: Step<Row, EventOf<Type>> };
  readonly otherwise?: Step<Row, AnyEvent>;
}

/** What an event of this type does; undefined if nothing. */
export const stepOf = <Row>(
  { on, otherwise }: Projection<Row>,
  type: EventType,
): Step<Row, AnyEvent> | undefined => (on[type] as Step<Row, AnyEvent> | undefined) ?? otherwise;

/** For rows that begin with the first event of a stream of their own. */
export const beginsStream = (_key: string, { revision }: Place): boolean => revision === 0n;
