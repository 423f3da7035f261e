/**
 * A subscription over the wire. Events that arrive together are one batch; while a batch is being
 * handled nothing is read, and the server waits.
 */

import { constants } from "node:http2";
import type { Message } from "../../embedded/grpc/frames.ts";
import {
  EventStoreError,
  type RecordedEvent,
  type SubscribeOptions,
  type Subscription,
} from "../../event-store.ts";
import { readAnswer } from "./answers.ts";
import { answersOf } from "./call.ts";
import type { Connection } from "./connection.ts";
import { subscribeRequest } from "./requests.ts";

export const subscribe = (connection: Connection, options: SubscribeOptions): Subscription => {
  const { after, filter, onEvents, onCheckpoint, onCaughtUp } = options;
  let open = true;
  const stream = connection.open("Read");

  /** Hands over what came, in its order. */
  const handle = async (messages: readonly Message[]): Promise<void> => {
    let batch: RecordedEvent[] = [];
    const deliver = async (): Promise<void> => {
      const events = batch;
      const last = events.at(-1);
      if (last === undefined || !open) return;
      batch = [];
      const handled = onEvents(events);
      if (handled instanceof Promise) await handled;
      // Without a filter the server sends no checkpoints: every event is one.
      if (filter === undefined && open) await onCheckpoint?.(last.position);
    };
    for (const message of messages) {
      if (!open) return;
      const answer = readAnswer(message);
      if (answer.kind === "event") {
        batch.push(answer.event);
        continue;
      }
      await deliver();
      if (!open) return;
      if (answer.kind === "checkpoint") await onCheckpoint?.(answer.position);
      if (answer.kind === "caught-up") onCaughtUp?.();
    }
    await deliver();
  };

  const run = async (): Promise<void> => {
    try {
      for await (const messages of answersOf(stream).messages()) {
        await handle(messages);
        if (!open) return;
      }
      if (open) throw new EventStoreError("unavailable", "the server ended it");
    } catch (error) {
      if (open) throw error;
    } finally {
      open = false;
      stream.close(constants.NGHTTP2_CANCEL);
    }
  };

  stream.end(subscribeRequest(after, filter));
  const closed = run();
  // Whoever does not look at `closed` must not bring the process down.
  closed.catch(() => undefined);
  return {
    closed,
    close: async () => {
      open = false;
      stream.close(constants.NGHTTP2_CANCEL);
      await closed.catch(() => undefined);
    },
  };
};
