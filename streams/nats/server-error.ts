/** Why there is no nats-server of our own, with a sentence for people. */
export type NatsServerErrorCode =
  | "nats-not-found"
  | "port-in-use"
  | "directory-in-use"
  | "nats-failed"
  /** Others may read a file with a key. */
  | "keys-readable"
  /** Of the files with keys some are missing, or cannot be read. */
  | "keys-incomplete"
  /** It was to listen where others reach it, without credentials or without TLS. */
  | "nats-not-public";

export class NatsServerError extends Error {
  readonly code: NatsServerErrorCode;
  constructor(code: NatsServerErrorCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = "NatsServerError";
    this.code = code;
  }
}
