/**
 * What a node has to say, sent in bundles: at once when the line is idle, together when it is busy.
 * What is put in is said, however long the queue is away.
 */
import type { Sha256 } from "../domain/hashing.ts";
import type { Statement } from "../domain/receipts/statement.ts";
import { type Clock, sleep } from "../streams/clock.ts";
import {
  type Report,
  type ResultStatement,
  signedStatementsMax,
  type TaskSource,
} from "../streams/task-queue.ts";
import { type Signer, signBundle } from "./statements.ts";

/** Something to be said. */
export interface Saying {
  readonly plain: ResultStatement;
  /** There if the node has a signer. */
  readonly signed: Statement | undefined;
  /** Called when the queue has it. */
  readonly onSent: () => void;
}

export interface Outbox {
  put(saying: Saying): void;
  /** Resolves when all is said; undefined if nothing is under way. */
  sending(): Promise<void> | undefined;
}

const retryMs = 500;

/** @param instance - Names the messages; random for each start of the worker. */
export const openOutbox = ({
  source,
  clock,
  instance,
  signer,
  sha256,
  onTrouble,
}: {
  readonly source: TaskSource;
  readonly clock: Clock;
  readonly instance: string;
  readonly signer: Signer | undefined;
  readonly sha256: Sha256;
  readonly onTrouble: (what: string, error: unknown) => void;
}): Outbox => {
  let waiting: Saying[] = [];
  let sending: Promise<void> | undefined;
  let messages = 0;

  const reportOf = (batch: readonly Saying[]): Report => {
    if (signer === undefined) return batch.map(({ plain }) => plain);
    return signBundle(
      batch.flatMap(({ signed }) => signed ?? []),
      signer,
      sha256,
    );
  };

  const send = async () => {
    while (waiting.length > 0) {
      const batch = waiting;
      waiting = [];
      for (const part of signer === undefined ? [batch] : partsOf(batch)) {
        const messageId = `${instance}-${messages++}`;
        const report = reportOf(part);
        for (;;) {
          try {
            await source.publishResults(report, messageId);
            break;
          } catch (error) {
            onTrouble("results were not sent", error);
            await sleep(clock, retryMs);
          }
        }
        for (const { onSent } of part) onSent();
      }
    }
  };

  const flush = () => {
    sending ??= send().finally(() => {
      sending = undefined;
      if (waiting.length > 0) flush(); // It came when the last look was over.
    });
  };

  return {
    put: (saying) => {
      waiting.push(saying);
      flush();
    },
    sending: () => sending,
  };
};

/** One signature is for one message, and commits travel apart. */
const partsOf = (batch: readonly Saying[]): readonly (readonly Saying[])[] => {
  const parts: (readonly Saying[])[] = [];
  for (const wanted of [true, false]) {
    const own = batch.filter(({ plain }) => (plain.outcome === "committed") === wanted);
    for (let i = 0; i < own.length; i += signedStatementsMax)
      parts.push(own.slice(i, i + signedStatementsMax));
  }
  return parts;
};
