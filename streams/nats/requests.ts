/**
 * Requests with one answer. The library's own make an error with a stack for each one that succeeds
 * and set a timer for each, which is a third of the cost of a small publication, and they wait for
 * their whole timeout when the connection is lost; these do neither.
 */
import { createInbox, type Msg, type MsgHdrs, type NatsConnection } from "@nats-io/transport-node";
import type { Instant, Millis } from "../../domain/decider.ts";
import type { Clock, Timer } from "../clock.ts";
import { TaskQueueError } from "./errors.ts";

export interface Question {
  readonly subject: string;
  readonly data?: Uint8Array | string | undefined;
  readonly headers?: MsgHdrs;
  /** Looked at every quarter of a second. */
  readonly timeoutMs: Millis;
}

export interface Requests {
  /**
   * @throws {TaskQueueError} `timeout`; `unavailable` when nobody listens, or at once when the
   *   connection is lost. Except for the case that nobody listens, it may have been done.
   */
  ask(question: Question): Promise<Msg>;
  /** Fails all that are open. */
  failAll(): void;
}

interface Open {
  readonly subject: string;
  readonly deadline: Instant;
  readonly resolve: (answer: Msg) => void;
  readonly reject: (error: TaskQueueError) => void;
}

const checkMs = 250;

export const openRequests = (
  connection: NatsConnection,
  { clock, inboxPrefix }: { readonly clock: Clock; readonly inboxPrefix: string | undefined },
): Requests => {
  const inbox = createInbox(inboxPrefix);
  const open = new Map<string, Open>();
  let count = 0;
  let timer: Timer | undefined;
  let listening = false;

  const hear = (msg: Msg): void => {
    const name = msg.subject.slice(inbox.length + 1);
    const request = open.get(name);
    if (!request) return; // Too late.
    open.delete(name);
    if (msg.headers?.code === 503 && msg.data.length === 0)
      request.reject(new TaskQueueError("unavailable", `nobody answers on ${request.subject}`));
    else request.resolve(msg);
  };

  const check = (): void => {
    timer = undefined;
    const now = clock.now();
    for (const [name, { subject, deadline, reject }] of open)
      if (now >= deadline) {
        open.delete(name);
        reject(new TaskQueueError("timeout", `no answer in time on ${subject}`));
      }
    if (open.size > 0) timer = clock.after(checkMs, check);
  };

  const failAll = (): void => {
    const failed = [...open.values()];
    open.clear();
    for (const { reject } of failed)
      reject(new TaskQueueError("unavailable", "the connection to NATS was lost"));
  };

  return {
    ask: ({ subject, data, headers, timeoutMs }) =>
      new Promise((resolve, reject) => {
        if (!listening) {
          connection.subscribe(`${inbox}.*`, {
            callback: (error, msg) => (error ? failAll() : hear(msg)),
          });
          listening = true;
        }
        const name = (count++).toString(36);
        connection.publish(subject, data, {
          reply: `${inbox}.${name}`,
          ...(headers ? { headers } : {}),
        });
        open.set(name, { subject, deadline: clock.now() + timeoutMs, resolve, reject });
        timer ??= clock.after(checkMs, check);
      }),
    failAll: () => {
      timer?.cancel();
      timer = undefined;
      failAll();
    },
  };
};
