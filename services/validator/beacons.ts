/**
 * Draws the beacon while results wait for their lottery: one for all that came in the meantime. What
 * goes into it is what the log says between two positions, so anybody can draw it again.
 */
import { type Beacon, beacon, beaconOf } from "../../domain/beacon/beacon.ts";
import type { Instant, Millis } from "../../domain/decider.ts";
import type { Sha256 } from "../../domain/hashing.ts";
import type { Clock, Timer } from "../../streams/clock.ts";
import { encode } from "../../streams/codec.ts";
import type { EventIds } from "../../streams/event-ids.ts";
import { beforeFirst, type EventStore } from "../../streams/event-store.ts";
import { beaconStream, jobStreamPrefix } from "../../streams/names.ts";
import { type Fact, serviceActor } from "../facts.ts";

export interface Beacons {
  /** Folds a fact. `opens` says that it is a result whose lottery is to be drawn. */
  hear(fact: Fact, opens: boolean): void;
  /** Draws what is due; does nothing while nothing waits. */
  act(): void;
  close(): void;
}

/** So far apart at least. */
const apartMs: Millis = 50;
const retryMs: Millis = 500;
const actor = serviceActor("validator");

export const createBeacons = ({
  store,
  ids,
  clock,
  sha256,
  onTrouble,
}: {
  readonly store: Pick<EventStore, "append">;
  readonly ids: EventIds;
  readonly clock: Clock;
  readonly sha256: Sha256;
  readonly onTrouble: (what: string, error: unknown) => void;
}): Beacons => {
  const gathered = createGathering();
  let last: Beacon = beacon.initial;
  let revision = beforeFirst;
  let drawnAt: Instant = Number.NEGATIVE_INFINITY;
  /** Appended, and not heard yet. */
  let underWay = false;
  let timer: Timer | undefined;
  let closed = false;

  const again = (ms: Millis) => {
    timer ??= clock.after(ms, () => {
      timer = undefined;
      act();
    });
  };

  const draw = async () => {
    const events = gathered.events();
    const first = events[0];
    const latest = events.at(-1);
    if (!first || !latest) return;
    underWay = true;
    drawnAt = clock.now();
    const [from, to] = [Number(first.position), Number(latest.position)];
    const inputs = events.map(({ id, event }) => ({ id, data: event }));
    const digest = beaconOf(last.digest, inputs, sha256);
    const command = { type: "DrawBeacon", from, to, digest, actor, now: drawnAt } as const;
    try {
      const decision = beacon.decide(command, last);
      if (!decision.ok) throw new Error(decision.reason);
      const written = decision.events.map((event) => encode(event, ids.next(), actor));
      const expected = revision < 0n ? "no-stream" : revision;
      const { ok } = await store.append(beaconStream, written, expected);
      if (ok || closed) return; // It is heard soon.
    } catch (error) {
      if (closed) return;
      onTrouble("the beacon was not drawn", error);
    }
    underWay = false; // Somebody else was first, or it may yet be heard.
    again(retryMs);
  };

  const act = () => {
    if (closed || underWay || !gathered.isWanted()) return;
    const waitMs = drawnAt + apartMs - clock.now();
    if (waitMs > 0) return again(waitMs);
    void draw();
  };

  return {
    hear: (fact, opens) => {
      const { event, stream } = fact;
      if (event.type === "BeaconDrawn") {
        last = beacon.evolve(last, event);
        revision = fact.revision;
        underWay = false;
        gathered.drop(event.to);
      } else if (stream.startsWith(jobStreamPrefix)) gathered.add(fact, opens);
    },
    act,
    close: () => {
      closed = true;
      timer?.cancel();
    },
  };
};

/** The events of jobs since the first result that no beacon covers. */
export interface Gathering {
  add(fact: Pick<Fact, "id" | "event" | "position">, opens: boolean): void;
  /** A beacon covers everything up to there. */
  drop(to: number): void;
  isWanted(): boolean;
  events(): readonly Pick<Fact, "id" | "event" | "position">[];
}

export const createGathering = (): Gathering => {
  let waiting: {
    readonly fact: Pick<Fact, "id" | "event" | "position">;
    readonly opens: boolean;
  }[] = [];
  return {
    add: (fact, opens) => {
      if (opens || waiting.length > 0) waiting.push({ fact, opens });
    },
    drop: (to) => {
      const left = waiting.filter(({ fact }) => fact.position > BigInt(to));
      const first = left.findIndex(({ opens }) => opens);
      waiting = first < 0 ? [] : left.slice(first);
    },
    isWanted: () => waiting.length > 0,
    events: () => waiting.map(({ fact }) => fact),
  };
};
