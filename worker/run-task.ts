/**
 * Computes one task: fetch the inputs, execute within the limit, store the output, state the result.
 * Of a sealed task the inputs are opened first, and the output is sealed before it is stored.
 */

import { emptyDigest } from "../domain/hashing.ts";
import { BlobError, type BlobSink, type BlobSource } from "../streams/blob-store.ts";
import type { Clock } from "../streams/clock.ts";
import type { ResultStatement, TaskOrder } from "../streams/task-queue.ts";
import { AppError, type Executor, OutOfMemory, outputBytesMax } from "./executor.ts";
import { EnvelopeError, KeyMissing, type OpenedTask, plaintextFits, type Seals } from "./sealed.ts";

export interface TaskTools {
  readonly executors: readonly Executor[];
  readonly blobs: BlobSource & BlobSink;
  readonly clock: Clock;
  /** Of a node whose owner has encryption keys; others get no sealed tasks. */
  readonly seals?: Seals | undefined;
}

/**
 * Never rejects: whatever goes wrong becomes a statement. The job's own fault is not retryable, this
 * machine's is.
 *
 * @param stop - Ends it as the time limit does: nobody needs the task any more.
 */
export const runTask = async (
  order: TaskOrder,
  tools: TaskTools,
  stop?: AbortSignal,
): Promise<ResultStatement> => {
  const { jobHash, replica, attempt } = order;
  const task = { jobHash, replica, attempt };
  const limit = new AbortController();
  const timer = tools.clock.after(order.wallMs, () => limit.abort());
  const end = () => limit.abort(new Stopped("nobody needs the task any more"));
  stop?.addEventListener("abort", end, { once: true });
  try {
    // The limit holds for all of it: a blob store that never answers must not keep the slot either.
    const done = await Promise.race([compute(order, tools, limit.signal), aborted(limit.signal)]);
    return { ...task, outcome: "done", ...done };
  } catch (error) {
    const failure = failureOf(error);
    // Parsers quote what they cannot read: of a sealed task nothing but the code gets out.
    const message = order.sealed ? `a sealed task failed: ${failure.code}` : failure.message;
    return { ...task, outcome: "failed", ...failure, message };
  } finally {
    timer.cancel();
    stop?.removeEventListener("abort", end);
  }
};

const compute = async (
  order: TaskOrder,
  { executors, blobs, clock, seals }: TaskTools,
  signal: AbortSignal,
) => {
  const { app, params, executionClass, sealed } = order;
  const client = sealed?.spec.client ?? order.client;
  const startedAt = clock.now();
  const executor = executors.find(
    (one) => one.executionClass === executionClass && one.apps.includes(app),
  );
  if (!executor)
    throw new Error(`this node does not compute ${app} in the class ${executionClass}`);
  const opened = sealed && openedBy(seals, order);
  const inputs = await fetchInputs(order, blobs, opened);
  const { output, mediaType } = await executor.execute({
    ...{ app, params, inputs, signal },
    ...(client === undefined ? {} : { client }),
  });
  if (!fits(output, opened))
    throw new AppError("output-too-large", `the output has ${output.byteLength} bytes`);
  const stored = await store(output, { mediaType, blobs, opened });
  const elapsedMs = Math.max(0, Math.round(clock.now() - startedAt));
  return { executionClass, ...stored, elapsedMs };
};

const openedBy = (seals: Seals | undefined, order: TaskOrder): OpenedTask => {
  if (seals === undefined) throw new KeyMissing("this node has no keys, and the task is sealed");
  return seals.open(order);
};

const fits = ({ byteLength }: Uint8Array, opened: OpenedTask | undefined): boolean =>
  opened ? plaintextFits(byteLength, outputBytesMax) : byteLength <= outputBytesMax;

const store = async (
  output: Uint8Array,
  {
    mediaType,
    blobs,
    opened,
  }: {
    readonly mediaType: string;
    readonly blobs: BlobSink;
    readonly opened: OpenedTask | undefined;
  },
) => {
  if (opened) {
    const { body, resultTag } = opened.output(output);
    const { digest, size } = await blobs.put(body, "application/octet-stream");
    return { outputDigest: digest, outputSize: size, resultTag };
  }
  const { digest, size } =
    output.byteLength === 0 ? { digest: emptyDigest, size: 0 } : await blobs.put(output, mediaType);
  return { outputDigest: digest, outputSize: size };
};

class TimedOut extends Error {}
class Stopped extends Error {}

const aborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    const stop = () =>
      reject(
        signal.reason instanceof Stopped
          ? signal.reason
          : new TimedOut("the task ran into its time limit"),
      );
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });

const fetchInputs = async (order: TaskOrder, blobs: BlobSource, opened: OpenedTask | undefined) => {
  const inputs: Record<string, Uint8Array> = {};
  await Promise.all(
    Object.entries(order.inputs).map(async ([name, { digest, size }]) => {
      const bytes = size === 0 ? new Uint8Array() : await blobs.get(digest);
      inputs[name] = opened ? opened.input(bytes, digest) : bytes;
    }),
  );
  return inputs;
};

const messageMax = 300;

const failureOf = (error: unknown) => {
  const message = (error instanceof Error ? error.message : String(error)).slice(0, messageMax);
  if (error instanceof AppError || error instanceof EnvelopeError)
    return { code: error.code, message, retryable: false };
  if (error instanceof KeyMissing) return { code: "key-missing", message, retryable: true };
  if (error instanceof OutOfMemory) return { code: error.code, message, retryable: true };
  if (error instanceof Stopped) return { code: "stopped", message, retryable: true };
  if (error instanceof TimedOut) return { code: "timed-out", message, retryable: true };
  if (error instanceof BlobError) return { code: error.code, message, retryable: true };
  return { code: "worker-fault", message, retryable: true };
};
