/**
 * An always open pull on one durable consumer, with credit. The library's `consume` asks for a fixed
 * number of messages and its `fetch` makes a subscription for each call; a node's room changes with
 * every task, and it needs the lowest latency, so we speak the pull protocol ourselves: one inbox,
 * and requests that top up what is still outstanding.
 */
import { createInbox, type Msg, type Subscription } from "@nats-io/transport-node";
import type { Millis } from "../../domain/decider.ts";
import type { Clock, Timer } from "../clock.ts";
import { consumerInfoSubject, consumerNextSubject } from "../names.ts";
import type { NatsLink } from "./connection.ts";

/** A delivered message and what may be said about it. */
export interface PulledMessage {
  readonly subject: string;
  readonly data: Uint8Array;
  /** 1 at first. */
  readonly delivered: number;
  /** Done; a lost one means that the message comes again. */
  ack(): void;
  nak(delayMs: Millis): void;
  working(): void;
  /** Never deliver it again: it can not be understood. */
  term(): void;
}

export interface PullOptions {
  readonly link: NatsLink;
  readonly clock: Clock;
  readonly stream: string;
  readonly consumer: string;
  /** Outstanding messages at most. */
  readonly batchMax: number;
  /** How many messages could be taken now; looked at again on `poke` and every `roomCheckMs`. */
  readonly room: () => number;
  readonly handle: (message: PulledMessage) => void;
  /** Stream or consumer is not there; the pull tries again by itself. */
  readonly onMissing: () => void;
}

export interface Pull {
  /** Says that there may be room again. */
  poke(): void;
  /** Asks for nothing any more and gives back what still arrives. */
  stop(): Promise<void>;
}

const expiresMs = 300_000;
/**
 * How often the server says that it still has the request. A thousand idle nodes hear that many of
 * these each time, and for each one the server wakes up. A consumer that is gone, a server that goes
 * down and a lost connection are told at once; this is for requests that vanish without a word.
 */
const heartbeatMs = 20_000;
const silenceMs = 2 * heartbeatMs;
/** How late the end of a request may be told. */
const slackMs = 2_500;
const roomCheckMs = 20;
const retryFirstMs = 50;
/** A server that starts again knows no consumers until a desk makes them: thousands of nodes ask it meanwhile. */
const retryMaxMs = 4_000;
const infoTimeoutMs = 2_000;

