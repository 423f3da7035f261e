/** `cnct audit verdicts`: the judging service, checked by whoever wants to. */
import { native } from "../../crypto/primitives-native.ts";
import { keyRules } from "../../crypto/signatures.ts";
import type { Digest } from "../../domain/ids.ts";
import type { CnctClient } from "../../sdk/index.ts";
import { openComparer } from "../../services/validator/comparer.ts";
import type { Outputs } from "../../services/validator/judge.ts";
import { type VerdictFault, verdictFaults } from "../../services/validator/review/faults.ts";
import { type Review, reviewVerdicts } from "../../services/validator/review/review.ts";
import { BlobError } from "../../streams/blob-store.ts";
import { httpBlobs } from "../../streams/blobs/http.ts";
import { wallClock } from "../../streams/clock.ts";
import { schemaVersions } from "../../streams/codec.ts";
import type { EventStore, RecordedEvent } from "../../streams/event-store.ts";
import { openKnownAnswers } from "../../worker/known-answers.ts";
import { readLog } from "../explain/log.ts";
import { nativeProofs, nativeSha256 } from "../native-proofs.ts";
import { print, say, shortHash } from "../output.ts";
import { progressBar } from "../progress.ts";

/** All but what is stored, and who may ask. */
const judgedTypes = Object.keys(schemaVersions).filter((type) => !/^(Blob|ServiceKey)/.test(type));

/** The log of a gateway, with its outputs. @param head - Position of the last event to be read. */
export const reviewGateway = (
  client: CnctClient,
  head: bigint,
  onPosition?: (position: bigint) => void,
): Promise<Review> => {
  const blobs = httpBlobs({ gateway: client.gateway, sha256: nativeSha256 });
  return reviewLog(readLog(client, head, judgedTypes), blobs, onPosition);
};

/** The log of a store alone, without anybody who would have the outputs. */
export const reviewStore = (
  store: Pick<EventStore, "readAll">,
  head: bigint,
  onPosition?: (position: bigint) => void,
): Promise<Review> => {
  const get = (digest: Digest) =>
    Promise.reject(new BlobError("blob-unknown", `nobody was asked for ${digest}`));
  return reviewLog(upTo(store.readAll("start"), head), { get }, onPosition);
};

const upTo = async function* (log: AsyncIterable<RecordedEvent>, head: bigint) {
  for await (const recorded of log) {
    if (recorded.position > head) return;
    yield recorded;
  }
};

const reviewLog = async (
  log: AsyncIterable<RecordedEvent>,
  blobs: Outputs,
  onPosition: (position: bigint) => void = () => undefined,
): Promise<Review> => {
  const comparer = openComparer({ clock: wallClock });
  const answers = openKnownAnswers();
  const { verify: _, ...proofs } = nativeProofs;
  try {
    const by = { ...proofs, keyRules: keyRules(native), blobs, comparer, onPosition };
    return await reviewVerdicts(log, { ...by, knownAnswer: answers.make });
  } finally {
    await comparer.close();
    await answers.close();
  }
};

/** Runs a review and shows on standard error how far it is. */
export const withProgress = async (
  head: bigint,
  review: (onPosition: (position: bigint) => void) => Promise<Review>,
): Promise<Review> => {
  const bar = progressBar("percent of the log", 100);
  let percent = 0;
  try {
    return await review((position) => {
      for (; percent < Number((100n * (position + 1n)) / (head + 1n)); percent++) bar.step();
    });
  } finally {
    bar.end();
  }
};

const faultJson = ({ position, ...fault }: VerdictFault) => ({
  ...fault,
  position: String(position),
  message: verdictFaults[fault.code],
});

export const reviewJson = (review: Review, at: bigint) => ({
  at: String(at),
  ...review,
  faults: review.faults.map(faultJson),
});

const shownMax = 20;

export const tellReview = (review: Review): void => {
  const { verdicts, matches, unread, untold, results, unsigned, draws, beacons } = review;
  const { convictions, waiting, faults, faulty } = review;
  print(`${verdicts} verdicts, ${matches} match`);
  print(
    `${results} results, ${results - unsigned} signed; ${draws} lotteries of ${beacons} beacons; ` +
      `${convictions} convictions; ${faulty} faults`,
  );
  if (unread > 0) say(`${unread} verdicts cannot be given again: an output is not stored any more`);
  if (untold > 0)
    say(`${untold} verdicts were given when none said up to where its nodes were counted`);
  if (waiting > 0) say(`${waiting} decisions were due, and not for long`);
  for (const fault of faults.slice(0, shownMax)) print(`  ${faultText(fault)}`);
  if (faulty > shownMax) say(`the first ${shownMax} of ${faulty} faults; --json has more`);
};

const faultText = ({ code, position, jobHash, nodeId, replica, detail }: VerdictFault): string => {
  const whose = [
    jobHash === undefined ? "" : `job ${shortHash(jobHash)}`,
    replica === undefined ? "" : `replica ${replica}`,
    nodeId === undefined ? "" : `node ${nodeId}`,
  ].filter((part) => part !== "");
  const what = detail === undefined ? "" : ` (${detail})`;
  return `${code} at position ${position}, ${whose.join(", ")}: ${verdictFaults[code]}${what}`;
};
