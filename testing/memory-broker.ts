/**
 * What a JetStream work queue does, in memory and on a given clock: it keeps messages until they are
 * acknowledged, delivers again what is not, and knows recent ids. It can be told to misbehave.
 */

import type { Random } from "../domain/chance.ts";
import type { Millis } from "../domain/decider.ts";
import type { Clock, Timer } from "../streams/clock.ts";

/** Probabilities from 0 to 1. */
export interface QueueFaults {
  /** That a hop loses what it carries: a publication, its acknowledgement, a delivery, an ack, a heartbeat. */
  readonly drop: number;
  /** That a hop takes up to `delayMaxMs` longer. */
  readonly delay: number;
  readonly delayMaxMs: Millis;
  /** That a delivery arrives twice. */
  readonly duplicate: number;
  /** That a message overtakes those before it. */
  readonly reorder: number;
  /** That the whole queue loses everything, drawn at each publication. */
  readonly wipe: number;
}

export const noFaults: QueueFaults = {
  drop: 0,
  delay: 0,
  delayMaxMs: 0,
  duplicate: 0,
  reorder: 0,
  wipe: 0,
};

/** How often each fault has happened: a simulation that wants faults must see them here. */
export type FaultCounts = Record<"drop" | "delay" | "duplicate" | "reorder" | "wipe", number>;

/** A message in a line; the object's identity is its name. */
export interface Kept {
  readonly subject: string;
  readonly bytes: Uint8Array;
  delivered: number;
  state: "waiting" | "out" | "exhausted" | "gone";
  timer: Timer | undefined;
  taker: Taker | undefined;
}

/** Someone who pulls. */
export interface Taker {
  /** Messages that it would take now. */
  readonly room: () => number;
  readonly deliver: (message: Kept, delivered: number) => void;
  /** Whether it is still busy with the message and says so. */
  readonly holds: (message: Kept) => boolean;
  onTheWay: number;
}

/** A durable consumer with what it has to deliver. */
export interface Line {
  readonly ackWaitMs: () => Millis;
  readonly maxDeliver: () => number;
  readonly messages: Set<Kept>;
  readonly takers: Taker[];
  onExhausted: () => void;
  check: Timer | undefined;
}

export interface Broker {
  readonly clock: Clock;
  readonly counts: Readonly<FaultCounts>;
  setFaults(faults: QueueFaults): void;
  hit(fault: keyof FaultCounts): boolean;
  /** Carries something over the network: later, or never. */
  hop(run: () => void): void;
  /** Resolves when it is over, as `hop`; a lost one rejects after `timeoutMs`. */
  publish(publication: MemoryPublication): Promise<void>;
  dispatch(line: Line): void;
  /** Acknowledged or given up. */
  remove(line: Line, message: Kept): void;
  again(line: Line, message: Kept, delayMs: Millis): void;
  extend(line: Line, message: Kept): void;
  /** Everything stored is gone, as when JetStream's files were deleted. */
  wipe(): void;
}

export interface MemoryPublication {
  readonly line: Line;
  readonly subject: string;
  readonly bytes: Uint8Array;
  /** Known for two minutes within the scope; undefined for none. */
  readonly id: string | undefined;
  readonly lost: () => Error;
}

export interface BrokerOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly faults: QueueFaults;
  /** Of each hop; with 0 nothing waits for the clock that has no reason to. */
  readonly latencyMs: Millis;
  readonly lines: () => Iterable<Line>;
}

const duplicateWindowMs = 120_000;
const roomCheckMs = 20;
const timeoutMs = 5_000;

