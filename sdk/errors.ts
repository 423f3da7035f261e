/** What the SDK throws: a *no* that stands, or a *not now* that was retried in vain. */

import type { Millis } from "../domain/decider.ts";

/** A rule said no, or the request is at fault. Asking again gives the same answer. */
export class CnctRefusal extends Error {
  /** Stable and machine-readable. */
  readonly code: string;
  constructor(code: string, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = "CnctRefusal";
    this.code = code;
  }
}

export type UnavailableCode =
  /** No answer from the gateway: it is down, restarting or not there. */
  | "unreachable"
  /** Something answers there with a certificate of nobody that this machine trusts. */
  | "untrusted-gateway"
  /** The gateway answers that it cannot serve just now. */
  | "unavailable"
  /** The gateway answers that this caller asks for too much at once. */
  | "rate-limited"
  /** The wait that the caller allowed is over. */
  | "timed-out";

/** No answer, for now. What was asked may or may not have happened: asking again is safe. */
export class CnctUnavailable extends Error {
  readonly code: UnavailableCode;
  /** Set if the gateway says when to ask again: not before so many ms. */
  readonly retryAfterMs: Millis | undefined;
  constructor(code: UnavailableCode, message: string, cause?: unknown, retryAfterMs?: Millis) {
    super(message, { cause });
    this.name = "CnctUnavailable";
    this.code = code;
    this.retryAfterMs = retryAfterMs;
  }
}
