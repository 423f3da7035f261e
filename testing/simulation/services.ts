/** The coordinator's services, each a process of its own with its own view of the facts. */
import { hash } from "node:crypto";
import { nativeProofs } from "../../cli/native-proofs.ts";
import { seededRandom } from "../../domain/chance.ts";
import type { Millis } from "../../domain/decider.ts";
import type { Sha256 } from "../../domain/hashing.ts";
import type { MicroPointsText } from "../../domain/points.ts";
import { runDispatcher } from "../../services/dispatcher/run-dispatcher.ts";
import { type Listener, runFeed } from "../../services/facts.ts";
import { createJobBook } from "../../services/job-book.ts";
import { createPolicyBook } from "../../services/policy.ts";
import { runRewards } from "../../services/rewards/run-rewards.ts";
import { createSigningKeys } from "../../services/signing-keys.ts";
import { runValidator } from "../../services/validator/run-validator.ts";
import { inlineComparer } from "../inline-comparer.ts";
import type { Life } from "./life.ts";
import { linkDesk } from "./queue-links.ts";
import { beginLife, freshIds, isWeather, sayOf, type World } from "./world.ts";

export const serviceNames = ["dispatcher", "validator", "rewards"] as const;
export type ServiceName = (typeof serviceNames)[number];

export interface Service {
  readonly name: ServiceName;
  start(): void;
  crash(): void;
  /** Stops in good order; resolves when it has. */
  close(): Promise<void>;
  isUp(): boolean;
  /** What it says that it still has to do; undefined while it is down. */
  owed(): number | undefined;
}

/** What a client is given the first time. */
export const grant: MicroPointsText = "100000";

export const sha256: Sha256 = (bytes) => hash("sha256", bytes);

interface Running {
  readonly life: Life;
  readonly owed: () => number;
  readonly close: () => Promise<void>;
}

export const createService = (world: World, name: ServiceName, skewMs: Millis): Service => {
  const { trace, watch, store, queue, random, sabotage } = world;
  let running: Running | undefined;

  const start = (): void => {
    const life = beginLife(world, name, skewMs);
    const ids = freshIds(random);
    const own = sabotage.store(name, store.link(life), world);
    const book = sabotage.book(name, createJobBook({ store: own, ids, ...sabotage.rules(name) }));
    const { clock } = life;
    const onTrouble = (what: string, error: unknown): void => {
      trace.say(`${name}: ${what}: ${sayOf(error)}`);
      if (!isWeather(error)) watch.blame(`${name}: ${what}: ${sayOf(error)}`);
    };
    const desk = () =>
      sabotage.desk(
        name,
        linkDesk({ queue, life, say: trace.say }, (nodeId, tasks) => watch.ordered(nodeId, tasks)),
      );

    const build = (): Listener & { readonly owed: () => number; close(): Promise<void> } => {
      switch (name) {
        case "dispatcher": {
          const its = desk();
          const own = sabotage.dispatcherBook(book, its);
          const draw = seededRandom(Math.floor(random() * 2 ** 32));
          const dispatcher = runDispatcher({
            book: own,
            desk: its,
            clock,
            random: draw,
            onTrouble,
          });
          const owed = () => dispatcher.counts().waiting + dispatcher.counts().underWay;
          return { ...dispatcher, owed };
        }
        case "validator": {
          const blobs = world.blobs.link(life);
          const log = { book, store: own, ids, policy: policy.current };
          const parts = { ...log, keys, proofs: nativeProofs, desk: desk(), blobs, clock };
          return {
            ...runValidator({ ...parts, onTrouble, comparer: inlineComparer }),
            owed: () => 0,
          };
        }
        case "rewards": {
          const parts = { store: own, ids, book, clock, sha256, grant, onTrouble };
          const rewards = runRewards(parts);
          return { ...rewards, owed: () => rewards.counts().owed };
        }
      }
    };
    const policy = createPolicyBook();
    const keys = createSigningKeys();
    const service = build();
    const feed = runFeed({
      store: own,
      clock,
      listeners: [policy, book, keys, sabotage.listener(name, service)],
      onTrouble: (error) => onTrouble("the feed of facts broke", error),
    });
    const close = async (): Promise<void> => {
      await feed.close();
      await service.close();
    };
    running = { life, owed: service.owed, close };
  };

  return {
    name,
    start,
    crash: () => {
      running?.life.end();
      running = undefined;
      trace.say(`${name} crashes`);
    },
    close: async () => {
      const stopping = running;
      if (!stopping) return;
      running = undefined;
      trace.say(`${name} closes`);
      await stopping.close();
      stopping.life.end();
      trace.say(`${name} is closed`);
    },
    isUp: () => running !== undefined,
    owed: () => running?.owed(),
  };
};