export const openBroker = (options: BrokerOptions): Broker => {
  const { clock, random, latencyMs } = options;
  let { faults } = options;
  const counts: FaultCounts = { drop: 0, delay: 0, duplicate: 0, reorder: 0, wipe: 0 };
  const ids = new Map<string, number>();

  const hit = (fault: keyof FaultCounts): boolean => {
    const happens = faults[fault] > 0 && random() < faults[fault];
    if (happens) counts[fault]++;
    return happens;
  };
  const hop = (run: () => void): void => {
    if (hit("drop")) return;
    const delayMs = latencyMs + (hit("delay") ? random() * faults.delayMaxMs : 0);
    if (delayMs > 0) clock.after(delayMs, run);
    else queueMicrotask(run);
  };

  const isRepeat = (id: string): boolean => {
    const now = clock.now();
    for (const [old, at] of ids) {
      if (now - at < duplicateWindowMs) break;
      ids.delete(old);
    }
    if (ids.has(id)) return true;
    ids.set(id, now);
    return false;
  };

  const store = ({ line, subject, bytes, id }: MemoryPublication): void => {
    if (hit("wipe")) wipe();
    if (id !== undefined && isRepeat(id)) return;
    line.messages.add({
      subject,
      bytes,
      delivered: 0,
      state: "waiting",
      timer: undefined,
      taker: undefined,
    });
    dispatch(line);
  };

  const nextOf = (line: Line): Kept | undefined => {
    const waiting: Kept[] = [];
    for (const message of line.messages) {
      if (message.state !== "waiting") continue;
      waiting.push(message);
      if (faults.reorder === 0) break;
    }
    const skip = waiting.length > 1 && hit("reorder");
    return waiting[skip ? Math.floor(random() * waiting.length) : 0];
  };

  /** The taker whose turn it is goes to the end of the row. */
  const takerOf = (line: Line): Taker | undefined => {
    const index = line.takers.findIndex((taker) => taker.room() > taker.onTheWay);
    const [taker] = index < 0 ? [] : line.takers.splice(index, 1);
    if (taker) line.takers.push(taker);
    return taker;
  };

  const dispatch = (line: Line): void => {
    for (let message = nextOf(line); message; message = nextOf(line)) {
      const taker = takerOf(line);
      if (!taker) {
        if (line.takers.length > 0)
          line.check ??= clock.after(roomCheckMs, () => {
            line.check = undefined;
            dispatch(line);
          });
        return;
      }
      send(line, message, taker);
    }
  };

  const send = (line: Line, message: Kept, taker: Taker): void => {
    message.state = "out";
    message.delivered++;
    message.taker = taker;
    const { delivered } = message;
    extend(line, message);
    taker.onTheWay++;
    let landed = false;
    const land = (): void => {
      if (!landed) taker.onTheWay--;
      landed = true;
    };
    // A lost delivery leaves no room taken for ever.
    const lost = clock.after(line.ackWaitMs(), land);
    for (let copies = hit("duplicate") ? 2 : 1; copies > 0; copies--)
      hop(() => {
        lost.cancel();
        land();
        taker.deliver(message, delivered);
        dispatch(line);
      });
  };

  const extend = (line: Line, message: Kept): void => {
    if (message.state !== "out") return;
    message.timer?.cancel();
    message.timer = clock.after(line.ackWaitMs(), () => {
      if (message.taker?.holds(message)) extend(line, message);
      else again(line, message, 0);
    });
  };

  const again = (line: Line, message: Kept, delayMs: Millis): void => {
    if (message.state !== "out") return;
    message.timer?.cancel();
    if (delayMs > 0) {
      message.timer = clock.after(delayMs, () => again(line, message, 0));
      return;
    }
    message.taker = undefined;
    message.state = message.delivered >= line.maxDeliver() ? "exhausted" : "waiting";
    if (message.state === "exhausted") line.onExhausted();
    else dispatch(line);
  };

  const remove = (line: Line, message: Kept): void => {
    message.timer?.cancel();
    message.state = "gone";
    line.messages.delete(message);
    dispatch(line);
  };

  const wipe = (): void => {
    ids.clear();
    for (const line of options.lines()) for (const message of line.messages) remove(line, message);
  };

  return {
    clock,
    counts,
    setFaults: (next) => {
      faults = next;
    },
    hit,
    hop,
    publish: (publication) =>
      new Promise((resolve, reject) => {
        const timer = clock.after(timeoutMs, () => reject(publication.lost()));
        hop(() => {
          store(publication);
          hop(() => {
            timer.cancel();
            resolve();
          });
        });
      }),
    dispatch,
    remove,
    again,
    extend,
    wipe,
  };
};
