/** The client's errors, as the port says them. */

import { EventStoreError, type EventStoreErrorCode, type Revision } from "../event-store.ts";

const codesByType: Readonly<Record<string, EventStoreErrorCode>> = {
  "deadline-exceeded": "timeout",
  timeout: "timeout",
  unavailable: "unavailable",
  cancelled: "unavailable",
  "not-leader": "unavailable",
  "stream-deleted": "stream-deleted",
  "access-denied": "bad-request",
  "invalid-argument": "bad-request",
  "missing-required-metadata-property": "bad-request",
  "maximum-append-size-exceeded": "too-large",
};

/** gRPC status codes, for the raw errors that the client lets through. */
const codesByStatus: ReadonlyMap<unknown, EventStoreErrorCode> = new Map([
  [1, "unavailable"],
  [3, "bad-request"],
  [4, "timeout"],
  [8, "too-large"],
  [14, "unavailable"],
  [15, "corrupt"],
] as const);

const storeCodes: ReadonlySet<string> = new Set<EventStoreErrorCode>([
  "unavailable",
  "timeout",
  "too-large",
  "bad-request",
  "disk-full",
  "corrupt",
]);

const field = (error: unknown, name: string): unknown =>
  typeof error === "object" && error !== null
    ? (error as Record<string, unknown>)[name]
    : undefined;

export const typeOfError = (error: unknown): string => String(field(error, "type") ?? "");

/** The revision a refused write found, or undefined if it was refused for another reason. */
export const actualRevision = (error: unknown): Revision | "no-stream" | undefined => {
  if (typeOfError(error) !== "wrong-expected-version") return undefined;
  const actual = field(error, "actualVersion");
  return typeof actual === "bigint" && actual >= 0n ? actual : "no-stream";
};

export const toStoreError = (error: unknown): EventStoreError => {
  if (error instanceof EventStoreError) return error;
  const message = String(field(error, "message") ?? error);
  // The embedded node names the code in details that the client does not know.
  const named = /(?:^|Could not recognize |[A-Z_]+: )([a-z-]+): /.exec(message)?.[1];
  const code =
    named !== undefined && storeCodes.has(named)
      ? (named as EventStoreErrorCode)
      : (codesByType[typeOfError(error)] ?? codesByStatus.get(field(error, "code")));
  return new EventStoreError(code ?? "unavailable", message, error);
};
