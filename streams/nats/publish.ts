/** Publishing that is over when JetStream has it. */
import { JetStreamApiError } from "@nats-io/jetstream";
import { headers, RequestError, TimeoutError } from "@nats-io/transport-node";
import type { Millis } from "../../domain/decider.ts";
import type { NatsLink } from "./connection.ts";
import { TaskQueueError } from "./errors.ts";

export interface Publication {
  readonly link: NatsLink;
  readonly subject: string;
  /** Messages that belong together; they are sent at once and all must be acknowledged. */
  readonly bundles: readonly Uint8Array[];
  /** Of the first message; the others add their number to it. */
  readonly messageId: string;
  readonly timeoutMs: Millis;
}

/** @throws {TaskQueueError} When not all were acknowledged; those that were are kept by their ids. */
export const publishBundles = async (publication: Publication): Promise<void> => {
  const { link, subject, bundles, messageId, timeoutMs } = publication;
  await link.whenConnected(timeoutMs);
  const publish = async (data: Uint8Array, id: string): Promise<void> => {
    const head = headers();
    head.set("Nats-Msg-Id", id);
    const answer = await link.requests.ask({ subject, data, headers: head, timeoutMs });
    const { error, seq } = answer.json<PubAck>();
    if (error) throw apiError(error, `publish to ${subject}`);
    if (typeof seq !== "number")
      throw new TaskQueueError(
        "unavailable",
        `publish to ${subject}: the answer is not JetStream's`,
      );
  };
  const [first, ...others] = bundles;
  if (!first) return;
  if (others.length === 0) return publish(first, messageId);
  const sent = bundles.map((data, i) => publish(data, i === 0 ? messageId : `${messageId}.${i}`));
  for (const outcome of await Promise.allSettled(sent))
    if (outcome.status === "rejected") throw outcome.reason;
};

interface ApiError {
  readonly err_code: number;
  readonly description: string;
}

interface PubAck {
  readonly seq?: unknown;
  readonly error?: ApiError;
}

/** Maximum bytes or messages; no storage left on the server or for the account. */
const fullCodes: ReadonlySet<number> = new Set([10023, 10028, 10047, 10077]);

const apiError = (error: ApiError, what: string, cause?: unknown): TaskQueueError => {
  const isFull =
    fullCodes.has(error.err_code) ||
    /^maximum (messages|bytes)|insufficient/.test(error.description);
  return new TaskQueueError(
    isFull ? "full" : "unavailable",
    `${what}: ${error.description}`,
    cause,
  );
};

/** Says an error of the library in our words. */
export const queueErrorOf = (error: unknown, what: string): TaskQueueError => {
  if (error instanceof TaskQueueError) return error;
  if (error instanceof JetStreamApiError) return apiError(error.apiError(), what, error);
  const cause = error instanceof Error ? error.cause : undefined;
  if (error instanceof TimeoutError || cause instanceof TimeoutError)
    return new TaskQueueError("timeout", `${what}: no answer in time`, error);
  if (error instanceof RequestError && error.isNoResponders())
    return new TaskQueueError("unavailable", `${what}: JetStream does not answer`, error);
  const text = error instanceof Error ? error.message : String(error);
  return new TaskQueueError("unavailable", `${what}: ${text}`, error);
};
