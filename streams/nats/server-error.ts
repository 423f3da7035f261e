/** Why there is no nats-server of our own, with a sentence for people. */
export type NatsServerErrorCode =
  | "nats-not-found"
  | "port-in-use"
  | "directory-in-use"
  | "nats-failed";

export class NatsServerError extends Error {
  readonly code: NatsServerErrorCode;
  constructor(code: NatsServerErrorCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = "NatsServerError";
    this.code = code;
  }
}
