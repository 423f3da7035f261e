/**
 * A subscription that outlives its connection: after a drop it goes on behind the last batch, so
 * that nothing is lost and nothing comes twice.
 */

import type { Millis } from "../domain/decider.ts";
import { CnctRefusal, CnctUnavailable } from "./errors.ts";
import { type Patience, pauseMs } from "./retry.ts";
import type { Wire } from "./wire.ts";

export interface Positioned {
  readonly position: string;
}

export interface Resumable<Batch extends Positioned> {
  readonly wire: Wire;
  readonly query: string;
  /** Without `after`. */
  readonly variables: Readonly<Record<string, unknown>>;
  /** Deliver what comes after this position. */
  readonly after: string;
  /** Takes the batch out of the answer. */
  readonly read: (data: Readonly<Record<string, Batch>>) => Batch | undefined;
  /** Asked when the server ends the subscription: whether it is over. Never, if left out. */
  readonly isOver?: () => Promise<boolean>;
  readonly patience: Patience;
  readonly signal?: AbortSignal | undefined;
}

/** So many batches may wait for a slow reader; then the server is asked to stop until they are read. */
const waitingMax = 64;
/** A connection that stood so long was a good one: failures are counted anew. */
const steadyMs: Millis = 5_000;

/**
 * Batches in the order of their positions, each once. Ends when `isOver`, or the signal, says so.
 *
 * @throws {CnctUnavailable} After `patience.policy.attempts` failures in a row.
 * @throws {CnctRefusal} If the gateway refuses the subscription.
 */
export async function* resume<Batch extends Positioned>(
  options: Resumable<Batch>,
): AsyncGenerator<Batch, void, undefined> {
  const { patience, signal, isOver } = options;
  let position = options.after;
  let failures = 0;
  while (signal?.aborted !== true) {
    const connection = connect(options, position);
    const stop = () => connection.close();
    signal?.addEventListener("abort", stop, { once: true });
    const startedAt = performance.now();
    let ending: Ending;
    try {
      for (;;) {
        const step = await connection.next();
        if (step.ending !== undefined) {
          ending = step.ending;
          break;
        }
        if (BigInt(step.batch.position) <= BigInt(position)) continue; // Seen before the drop.
        position = step.batch.position;
        failures = 0;
        yield step.batch;
      }
    } finally {
      connection.close();
      signal?.removeEventListener("abort", stop);
    }
    if (ending.why === "stopped") continue; // By the signal, or to let the reader catch up.
    if (ending.why === "complete" && (await isOver?.()) === true) return;
    if (ending.error instanceof CnctRefusal) throw ending.error;
    failures = performance.now() - startedAt > steadyMs ? 1 : failures + 1;
    if (failures >= patience.policy.attempts)
      throw ending.error ?? new CnctUnavailable("unavailable", "the gateway ends the subscription");
    await patience
      .sleep(pauseMs(failures, patience.policy, patience.random), signal)
      .catch((error: unknown) => {
        if (signal?.aborted !== true) throw error;
      });
  }
}

interface Ending {
  readonly why: "complete" | "broken" | "stopped";
  readonly error?: Error | undefined;
}
type Step<Batch> =
  | { readonly batch: Batch; readonly ending?: undefined }
  | { readonly batch?: undefined; readonly ending: Ending };

interface Connection<Batch> {
  next(): Promise<Step<Batch>>;
  close(): void;
}

const connect = <Batch extends Positioned>(
  { wire, query, variables, read }: Resumable<Batch>,
  after: string,
): Connection<Batch> => {
  const waiting: Batch[] = [];
  let ending: Ending | undefined;
  let wake: (() => void) | undefined;
  const end = (why: Ending) => {
    ending ??= why;
    wake?.();
  };
  const stopListening = wire.listen<Readonly<Record<string, Batch>>>(
    { query, variables: { ...variables, after } },
    {
      next: (data) => {
        const batch = read(data);
        if (ending !== undefined || batch === undefined) return;
        waiting.push(batch);
        if (waiting.length >= waitingMax) {
          end({ why: "stopped" });
          stopListening();
        }
        wake?.();
      },
      end: (error) => end({ why: error === undefined ? "complete" : "broken", error }),
    },
  );
  return {
    next: async () => {
      for (;;) {
        const batch = waiting.shift();
        if (batch !== undefined) return { batch };
        if (ending !== undefined) return { ending };
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
    close: () => {
      end({ why: "stopped" });
      stopListening();
    },
  };
};
