/** Makes things go wrong at random moments, and puts them right at the healing. */
import type { Millis } from "../../domain/decider.ts";
import { resultSubject } from "../../streams/names.ts";
import { encodeReport } from "../../streams/nats/wire.ts";
import { between, type Mishap, pick } from "./faults.ts";
import type { SimulatedNode } from "./nodes.ts";
import { createService, type Service, type ServiceName } from "./services.ts";
import type { World } from "./world.ts";

export interface Cast {
  readonly services: Readonly<Record<ServiceName, Service>>;
  readonly nodes: readonly SimulatedNode[];
}

export interface Storm {
  /** Everything runs again, and nothing goes wrong any more. */
  heal(): void;
  counts(): Readonly<Record<string, number>>;
}

export const startStorm = (world: World, { services, nodes }: Cast): Storm => {
  const { scheduler, random, store, queue, blobs, trace, watch } = world;
  const faults = world.faults();
  const counts: Record<string, number> = {};
  let healed = false;
  let queueOutages = 0;
  const twins = new Set<Service>();

  const later = (delayMs: Millis, label: string, run: () => void): void =>
    void scheduler.after(delayMs, label, run);
  const downtimeMs = (): Millis => between(random, 10, random() < 0.2 ? 15_000 : 2_000);

  const restart = (one: { start(): void; isUp(): boolean }): void =>
    later(downtimeMs(), "restart", () => {
      if (!one.isUp()) one.start();
    });
  const crash = (one: { start(): void; crash(): void; isUp(): boolean }): void => {
    if (!one.isUp()) return;
    one.crash();
    restart(one);
  };
  const startStore = (): void => {
    if (store.isUp()) return;
    trace.say("the store starts");
    store.start().catch((error: unknown) => watch.blame(`the store does not open: ${error}`));
  };
  /** In the middle of a write if one comes soon. */
  const crashStore = (looks = 2_000): void => {
    if (!store.isUp() || healed) return;
    if (!store.isWriting() && looks > 0) {
      later(1, "waiting for a write", () => crashStore(looks - 1));
      return;
    }
    trace.say("the store crashes");
    store.crash();
    later(downtimeMs(), "restart of the store", startStore);
  };

  const intrude = (): void => {
    const as = pick(random, nodes).plan.nodeId;
    const { log } = store;
    const event = log[Math.floor(random() * log.length)];
    const data = event?.data as { jobHash?: string; nodeId?: string } | undefined;
    // Under its own name it may lie as it likes; here it speaks of what others have.
    const jobHash = data?.nodeId === as ? undefined : data?.jobHash;
    if (jobHash === undefined || random() < 0.2) {
      const noise = Array.from({ length: 20 }, () => Math.floor(random() * 256));
      queue.publishRaw(resultSubject(as), Uint8Array.from(noise));
      return;
    }
    const task = { jobHash, replica: Math.floor(random() * 3), attempt: 90 };
    const outputDigest = "ab".repeat(32);
    const done = { executionClass: "sim-one@1/cpu/any/1t/all", outputDigest, outputSize: 3 };
    const results = [{ ...task, outcome: "done", ...done, elapsedMs: 1 } as const];
    for (const { bundles } of encodeReport(results))
      for (const bytes of bundles) queue.publishRaw(resultSubject(as), bytes);
  };

  /** For a while. */
  const during = (ms: readonly [number, number], label: string, end: () => void): void =>
    later(between(random, ...ms), label, end);

  const befall: Readonly<Record<Mishap, (node: SimulatedNode, service: Service) => void>> = {
    "crash-dispatcher": () => crash(services.dispatcher),
    "crash-validator": () => crash(services.validator),
    "crash-rewards": () => crash(services.rewards),
    "crash-node": (node) => crash(node),
    "crash-store": () => crashStore(),
    "crash-everything": () => {
      for (const one of [...Object.values(services), ...nodes]) crash(one);
      crashStore();
    },
    "close-service": (_, service) => void service.close().then(() => restart(service)),
    // As when a new release is started before the old one has stopped.
    "twin-service": (_, { name }) => {
      const twin = createService(world, name, 0);
      twins.add(twin);
      twin.start();
      during([500, 15_000], "end of a twin", () => {
        twins.delete(twin);
        twin.crash();
      });
    },
    "drain-node": (node) => void node.drain().then(() => restart(node)),
    "mute-node": ({ line }) => {
      line.mute = true;
      during([3_000, 25_000], "heard again", () => {
        line.mute = false;
      });
    },
    "cut-node": ({ line }) => {
      line.cut = true;
      during([1_000, 40_000], "mended", () => {
        line.cut = false;
      });
    },
    "wipe-queue": () => queue.wipe(),
    "queue-outage": () => {
      queueOutages++;
      queue.setFaults({ ...faults.queue, drop: 1 });
      during([500, 12_000], "the queue is back", () => {
        if (--queueOutages === 0 && !healed) queue.setFaults(faults.queue);
      });
    },
    "store-outage": () => {
      store.setOutage(true);
      during([500, 12_000], "the store is back", () => store.setOutage(false));
    },
    "blob-outage": () => {
      blobs.setFailing(1);
      during([500, 10_000], "the blobs are back", () =>
        blobs.setFailing(healed ? 0 : faults.blobsFail),
      );
    },
    "break-subscriptions": () => store.breakSubscriptions(),
    intrude,
  };

  const next = (): void => {
    if (faults.mishaps.length === 0) return;
    later(-Math.log(1 - random()) * faults.mishapGapMs, "mishap", () => {
      if (healed) return;
      const mishap = pick(random, faults.mishaps);
      counts[mishap] = (counts[mishap] ?? 0) + 1;
      trace.say(`mishap: ${mishap}`);
      befall[mishap](pick(random, nodes), pick(random, Object.values(services)));
      next();
    });
  };
  next();

  return {
    heal: () => {
      healed = true;
      trace.say("healing");
      store.setOutage(false);
      startStore();
      for (const twin of twins) twin.crash();
      twins.clear();
      for (const { line } of nodes) Object.assign(line, { cut: false, mute: false });
      for (const one of [...Object.values(services), ...nodes]) if (!one.isUp()) one.start();
    },
    counts: () => counts,
  };
};
