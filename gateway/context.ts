/** What every resolver and route is given. */
import type { NodeId } from "../domain/ids.ts";
import type { Projections } from "../projections/projections.ts";
import type { BlobStore } from "../streams/blob-store.ts";
import type { Clock } from "../streams/clock.ts";
import type { EventIds } from "../streams/event-ids.ts";
import type { EventStore } from "../streams/event-store.ts";
import type { NodeAuthority } from "../streams/nats-authority.ts";
import type { RefusalLog } from "../streams/refusal-log.ts";
import { idleBeatMs } from "../streams/task-queue.ts";
import type { Access } from "./access/access.ts";
import type { Caller } from "./access/caller.ts";
import { GraphqlFault } from "./errors.ts";
import type { JobClients } from "./job-clients.ts";
import type { LogTail } from "./log-tail.ts";
import type { Logger } from "./logger.ts";
import type { PolicyInForce } from "./policy.ts";

/** What is heard of a node now and then. */
export interface NodeLife {
  /** Tasks that it holds. */
  readonly held: number;
  /** When it was last heard of, ms since the Unix epoch. */
  readonly lastSeen: number;
  /** It has said that it takes no more tasks, and it holds none. */
  readonly hasLeft?: boolean;
}

/** What a gateway takes at most; `docs/limits.md` says why so much, and what to do about each. */
export interface Limits {
  /** Bytes of one request to `/graphql`. */
  readonly bodyBytes: number;
  /** Levels of arrays and objects in its JSON. */
  readonly bodyDepth: number;
  /** Names in all of its objects. */
  readonly bodyNames: number;
  /** Values in all of its arrays and objects. */
  readonly bodyValues: number;
  /** How long its body may take to arrive, ms. */
  readonly bodyMs: number;
  /** Bytes of a request to `/graphql` that only reads, and of a message over WebSocket. */
  readonly readBytes: number;
  /** Bytes of one blob. */
  readonly blobBytes: number;
  readonly jobsPerSubmit: number;
  /** Characters of a query's text. */
  readonly queryCharacters: number;
  /** Words, names and signs of a query. */
  readonly queryTokens: number;
  /** How deep its brackets may stand in one another. */
  readonly queryBrackets: number;
  readonly queryDepth: number;
  /** Fields and aliases that a query may have, its fragments written out. */
  readonly queryFields: number;
  readonly queryAliases: number;
  readonly queryDirectives: number;
  readonly queryFragments: number;
  readonly queryOperations: number;
  /** How often one field or fragment may be written in a query. */
  readonly queryRepeats: number;
  /** Points that one query may cost: about one for each object that it answers. */
  readonly queryCost: number;
  readonly subscriptionsPerConnection: number;
  /** Of one caller, on all of its connections. */
  readonly subscriptionsPerCaller: number;
  readonly connectionsPerCaller: number;
  readonly pageSize: number;
  /** How long `atLeast` waits, ms. */
  readonly waitMs: number;
  /** For how long a node that was heard of, and held tasks then, counts as live, ms. */
  readonly liveMs: number;
  /** And for how long one that held none, which says so less often. */
  readonly idleLiveMs: number;
  /** For how long an uploaded blob is kept, ms. */
  readonly blobLifeMs: number;
}

export const limitDefaults: Limits = {
  bodyBytes: 2 * 1024 * 1024,
  bodyDepth: 64,
  bodyNames: 12_000,
  bodyValues: 60_000,
  bodyMs: 15_000,
  readBytes: 64 * 1024,
  blobBytes: 64 * 1024 * 1024,
  jobsPerSubmit: 500,
  queryCharacters: 16_384,
  queryTokens: 2_000,
  queryBrackets: 64,
  queryDepth: 10,
  queryFields: 500,
  queryAliases: 30,
  queryDirectives: 50,
  queryFragments: 20,
  queryOperations: 10,
  queryRepeats: 50,
  queryCost: 5_000,
  subscriptionsPerConnection: 100,
  subscriptionsPerCaller: 1_000,
  connectionsPerCaller: 200,
  pageSize: 100,
  waitMs: 5_000,
  liveMs: 20_000,
  idleLiveMs: 3 * idleBeatMs,
  blobLifeMs: 30 * 86_400_000,
};

export interface Gateway {
  readonly store: EventStore;
  readonly projections: Projections;
  readonly blobs: BlobStore;
  readonly ids: EventIds;
  readonly clock: Clock;
  /** Where workers find NATS. */
  readonly natsUrl: string;
  /** Gives nodes their credentials; undefined where NATS takes none. */
  readonly nodeAuthority: NodeAuthority | undefined;
  /** Name of this gateway's blob store in the log, such as `gateway-1`. */
  readonly place: string;
  readonly live: () => ReadonlyMap<NodeId, NodeLife>;
  /** Audits that a node's results of a runtime survived, and the micro-points that it could lose. */
  readonly recordOf: (
    nodeId: NodeId,
    runtime: string,
  ) => { readonly survived: number; readonly atRisk: bigint };
  readonly limits: Limits;
  readonly logger: Logger;
  readonly version: string;
  readonly tail: LogTail;
  readonly clients: JobClients;
  /** Takes every no that is the caller's fault. */
  readonly refusals: RefusalLog;
  readonly access: Access;
  readonly policy: PolicyInForce;
}

export interface Context {
  readonly gateway: Gateway;
  /** Where the request comes from: an IP address. */
  readonly address: string;
  readonly caller: Caller;
  /** The key of a proof that came without a token: what a login is bound to. */
  readonly proofKey?: string;
  /** What the client calls the gateway, such as `127.0.0.1:4000`. */
  readonly host?: string;
}

/**
 * Reads your writes: waits until the views show everything up to `atLeast`.
 *
 * @throws {GraphqlFault} `POSITION_NOT_REACHED` when they do not in time.
 */
export const seen = async (
  { projections, limits }: Gateway,
  atLeast: string | null | undefined,
): Promise<void> => {
  if (atLeast === undefined || atLeast === null) return;
  const position = BigInt(atLeast);
  if (projections.position() >= position) return;
  if (await projections.waitFor(position, limits.waitMs)) return;
  throw new GraphqlFault(
    "POSITION_NOT_REACHED",
    `queries see up to ${projections.position()} here, and not ${position} within ${limits.waitMs} ms`,
  );
};

/** What is heard of a node, if that was just now and it takes tasks or holds some. */
export const lifeOf = (gateway: Gateway, nodeId: NodeId): NodeLife | undefined => {
  const life = heardOf(gateway, nodeId);
  return life?.hasLeft ? undefined : life;
};

/** The same, also of one that says that it takes none: its owner has drained it, or it stops. */
export const heardOf = ({ live, clock, limits }: Gateway, nodeId: NodeId): NodeLife | undefined => {
  const life = live().get(nodeId);
  if (!life) return undefined;
  const liveMs = life.held > 0 ? limits.liveMs : limits.idleLiveMs;
  return clock.now() - life.lastSeen <= liveMs ? life : undefined;
};