export const openPull = (options: PullOptions): Pull => {
  const { link, clock, stream, consumer, batchMax } = options;
  const { connection } = link;
  const infoSubject = consumerInfoSubject(stream, consumer);
  const nextSubject = consumerNextSubject(stream, consumer);
  let subscription: Subscription | undefined;
  let inbox = "";
  let asked = 0;
  let heardAt = clock.now();
  let askedUntil = 0;
  let retryMs = retryFirstMs;
  let timer: Timer | undefined;
  let stopped = false;
  let connected = true;
  let found = false;
  /** Counts up, so that a late answer of an older search is not taken for that of the newest. */
  let search = 0;

  const later = (delayMs: Millis, run: () => void): void => {
    timer?.cancel();
    timer = clock.after(delayMs, () => {
      timer = undefined;
      run();
    });
  };

  const poke = (): void => {
    if (stopped || !connected || !found) return;
    const room = Math.min(batchMax, options.room()) - asked;
    if (room > 0 && asked <= batchMax / 2) ask(room);
    if (asked === 0) later(roomCheckMs, poke);
  };

  /** A server says nothing at all to a pull on a consumer that does not exist, so we ask first. */
  const find = async (): Promise<void> => {
    const asking = ++search;
    try {
      const answer = await link.requests.ask({ subject: infoSubject, timeoutMs: infoTimeoutMs });
      if (asking !== search || stopped) return;
      found = !answer.json<{ error?: unknown }>().error;
    } catch {
      if (asking !== search || stopped) return; // Lost, or no JetStream: the same as not found.
    }
    if (found) {
      retryMs = retryFirstMs;
      poke();
    } else miss();
  };

  const ask = (batch: number): void => {
    subscription ??= listen();
    if (asked === 0) heardAt = clock.now();
    asked += batch;
    askedUntil = clock.now() + expiresMs;
    const idle = expiresMs * 1e6;
    connection.publish(
      nextSubject,
      `{"batch":${batch},"expires":${idle},"idle_heartbeat":${heartbeatMs * 1e6}}`,
      { reply: inbox },
    );
  };

  const listen = (): Subscription => {
    inbox = createInbox(link.inboxPrefix);
    return connection.subscribe(inbox, {
      callback: (error, msg) => (error ? undefined : hear(msg)),
    });
  };

  const hear = (msg: Msg): void => {
    heardAt = clock.now();
    const code = msg.headers?.code ?? 0;
    if (code === 0) take(msg);
    else if (code === 408) {
      // The request has run out, with so many of its messages unused.
      const unused = Number(msg.headers?.get("Nats-Pending-Messages")) || asked;
      asked = Math.max(0, asked - unused);
      poke();
    } else if (code !== 100) miss(); // 100 is a heartbeat: the server still has our request.
  };

  const take = (msg: Msg): void => {
    const message = messageOf(link, msg);
    if (!message) return;
    if (stopped) {
      message.nak(0);
      return;
    }
    asked = Math.max(0, asked - 1);
    options.handle(message);
    poke();
  };

  /** Consumer deleted, server going down, or a limit: all requests are void. */
  const miss = (): void => {
    asked = 0;
    found = false;
    if (stopped || !connected) return;
    options.onMissing();
    later(retryMs, () => void find());
    retryMs = Math.min(retryMs * 2, retryMaxMs);
  };

  /** A new inbox, so that requests from before can not deliver to us any more. */
  const renew = (): void => {
    subscription?.unsubscribe();
    subscription = undefined;
    asked = 0;
    found = false;
    retryMs = retryFirstMs;
    timer?.cancel();
    void find();
  };

  /** Looks again when the silence would be too long, and not before: most of the time nothing has happened. */
  const watch = (): void => {
    const leftMs = Math.min(heardAt + silenceMs, askedUntil + slackMs) - clock.now();
    const isAwaited = connected && asked > 0;
    if (isAwaited && leftMs < 0) renew();
    watching = clock.after(isAwaited && leftMs >= 0 ? leftMs + 1 : silenceMs, watch);
  };
  let watching = clock.after(silenceMs, watch);
  const unlisten = link.listen({
    onDisconnect: () => {
      connected = false;
    },
    onReconnect: () => {
      connected = true;
      renew();
    },
    onClose: () => void pull.stop(),
  });
  void find();

  let stopping: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    stopped = true;
    timer?.cancel();
    watching.cancel();
    unlisten();
    if (subscription && !connection.isClosed() && connected)
      await subscription.drain().catch(() => {}); // A lost connection has nothing to give back.
  };

  const pull: Pull = {
    poke,
    stop: () => {
      stopping ??= stop();
      return stopping;
    },
  };
  return pull;
};

const ackBytes = new TextEncoder().encode("+ACK");
const workingBytes = new TextEncoder().encode("+WPI");
const termBytes = new TextEncoder().encode("+TERM");

const messageOf = ({ connection }: NatsLink, msg: Msg): PulledMessage | undefined => {
  const { reply } = msg;
  if (!reply?.startsWith("$JS.ACK.")) return undefined;
  const say = (word: Uint8Array | string): void => {
    if (!connection.isClosed()) connection.publish(reply, word);
  };
  const tokens = reply.split(".");
  return {
    subject: msg.subject,
    data: msg.data,
    // Newer servers have put domain and account before the stream's name.
    delivered: Number(tokens[tokens.length === 9 ? 4 : 6]),
    ack: () => say(ackBytes),
    nak: (delayMs) => say(delayMs > 0 ? `-NAK {"delay":${Math.round(delayMs * 1e6)}}` : "-NAK"),
    working: () => say(workingBytes),
    term: () => say(termBytes),
  };
};
