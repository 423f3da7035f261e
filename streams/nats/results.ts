/** Results for the validators: each bundle is done with when its handler has resolved. */
import type { Millis } from "../../domain/decider.ts";
import type { NodeId } from "../../domain/ids.ts";
import type { Clock } from "../clock.ts";
import {
  commitSubjects,
  nodeOfSubject,
  resultSubjects,
  resultsConsumer,
  resultsStream,
} from "../names.ts";
import type { Consumption, Report } from "../task-queue.ts";
import type { NatsLink } from "./connection.ts";
import { openPull, type PulledMessage } from "./pull.ts";
import { type Decoded, decodeReport } from "./wire.ts";

export interface ConsumeResultsOptions {
  readonly link: NatsLink;
  readonly clock: Clock;
  readonly ackWaitMs: Millis;
  readonly handle: (nodeId: NodeId, report: Report) => Promise<void>;
  readonly malformed: (subject: string, reason: string) => void;
  readonly onMissing: () => void;
}

/** What a message says and whose it is, by its subject. */
export const readReport = (
  subject: string,
  bytes: Uint8Array,
): Decoded<{ readonly nodeId: NodeId; readonly report: Report }> => {
  const results = nodeOfSubject(subject, resultSubjects);
  const nodeId = results ?? nodeOfSubject(subject, commitSubjects);
  if (nodeId === undefined) return { ok: false, reason: "wrong subject" };
  const decoded = decodeReport(bytes, results === undefined ? "commit" : "result");
  return decoded.ok ? { ok: true, value: { nodeId, report: decoded.value } } : decoded;
};

/** Bundles in the hands of one validator process at most; the others are for its colleagues. */
const heldMax = 128;
const nakDelayMs = 250;
const nakDelayMaxMs = 30_000;

export const consumeResults = (options: ConsumeResultsOptions): Consumption => {
  const { link, clock, ackWaitMs, handle, malformed } = options;
  const held = new Set<PulledMessage>();
  const waiters: (() => void)[] = [];

  const run = async (message: PulledMessage): Promise<void> => {
    const report = readReport(message.subject, message.data);
    if (!report.ok) {
      message.term();
      return malformed(message.subject, report.reason);
    }
    held.add(message);
    try {
      await handle(report.value.nodeId, report.value.report);
      message.ack();
    } catch {
      // The handler's owner reports why; here it only means "again, and not at once".
      message.nak(Math.min(nakDelayMs * 2 ** (message.delivered - 1), nakDelayMaxMs));
    }
    held.delete(message);
    if (held.size === 0) for (const done of waiters.splice(0)) done();
    pull.poke();
  };

  const pull = openPull({
    link,
    clock,
    stream: resultsStream,
    consumer: resultsConsumer,
    batchMax: heldMax,
    room: () => heldMax - held.size,
    onMissing: options.onMissing,
    handle: (message) => void run(message),
  });
  const watch = clock.every(Math.max(10, ackWaitMs / 3), () => {
    for (const message of held) message.working();
  });

  link.listen({ onClose: () => watch.cancel() });

  return {
    stop: async () => {
      await pull.stop();
      if (held.size > 0) await new Promise<void>((resolve) => waiters.push(resolve));
      watch.cancel();
    },
  };
};
