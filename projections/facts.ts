/** Which streams of the log the views are folded from. */
import {
  blobStreamPrefix,
  identityStreamPrefix,
  jobStreamPrefix,
  ledgerStream,
  nodeStreamPrefix,
  policyStream,
  serviceKeyStreamPrefix,
} from "../streams/names.ts";

/** Prefixes for the subscription; the store may let more through. */
export const streamPrefixes: readonly string[] = [
  jobStreamPrefix,
  nodeStreamPrefix,
  blobStreamPrefix,
  identityStreamPrefix,
  serviceKeyStreamPrefix,
  ledgerStream,
  policyStream,
];

/** Whether the views hear of a stream. */
export const isHeard = (stream: string): boolean =>
  streamPrefixes.some((prefix) => stream.startsWith(prefix));
