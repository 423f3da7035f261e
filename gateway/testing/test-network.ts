/** A gateway on a real store, real views and a real blob store in a directory of its own, for tests. */
import { rmSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { JobSpec } from "../../domain/job/spec.ts";
import { openProjections } from "../../projections/open.ts";
import type { Projections } from "../../projections/projections.ts";
import type { BlobStore } from "../../streams/blob-store.ts";
import type { Disk } from "../../streams/blobs/disk.ts";
import { openBlobStore } from "../../streams/blobs/packed.ts";
import { wallClock } from "../../streams/clock.ts";
import { type AnyEvent, encode } from "../../streams/codec.ts";
import { openEmbeddedStore } from "../../streams/embedded/store.ts";
import { type EventIds, eventIds } from "../../streams/event-ids.ts";
import type { EventStore } from "../../streams/event-store.ts";
import type { Refused } from "../../streams/refusal-log.ts";
import type { NodeLife } from "../context.ts";
import { type GatewayOptions, openGateway } from "../gateway.ts";

/** Tests look into answers of every shape. */
type Answer = ReturnType<typeof JSON.parse>;

export interface GraphqlAnswer {
  readonly data: Answer;
  readonly errors?: readonly {
    readonly message: string;
    readonly extensions: { readonly code: string };
  }[];
}

export interface TestNetwork {
  readonly url: string;
  readonly store: EventStore;
  readonly projections: Projections;
  readonly blobs: BlobStore;
  readonly ids: EventIds;
  readonly live: Map<string, NodeLife>;
  readonly logged: string[];
  readonly refused: Refused[];
  readonly ask: (
    query: string,
    variables?: object,
    operationName?: string,
  ) => Promise<GraphqlAnswer>;
  /** Writes facts as a service would; answers the position of the last. */
  readonly write: (stream: string, ...events: readonly AnyEvent[]) => Promise<string>;
  readonly closeGateway: () => Promise<void>;
  readonly close: () => Promise<void>;
}

export const openTestNetwork = async (
  options: Partial<GatewayOptions> & {
    readonly disk?: Disk;
    /** Puts something between the gateway and the store. */
    readonly aroundStore?: (store: EventStore) => EventStore;
    /** Keeps the views so far behind the log. */
    readonly viewsDelayMs?: number;
  } = {},
): Promise<TestNetwork> => {
  const { disk, aroundStore = (same) => same, viewsDelayMs = 0, ...given } = options;
  const directory = await mkdtemp(join(tmpdir(), "cnct-gateway-"));
  // Also when a test ends the process before it closes the network.
  const removeAtOnce = (): void => rmSync(directory, { recursive: true, force: true });
  process.once("exit", removeAtOnce);
  const store = await openEmbeddedStore({ directory: join(directory, "events") });
  const projections = await openProjections({
    store: viewsDelayMs === 0 ? store : slowed(store, viewsDelayMs),
    directory,
    clock: wallClock,
    onError: (error) => {
      throw error;
    },
  });
  const blobs = await openBlobStore({
    directory: join(directory, "blobs"),
    maxBytes: 1024 ** 3,
    ...(disk ? { disk } : {}),
  });
  const ids = eventIds("0123456789ab");
  const live = new Map<string, NodeLife>();
  const logged: string[] = [];
  const refused: Refused[] = [];
  const note =
    (level: string) =>
    (details: object, message: string): void => {
      logged.push(`${level}: ${message} ${JSON.stringify(details)}`);
    };
  const gateway = await openGateway({
    version: "0.0.0-test",
    store: aroundStore(store),
    projections,
    blobs,
    ids,
    clock: wallClock,
    host: "127.0.0.1",
    port: 0,
    natsUrl: "nats://127.0.0.1:4222",
    place: "gateway-1",
    live: () => live,
    logger: { info: note("info"), warn: note("warning"), error: note("error") },
    refusals: { record: (one) => refused.push(one) },
    ...given,
  });
  return {
    url: gateway.url,
    store,
    projections,
    blobs,
    ids,
    live,
    logged,
    refused,
    ask: async (query, variables, operationName) => {
      const response = await fetch(`${gateway.url}/graphql`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ query, variables, operationName }),
      });
      return (await response.json()) as GraphqlAnswer;
    },
    write: async (stream, ...events) => {
      const written = events.map((event) => encode(event, ids.next(), "service:test"));
      const result = await store.append(stream, written, "any");
      if (!result.ok) throw new Error(`a conflict on ${stream}`);
      return result.position.toString();
    },
    closeGateway: () => gateway.close(),
    close: async () => {
      await gateway.close();
      await projections.close();
      await blobs.close();
      await store.close();
      process.off("exit", removeAtOnce);
      await rm(directory, { recursive: true, force: true });
    },
  };
};

/** The same store, whose subscribers hear of everything late. */
const slowed = (store: EventStore, delayMs: number): EventStore => ({
  ...store,
  subscribe: (options) =>
    store.subscribe({
      ...options,
      onEvents: async (events) => {
        await new Promise((resolve) => setTimeout(resolve, delayMs));
        await options.onEvents(events);
      },
    }),
});

/** A job that needs no input; `nonce` makes it another one. */
export const noopSpec = (nonce: string, changes: Partial<JobSpec> = {}): JobSpec => ({
  version: 1,
  client: "client:ada",
  app: "noop",
  params: {},
  inputs: {},
  comparator: { kind: "exact" },
  quorum: 2,
  replicasMax: 4,
  price: "100",
  engine: "",
  wallMs: 60_000,
  deadlineMs: 3_600_000,
  priority: 3,
  nonce,
  ...changes,
});
