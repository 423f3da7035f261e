/**
 * The coordinator's composition root: opens what the chosen roles need and puts them together. One
 * process may have all roles, or each its own; the code is the same.
 */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { seededRandom } from "../domain/chance.ts";
import type { MicroPointsText } from "../domain/points.ts";
import type { AccessMode } from "../gateway/access/access.ts";
import type { NodeLife } from "../gateway/context.ts";
import { openGateway } from "../gateway/gateway.ts";
import { ratesWith } from "../gateway/limits/rates.ts";
import { openProjectionsThread } from "../projections/thread.ts";
import { runDispatcher } from "../services/dispatcher/run-dispatcher.ts";
import { type Feed, type Listener, runFeed } from "../services/facts.ts";
import { createJobBook } from "../services/job-book.ts";
import { createNodeRecords } from "../services/node-records.ts";
import { createPolicyBook } from "../services/policy.ts";
import type { RunningProber } from "../services/prober/run-prober.ts";
import { runRewards } from "../services/rewards/run-rewards.ts";
import { createRollCaller } from "../services/roll-caller.ts";
import { createSigningKeys } from "../services/signing-keys.ts";
import { runValidator } from "../services/validator/run-validator.ts";
import { httpBlobs } from "../streams/blobs/http.ts";
import { openBlobStore } from "../streams/blobs/packed.ts";
import { wallClock } from "../streams/clock.ts";
import { connectEventStore } from "../streams/connect-event-store.ts";
import { serveEmbeddedStore } from "../streams/embedded/grpc/server.ts";
import type { EmbeddedStore } from "../streams/embedded/store.ts";
import { openNatsAuthority } from "../streams/nats/authority/authority.ts";
import {
  followTransportKeys,
  type TransportKeys,
} from "../streams/nats/authority/transport-keys.ts";
import { connectNats, type NatsTls } from "../streams/nats/connection.ts";
import type { CredentialsSource } from "../streams/nats/credentials.ts";
import { openTaskDesk } from "../streams/nats/task-desk.ts";
import { openRefusalLog } from "../streams/refusals/sqlite.ts";
import { nativeProofs, nativeSha256 } from "./native-proofs.ts";
import { adoptWish, changeLines, type PolicyWish } from "./policy/adopt.ts";
import { openProbes } from "./probes.ts";
import { processIds } from "./process-ids.ts";
import { refusalsFile, version } from "./settings.ts";

export const roles = ["dispatcher", "validator", "rewards", "gateway"] as const;
export type Role = (typeof roles)[number];

export interface ServeOptions {
  readonly roles: readonly Role[];
  /** Holds events, blobs and views; made if it is not there. */
  readonly dataDirectory: string;
  /** An EventStoreDB; the embedded log in the data directory if left out. */
  readonly eventStoreUrl?: string;
  /** Serves the embedded log to other processes on this port of 127.0.0.1. */
  readonly eventStorePort?: number;
  readonly natsUrl: string;
  /** How to be let into NATS; without it, it lets anybody in. */
  readonly nats?: {
    readonly credentials?: CredentialsSource;
    readonly tls?: NatsTls;
    /** With the keys by which nodes get credentials; one process may have it. */
    readonly authority?: string;
    /** Where workers find it; `natsUrl` if left out. */
    readonly publicUrl?: string;
  };
  readonly host: string;
  /** Of the gateway; 0 for any free one. */
  readonly port: number;
  /** PEM; the gateway speaks plain HTTP without it. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** By which clients know the gateway, given its port; its own if left out. */
  readonly publicUrls?: (port: string) => readonly string[];
  /** Web pages of these origins may ask the gateway too, such as `http://localhost:5173`. */
  readonly origins?: readonly string[];
  /** Where a validator without a gateway in its process gets outputs from. */
  readonly gatewayUrl?: string;
  /** Whether whoever changes something on the gateway has to be somebody; `open` if left out. */
  readonly access?: AccessMode;
  /** If given, callers from other machines run these documents and no others; by SHA-256. */
  readonly operations?: ReadonlyMap<string, string>;
  /** Whether callers from other machines may ask for the schema. */
  readonly introspection?: boolean;
  /** Points of an identity in 10 seconds; an address gets a fifth. */
  readonly budget?: number;
  /** What a client gets the first time it submits a job. */
  readonly grant: MicroPointsText;
  /** So many clients get it within an hour; all that come if not given. */
  readonly grantsPerHour?: number;
  /** Whether nodes are tested with known-answer tasks: takes dispatcher, validator and gateway in one. */
  readonly probes?: boolean;
  /** Adopted before anything starts, as far as it differs from what is in force. */
  readonly policy?: PolicyWish;
  readonly onLog: (line: string) => void;
  /** Hears what whoever watches the network should know; `onLog` if left out. */
  readonly onNotice?: (text: string) => void;
}

