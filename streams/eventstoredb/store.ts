/**
 * The event store port on an EventStoreDB or KurrentDB server, or on the gRPC face of an embedded
 * store. One node without TLS is spoken to over HTTP/2 directly (`http2/`); clusters, TLS and what
 * is rare go through the vendor's library (`library.ts`).
 */

import { type EventStore, EventStoreError } from "../event-store.ts";
import { openHttp2Store, type RareOperations } from "./http2/store.ts";

export interface EventStoreDbOptions {
  /** How long a write, and each next event of a read, may take, in milliseconds. Default 10,000. */
  readonly timeoutMs?: number;
  /** Whether everything goes through the library, whatever the server is. Default false. */
  readonly libraryOnly?: boolean;
}

const defaultTimeoutMs = 10_000;

/**
 * The one open connection of this process. Pending batch appends of all clients lie in one map of
 * the library's module, and a broken stream of one client rejects those of every other.
 */
let open: Shared | undefined;

interface Shared {
  readonly url: string;
  readonly store: Promise<EventStore>;
  users: number;
  /** Set when the last user has left; who comes then waits for it and begins anew. */
  closing?: Promise<void>;
}

/** Connection strings of the renamed product, in the words the library knows. */
const libraryUrl = (url: string): string => url.replace(/^kurrentdb(\+discover)?:/, "esdb$1:");

/** Host and port of the one node that a connection string names without TLS. */
const plainAuthority = (url: string): string | undefined => {
  const match = /^esdb:\/\/(?:[^@/?]*@)?([^@/?,]+)\/?\?(.*)$/.exec(url);
  const [, host = "", query = ""] = match ?? [];
  const parameters = new URLSearchParams(query.toLowerCase());
  if (match === null || parameters.get("tls") !== "false") return undefined;
  return host.includes(":") ? host : `${host}:2113`;
};

/**
 * Connects to a server. The connection is made at the first call, and again after it broke.
 *
 * @throws {EventStoreError} `bad-request` if the connection string cannot be read, or if this
 *   process already has a connection to another server.
 */
export const connectEventStoreDb = async (
  connectionString: string,
  options: EventStoreDbOptions = {},
): Promise<EventStore> => {
  const url = libraryUrl(connectionString);
  // Whoever closes it hears of what goes wrong there.
  while (open?.closing !== undefined) await open.closing.catch(() => undefined);
  if (open !== undefined && open.url !== url)
    throw new EventStoreError(
      "bad-request",
      "a process can have one EventStoreDB connection at a time, and has another one open",
    );
  open ??= { url, store: openStore(url, options), users: 0 };
  const shared = open;
  shared.users++;
  let closed = false;
  const leave = async (): Promise<void> => {
    if (closed) return;
    closed = true;
    if (--shared.users > 0) return;
    shared.closing = shared.store
      .then((store) => store.close())
      .finally(() => {
        open = undefined;
      });
    await shared.closing;
  };
  try {
    return { ...(await shared.store), close: leave };
  } catch (error) {
    await leave().catch(() => undefined); // It says the same.
    throw error;
  }
};

const openStore = async (
  url: string,
  { timeoutMs = defaultTimeoutMs, libraryOnly = false }: EventStoreDbOptions,
): Promise<EventStore> => {
  const openLibrary = async (): Promise<EventStore> => {
    // Loaded when it is needed: it takes as long as the rest of a process' start.
    const { openLibraryStore } = await import("./library.ts");
    return openLibraryStore(url, { timeoutMs });
  };
  const authority = libraryOnly ? undefined : plainAuthority(url);
  if (authority === undefined) return openLibrary();
  let library: Promise<EventStore> | undefined;
  const rare = (): Promise<EventStore> => {
    library ??= openLibrary();
    return library;
  };
  const operations: RareOperations = {
    deleteStream: async (stream, expected) => (await rare()).deleteStream(stream, expected),
    tombstoneStream: async (stream, expected) => (await rare()).tombstoneStream(stream, expected),
    close: async () => (await library)?.close(),
  };
  return openHttp2Store({ authority, timeoutMs, rare: operations });
};
