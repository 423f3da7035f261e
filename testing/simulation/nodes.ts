/** Nodes: each registers, works with the real core, and may be slow, mute, cut off or a liar. */
import type { Primitives } from "../../crypto/primitives.ts";
import { native } from "../../crypto/primitives-native.ts";
import { keyRules } from "../../crypto/signatures.ts";
import type { Millis } from "../../domain/decider.ts";
import { identity } from "../../domain/identity/identity.ts";
import type { NodeId } from "../../domain/ids.ts";
import { type Capabilities, node as decider } from "../../domain/node/node.ts";
import { newIdentity } from "../../sdk/identity/own-identity.ts";
import { handleCommand } from "../../streams/handle-command.ts";
import { identityStream, nodeStream } from "../../streams/names.ts";
import { runWorker, type Worker } from "../../worker/worker.ts";
import type { Life } from "./life.ts";
import { linkSource, type NodeLine } from "./queue-links.ts";
import { app, type Character, simulatedExecutor } from "./work.ts";
import { beginLife, freshIds, isBug, isWeather, pause, sayOf, type World } from "./world.ts";

const identities = identity(keyRules(native));

export interface NodePlan {
  readonly nodeId: NodeId;
  readonly character: Character;
  readonly classes: readonly string[];
  readonly slots: number;
  readonly backlog: number;
  /** 1 for an ordinary node. */
  readonly slowness: number;
  readonly skewMs: Millis;
  /** Whether it belongs to an identity, which signs what it states. */
  readonly signs: boolean;
  /** Its owner is one of those that the policy lists. */
  readonly arbiter?: true;
}

export interface SimulatedNode {
  readonly plan: NodePlan;
  readonly line: NodeLine;
  start(): void;
  crash(): void;
  drain(): Promise<void>;
  isUp(): boolean;
  held(): number;
}

export const createNode = (world: World, plan: NodePlan): SimulatedNode => {
  const { trace, watch, random } = world;
  const { nodeId, character, classes, slots, backlog, slowness, skewMs } = plan;
  const primitives: Primitives = {
    ...native,
    randomBytes: (count) => Uint8Array.from({ length: count }, () => Math.floor(256 * random())),
  };
  const own = plan.signs ? newIdentity({ roles: ["worker"] }, primitives) : undefined;
  const signer = own && { worker: own.id, rootKey: own.rootKey, sign: own.sign };
  const line: NodeLine = { cut: false, mute: false };
  let running: { readonly life: Life; worker: Worker | undefined } | undefined;
  let starts = 0;

  const capabilities: Capabilities = {
    apps: classes.map((executionClass) => ({ app, executionClass })),
    slots,
    backlog,
    cpus: 4,
    memoryMb: 1024,
    platform: "linux-x64",
    version: "1",
  };

  /** As the gateway does it, again and again until it is heard. */
  const register = async (life: Life): Promise<void> => {
    const store = world.store.link(life);
    const ids = freshIds(random);
    for (;;)
      try {
        const by = { actor: `node:${nodeId}`, now: life.clock.now() } as const;
        if (own) {
          const stream = identityStream(own.id);
          const { id, record, registration: signature } = own;
          const wish = { type: "RegisterIdentity", id, record, signature, ...by } as const;
          const said = await handleCommand({ store, ids }, identities, { stream }, wish);
          if (!said.ok) watch.blame(`${nodeId} could not register its owner: ${said.reason}`);
        }
        const command = {
          type: "RegisterNode",
          nodeId,
          owner: own?.id ?? (plan.arbiter ? `owner-of-${nodeId}` : "ada"),
          capabilities,
          ...by,
        } as const;
        const answer = await handleCommand(
          { store, ids },
          decider,
          { stream: nodeStream(nodeId) },
          command,
        );
        // Who was convicted does not get in again, which is as it must be.
        if (!answer.ok && answer.reason !== "NodeExpelled")
          watch.blame(`${nodeId} could not register: ${answer.reason}`);
        return;
      } catch (error) {
        if (!isWeather(error)) throw error;
        await pause(life, 500);
      }
  };

  const work = (life: Life): Worker => {
    const stored = world.blobs.link(life);
    const blobs = {
      ...stored,
      put: async (bytes: Uint8Array, mediaType: string) => {
        const stat = await stored.put(bytes, mediaType);
        if (character !== "boaster") return stat;
        return { digest: stat.digest.split("").reverse().join(""), size: stat.size };
      },
    };
    return runWorker({
      nodeId,
      signer,
      primitives,
      source: linkSource({ queue: world.queue, life, say: trace.say }, nodeId, line),
      executors: classes.map((executionClass) =>
        simulatedExecutor({
          executionClass,
          name: nodeId,
          character: () => character,
          slowness,
          clock: life.clock,
          random,
          faults: world.faults,
        }),
      ),
      blobs,
      clock: life.clock,
      slots,
      backlog,
      instance: `${nodeId}-${starts++}`,
      notify: (notice) => {
        if (notice.type === "task-ended") watch.stated(nodeId, notice.result);
        if (notice.type !== "trouble") return;
        trace.say(`${nodeId}: ${notice.what}: ${sayOf(notice.error)}`);
        if (isBug(notice.error)) watch.blame(`${nodeId}: ${sayOf(notice.error)}`);
      },
    });
  };

  return {
    plan,
    line,
    start: () => {
      const life = beginLife(world, nodeId, skewMs);
      const own: NonNullable<typeof running> = { life, worker: undefined };
      running = own;
      void register(life).then(() => {
        own.worker = work(life);
      });
    },
    crash: () => {
      running?.life.end();
      running = undefined;
      trace.say(`${nodeId} crashes`);
    },
    drain: async () => {
      const stopping = running;
      if (!stopping) return;
      trace.say(`${nodeId} drains`);
      await stopping.worker?.drain();
      if (stopping.life.isOver()) return;
      stopping.life.end();
      if (running === stopping) running = undefined;
      trace.say(`${nodeId} has left`);
    },
    isUp: () => running !== undefined,
    held: () => running?.worker?.held() ?? 0,
  };
};