/** Room for blobs in the data directory, 64 GiB; the disk may be smaller, which is noticed in time. */
const blobStoreBytesMax = 64 * 1024 ** 3;

export interface Serving {
  /** Of the gateway, if it is among the roles. */
  readonly url: string | undefined;
  readonly eventStoreUrl: string | undefined;
  /** Stops taking work, finishes what is under way, closes every file. */
  close(): Promise<void>;
}

/** @throws Whatever a part throws that cannot be opened; what was opened before is closed again. */
export const serve = async (options: ServeOptions): Promise<Serving> => {
  const { dataDirectory, natsUrl, onLog } = options;
  const has = (role: Role) => options.roles.includes(role);
  const clock = wallClock;
  const ids = processIds();
  const onTrouble = (what: string, error: unknown) =>
    onLog(`${what}: ${error instanceof Error ? error.message : String(error)}`);

  /** Closed in reverse order. */
  const opened: (() => Promise<void>)[] = [];
  const close = async () => {
    for (const shut of opened.splice(0).reverse()) await shut();
  };

  try {
    const store = await connectEventStore(
      options.eventStoreUrl === undefined
        ? { directory: join(dataDirectory, "events") }
        : { url: options.eventStoreUrl },
    );
    opened.push(() => store.close());
    let eventStoreUrl = options.eventStoreUrl;
    if (options.eventStorePort !== undefined && options.eventStoreUrl === undefined) {
      const listen = { host: "127.0.0.1", port: options.eventStorePort } as const;
      const served = await serveEmbeddedStore(store as EmbeddedStore, listen);
      opened.push(() => served.close());
      eventStoreUrl = served.url;
    }

    if (options.policy !== undefined) {
      const { version, changes } = await adoptWish({ store, ids, clock }, options.policy);
      for (const line of changeLines(changes)) onLog(`policy version ${version}: ${line}`);
    }

    const refusals = openRefusalLog({
      path: refusalsFile(dataDirectory),
      clock,
      onTrouble: (error) => onTrouble("refusals", error),
    });
    opened.push(async () => refusals.close());

    const { credentials, tls: natsTls, authority } = options.nats ?? {};
    const desk = await openTaskDesk({
      link: await connectNats({
        url: natsUrl,
        name: "task desk",
        clock,
        ...(credentials ? { credentials } : {}),
        ...(natsTls ? { tls: natsTls } : {}),
      }),
      clock,
      onMalformed: (subject, reason) => {
        onLog(`a message on ${subject} was removed: ${reason}`);
        refusals.record({ code: "malformed-message", what: subject, at: clock.now() });
      },
      onConnected: (connected) => onLog(connected ? "nats is there" : "nats is gone"),
      onTrouble: (error) => onTrouble("nats", error),
    });
    opened.push(() => desk.close());

    const local = has("gateway")
      ? await openBlobStore({
          directory: join(dataDirectory, "blobs"),
          maxBytes: blobStoreBytesMax,
        })
      : undefined;
    if (local) opened.push(() => local.close());

    const place = "gateway-1";
    const records = createNodeRecords();
    let url: string | undefined;
    if (local) {
      const projections = await openProjectionsThread({
        store,
        storeUrl: options.eventStoreUrl,
        directory: join(dataDirectory, "views"),
        clock,
        onError: (error) => onTrouble("views", error),
        onNotice: (text) => (options.onNotice ?? onLog)(`views: ${text}`),
      });
      opened.push(() => projections.close());
      const live = new Map<string, NodeLife>();
      desk.onHeartbeat((nodeId, { held, draining }) => {
        const hasLeft = draining && held === 0;
        live.set(nodeId, { held, lastSeen: clock.now(), hasLeft });
      });
      let nodeAuthority: TransportKeys | undefined;
      if (authority !== undefined) {
        const nats = await openNatsAuthority({
          directory: authority,
          url: natsUrl,
          clock,
          ...(natsTls ? { tls: natsTls } : {}),
          onTrouble: (error) => onTrouble("a revocation is said to NATS again", error),
        });
        opened.push(() => nats.close());
        const keys = followTransportKeys({
          store,
          authority: nats,
          clock,
          ...(natsTls?.ca === undefined ? {} : { ca: natsTls.ca }),
          onTrouble: (error) => onTrouble("transport keys", error),
        });
        opened.push(() => keys.close());
        nodeAuthority = keys;
      }
      const gateway = await openGateway({
        store,
        projections,
        blobs: local,
        ids,
        clock,
        host: options.host,
        port: options.port,
        ...(options.origins === undefined ? {} : { origins: options.origins }),
        ...(options.access === undefined ? {} : { access: options.access }),
        keyDirectory: dataDirectory,
        introspection: options.introspection ?? false,
        ...(options.operations === undefined ? {} : { operations: options.operations }),
        ...(options.budget === undefined ? {} : { rates: ratesWith(options.budget) }),
        natsUrl: options.nats?.publicUrl ?? natsUrl,
        ...(nodeAuthority ? { nodeAuthority } : {}),
        ...(options.tls ? { tls: options.tls } : {}),
        ...(options.publicUrls ? { publicUrls: options.publicUrls } : {}),
        place,
        version,
        live: () => live,
        recordOf: records.of,
        refusals,
      });
      opened.push(() => gateway.close());
      url = gateway.url;
    }

    const follow = async (listeners: readonly Listener[]) => {
      const feed: Feed = runFeed({
        store,
        clock,
        listeners: has("gateway") ? [records, ...listeners] : listeners,
        onTrouble: (error) => onTrouble("the feed of facts broke", error),
      });
      opened.push(() => feed.close());
      await feed.live;
    };
    if (options.roles.every((role) => role === "gateway")) await follow([createRollCaller(desk)]);
    else {
      const book = createJobBook({ store, ids });
      // First, so that whoever hears a fact asks for the policy that was in force before it or by it.
      const policy = createPolicyBook();
      const listeners: Listener[] = [policy, book];
      if (has("rewards")) {
        const { grant, grantsPerHour } = options;
        const rewards = runRewards({
          store,
          ids,
          book,
          clock,
          sha256: nativeSha256,
          grant,
          ...(grantsPerHour === undefined ? {} : { grantsPerHour }),
          onTrouble,
        });
        listeners.push(rewards);
        opened.push(() => rewards.close());
      }
      let prober: RunningProber | undefined;
      if (has("dispatcher")) {
        const seed = randomBytes(4).readUInt32LE();
        const random = seededRandom(seed);
        onLog(`dispatcher draws from seed ${seed}`);
        const dispatcher = runDispatcher({
          book,
          desk,
          clock,
          random,
          sha256: nativeSha256,
          onTrouble,
        });
        listeners.push(dispatcher);
        opened.push(() => dispatcher.close());
        if (options.probes && local && has("validator")) {
          const { access = "open" } = options;
          const by = { store, ids, clock, book, policy: policy.current, place, access };
          prober = openProbes({ ...by, blobs: local, dispatcher, onTrouble });
          // Before the validator, which asks it what may be judged.
          listeners.push(prober);
          opened.push(prober.close);
        } else if (options.probes)
          onLog(
            "nodes are not tested: that takes dispatcher, validator and gateway in one process",
          );
      }
      if (has("validator")) {
        const blobs = local ?? httpBlobs({ gateway: options.gatewayUrl ?? "" });
        const keys = createSigningKeys();
        listeners.push(keys);
        const validator = runValidator({
          book,
          store,
          ids,
          policy: policy.current,
          keys,
          proofs: nativeProofs,
          desk,
          blobs,
          clock,
          onTrouble,
          refusalLog: refusals,
          ...(prober ? { withholds: prober.withholds } : {}),
        });
        listeners.push(validator);
        opened.push(() => validator.close());
      }
      await follow(listeners);
    }
    return { url, eventStoreUrl, close };
  } catch (error) {
    await close();
    throw error;
  }
};
