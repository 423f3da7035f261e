/**
 * The refusal log port: where whoever says no to somebody notes it, so that an operator can see who
 * tries what. It is no part of the event log: a refusal changed nothing.
 */
import type { Instant } from "../domain/decider.ts";

export interface Refused {
  /** The stable code of the refusal, such as `not-the-client` or `WrongExecutionClass`. */
  readonly code: string;
  /**
   * What was asked, by a name of ours and never by what the caller sent: a field of the schema, a
   * route, a subject. Never a secret, a token or a payload.
   */
  readonly what: string;
  /** Who asked, if that is known: a CnctId, an account, a node. */
  readonly id?: string;
  /** From where, if that is known: an IP address. */
  readonly address?: string;
  readonly at: Instant;
}

export interface RefusalLog {
  /** Never throws and never waits: to be refused costs the refuser next to nothing. */
  record(refused: Refused): void;
}

/** For whoever has nobody to tell. */
export const noRefusalLog: RefusalLog = { record: () => undefined };

/** Refusals of one code, caller and address within one minute. */
export interface RefusalRow {
  readonly code: string;
  readonly what: string;
  readonly id: string | null;
  readonly address: string | null;
  readonly count: number;
  readonly firstAt: Instant;
  readonly lastAt: Instant;
}

export interface RefusalQuery {
  /** Only those of which one came at this instant or later. */
  readonly since?: Instant;
  readonly code?: string;
  /** At most so many rows, the newest; 1 to 100,000. */
  readonly limit: number;
}
