/**
 * What follows from the end of an identity, on every gateway and also after a crash: its nodes get no
 * more work. Each step may be done by several gateways and several times, which changes nothing. (That
 * NATS refuses its transport key follows in `streams/nats/authority/transport-keys.ts`.)
 */
import type { IdentityEvent } from "../../domain/identity/events.ts";
import { isCnctId } from "../../domain/identity/inception.ts";
import type { NodeId } from "../../domain/ids.ts";
import { type NodeEvent, node } from "../../domain/node/node.ts";
import type { Projections } from "../../projections/projections.ts";
import type { Clock } from "../../streams/clock.ts";
import type { EventIds } from "../../streams/event-ids.ts";
import {
  beforeFirst,
  type EventStore,
  type Position,
  type RecordedEvent,
} from "../../streams/event-store.ts";
import { handleCommand } from "../../streams/handle-command.ts";
import { nodeStream } from "../../streams/names.ts";
import type { LogTail } from "../log-tail.ts";
import type { Logger } from "../logger.ts";
import type { Identities } from "./identities.ts";

export interface Revocations {
  hear(event: RecordedEvent): void;
  /** Looks for what was owed before this gateway began. */
  start(): void;
  close(): void;
}

const nodesMax = 1_000;
const retryMs = 1_000;
const waitMs = 5_000;

type Duty = () => Promise<void>;

export const revocations = ({
  store,
  ids,
  clock,
  projections,
  identities,
  tail,
  place,
  logger,
}: {
  readonly store: EventStore;
  readonly ids: EventIds;
  readonly clock: Clock;
  readonly projections: Pick<Projections, "views" | "waitFor" | "position">;
  readonly identities: Identities;
  readonly tail: Pick<LogTail, "start">;
  readonly place: string;
  readonly logger: Logger;
}): Revocations => {
  const duties: Duty[] = [];
  let closed = false;
  let working = false;

  /** One duty after the other, each until it is done. */
  const work = async (): Promise<void> => {
    working = true;
    for (let duty = duties[0]; duty !== undefined && !closed; duty = duties[0]) {
      try {
        await duty();
        duties.shift();
      } catch (error) {
        logger.warn({ error: String(error) }, "what follows from a revocation is tried again");
        await new Promise<void>((resolve) => clock.after(retryMs, resolve));
      }
    }
    working = false;
  };
  const owe = (duty: Duty): void => {
    duties.push(duty);
    if (!working) void work();
  };

  /** Answers where the suspension stands. */
  const suspend = async (nodeId: NodeId): Promise<Position> => {
    const answer = await handleCommand(
      { store, ids },
      node,
      { stream: nodeStream(nodeId) },
      {
        type: "SuspendNode",
        nodeId,
        reason: "identity-revoked",
        actor: `gateway:${place}`,
        now: clock.now(),
      },
    );
    if (!answer.ok) throw new Error(`SuspendNode was refused with ${answer.reason}`);
    if (answer.events.length > 0)
      logger.info({ nodeId }, "a node is suspended: the identity that owns it was revoked");
    return answer.position ?? beforeFirst;
  };

  /** Suspends what the views show, once they have seen everything up to a position. */
  const suspendAll = async (after: Position): Promise<void> => {
    for (let position = after; !closed; ) {
      if (projections.position() < position && !(await projections.waitFor(position, waitMs)))
        throw new Error(`the views have not seen position ${position}`);
      const nodes = projections.views.nodesOfRevoked(nodesMax);
      if (nodes.length === 0) return;
      for (const nodeId of nodes) {
        const done = await suspend(nodeId);
        if (done > position) position = done;
      }
    }
  };

  const hear = (recorded: RecordedEvent): void => {
    const { type, position, data } = recorded;
    switch (type as IdentityEvent["type"] | NodeEvent["type"]) {
      case "IdentityRevoked":
        owe(() => suspendAll(position));
        return;
      case "NodeRegistered": {
        const { nodeId, owner } = data as Extract<NodeEvent, { readonly type: "NodeRegistered" }>;
        if (!isCnctId(owner)) return;
        owe(async () => {
          const identity = await identities.find(owner);
          if (identity?.status === "revoked") await suspend(nodeId);
        });
        return;
      }
      case "NodeResumed":
        owe(() => suspendAll(position));
        return;
      default:
    }
  };

  return {
    hear,
    start: () => {
      owe(() => tail.start());
      owe(() => suspendAll(beforeFirst));
    },
    close: () => {
      closed = true;
    },
  };
};
