/** Publishing that is over when JetStream has it. */
import { JetStreamApiError, type JetStreamClient, JetStreamError } from "@nats-io/jetstream";
import { NoRespondersError, RequestError, TimeoutError } from "@nats-io/transport-node";
import type { Millis } from "../../domain/decider.ts";
import type { NatsLink } from "./connection.ts";
import { TaskQueueError } from "./errors.ts";

export interface Publication {
  readonly link: NatsLink;
  readonly js: JetStreamClient;
  readonly subject: string;
  /** Messages that belong together; they are sent at once and all must be acknowledged. */
  readonly bundles: readonly Uint8Array[];
  /** Of the first message; the others add their number to it. */
  readonly messageId: string;
  readonly timeoutMs: Millis;
}

/** @throws {TaskQueueError} When not all were acknowledged; those that were are kept by their ids. */
export const publishBundles = async (publication: Publication): Promise<void> => {
  const { link, js, subject, bundles, messageId, timeoutMs } = publication;
  const [only] = bundles;
  try {
    await link.whenConnected(timeoutMs);
    if (bundles.length === 1) {
      await link.unlessLost(js.publish(subject, only, { msgID: messageId, timeout: timeoutMs }));
      return;
    }
    const sent = bundles.map((bundle, i) =>
      js.publish(subject, bundle, {
        msgID: i === 0 ? messageId : `${messageId}.${i}`,
        timeout: timeoutMs,
      }),
    );
    for (const outcome of await link.unlessLost(Promise.allSettled(sent)))
      if (outcome.status === "rejected") throw outcome.reason;
  } catch (error) {
    throw queueErrorOf(error, `publish to ${subject}`);
  }
};

const fullCodes: ReadonlySet<number> = new Set([10047, 10077, 10023, 10122]);

/** Says a library's error in our words. */
export const queueErrorOf = (error: unknown, what: string): TaskQueueError => {
  if (error instanceof TaskQueueError) return error;
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : undefined;
  if (error instanceof TimeoutError || cause instanceof TimeoutError)
    return new TaskQueueError("timeout", `${what}: no answer in time`, error);
  if (error instanceof JetStreamApiError) {
    const { err_code: code, description } = error.apiError();
    if (fullCodes.has(code) || /maximum (messages|bytes)|insufficient/.test(description))
      return new TaskQueueError("full", `${what}: ${description}`, error);
    return new TaskQueueError("unavailable", `${what}: ${description}`, error);
  }
  const missing =
    error instanceof JetStreamError ||
    error instanceof NoRespondersError ||
    (error instanceof RequestError && error.isNoResponders()) ||
    (error instanceof Error && error.name === "JetStreamNotEnabled");
  const text = error instanceof Error ? error.message : String(error);
  return new TaskQueueError("unavailable", `${what}: ${missing ? "no such stream" : text}`, error);
};
