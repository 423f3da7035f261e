/** What can go wrong between us and the queue. Refusals of content are not errors: see `wire.ts`. */
export type TaskQueueErrorCode =
  /** No server answers at the URL, or JetStream is not enabled there. */
  | "unavailable"
  /** The server did not answer in time; it may have done what was asked. */
  | "timeout"
  /** The stream has reached its limits; say it again later. */
  | "full"
  /** A single task or result is larger than a message may be. That is our bug. */
  | "too-large"
  /** The credentials do not allow it. */
  | "denied"
  /** It was closed before. */
  | "closed";

export class TaskQueueError extends Error {
  readonly code: TaskQueueErrorCode;
  constructor(code: TaskQueueErrorCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = "TaskQueueError";
    this.code = code;
  }
}
