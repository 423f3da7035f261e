/** What the SDK throws: a *no* that stands, or a *not now* that was retried in vain. */

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
  /** The gateway answers that it cannot serve just now. */
  | "unavailable"
  /** The wait that the caller allowed is over. */
  | "timed-out";

/** No answer, for now. What was asked may or may not have happened: asking again is safe. */
export class CnctUnavailable extends Error {
  readonly code: UnavailableCode;
  constructor(code: UnavailableCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = "CnctUnavailable";
    this.code = code;
  }
}
