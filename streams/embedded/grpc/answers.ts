/** What the node answers, in EventStoreDB's messages. */

import type { AppendResult, Revision } from "../../event-store.ts";
import type { LogExpected } from "../decide.ts";
import { bytesField, grpcFrame, numberField } from "./proto.ts";

type Actual = Revision | "no-stream";

const empty = (field: number): Buffer => bytesField(field);
const position = (field: number, at: number | bigint): Buffer =>
  bytesField(field, numberField(1, at), numberField(2, at));
const streamIdentifier = (field: number, stream: string): Buffer =>
  bytesField(field, bytesField(3, stream));

const success = (field: number, result: AppendResult & { ok: true }): Buffer =>
  bytesField(
    field,
    result.revision < 0 ? empty(2) : numberField(1, result.revision),
    result.position < 0 ? empty(4) : position(3, result.position),
  );

export const appendAnswer = (result: AppendResult, expected: LogExpected): Buffer => {
  if (result.ok) return grpcFrame(success(1, result));
  const { actual } = result;
  const current =
    actual === "no-stream"
      ? [empty(2), empty(7)]
      : [numberField(1, actual), numberField(6, actual)];
  const believed =
    expected === "any"
      ? empty(9)
      : expected === "stream-exists"
        ? empty(10)
        : expected < 0
          ? empty(11)
          : numberField(8, expected);
  return grpcFrame(bytesField(2, ...current, believed));
};

const wrongExpectedVersion = (actual: Actual, expected: LogExpected): Buffer =>
  Buffer.concat([
    actual === "no-stream" ? empty(2) : numberField(1, actual),
    expected === "any"
      ? empty(4)
      : expected === "stream-exists"
        ? empty(5)
        : expected < 0
          ? empty(6)
          : numberField(3, expected),
  ]);

/** Why one append of a batch stream failed, while the others go on. */
export interface BatchFailure {
  /** A gRPC status code. */
  readonly code: number;
  readonly message: string;
  /** Full name of the detail's message. */
  readonly detail: string;
  readonly value: Buffer;
}

export const batchFailures = {
  wrongExpectedVersion: (actual: Actual, expected: LogExpected): BatchFailure => ({
    code: 9,
    message: "WrongExpectedVersion",
    detail: "event_store.client.WrongExpectedVersion",
    value: wrongExpectedVersion(actual, expected),
  }),
  streamDeleted: (stream: string): BatchFailure => ({
    code: 9,
    message: "StreamDeleted",
    detail: "event_store.client.StreamDeleted",
    value: streamIdentifier(1, stream),
  }),
  accessDenied: (): BatchFailure => ({
    code: 7,
    message: "AccessDenied",
    detail: "event_store.client.AccessDenied",
    value: Buffer.alloc(0),
  }),
  timeout: (): BatchFailure => ({
    code: 4,
    message: "Timeout",
    detail: "event_store.client.Timeout",
    value: Buffer.alloc(0),
  }),
  tooLarge: (maxAppendBytes: number): BatchFailure => ({
    code: 3,
    message: "MaximumAppendSizeExceeded",
    detail: "event_store.client.MaximumAppendSizeExceeded",
    value: numberField(1, maxAppendBytes),
  }),
  /** Clients repeat the message of a detail they do not know: `code: what happened`. */
  other: (code: string, message: string): BatchFailure => ({
    code: code === "bad-request" ? 3 : code === "disk-full" ? 8 : 14,
    message: `${code}: ${message}`,
    detail: "event_store.client.BadRequest",
    value: bytesField(1, message),
  }),
};

export const batchAnswer = (
  correlation: Buffer,
  stream: string,
  outcome: (AppendResult & { ok: true }) | BatchFailure,
): Buffer =>
  grpcFrame(
    bytesField(1, correlation),
    "ok" in outcome
      ? success(3, outcome)
      : bytesField(
          2,
          numberField(1, outcome.code),
          bytesField(2, outcome.message),
          bytesField(
            3,
            bytesField(1, `type.googleapis.com/${outcome.detail}`),
            bytesField(2, outcome.value),
          ),
        ),
    streamIdentifier(4, stream),
  );

export const deleteAnswer = (at: bigint): Buffer => grpcFrame(position(1, at));

export const confirmation = (id: string): Buffer => grpcFrame(bytesField(2, bytesField(1, id)));
export const checkpoint = (at: number): Buffer => grpcFrame(position(3, at));
export const streamNotFound = (stream: string): Buffer =>
  grpcFrame(bytesField(4, streamIdentifier(1, stream)));
export const caughtUp = (): Buffer => grpcFrame(empty(8));

const streamsService = "event_store.client.streams.streams";
const methods = ["append", "batchappend", "read", "delete", "tombstone"];

/** What this node can do; anything not named here is answered UNIMPLEMENTED. */
export const supportedMethods = (): Buffer =>
  grpcFrame(
    ...methods.map((method) => bytesField(1, bytesField(1, method), bytesField(2, streamsService))),
    bytesField(
      1,
      bytesField(1, "getsupportedmethods"),
      bytesField(2, "event_store.client.server_features.serverfeatures"),
    ),
    bytesField(2, "cnct-embedded"),
  );
