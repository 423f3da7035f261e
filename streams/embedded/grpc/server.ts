/**
 * The embedded store on EventStoreDB's own gRPC protocol, so that other processes and other
 * languages use it with the client they have. HTTP/2 without TLS, on the loopback interface.
 *
 * Not answered, and not claimed: persistent subscriptions, projections, gossip, users, operations.
 */

import { once } from "node:events";
import { createServer, type ServerHttp2Session } from "node:http2";
import type { AddressInfo } from "node:net";
import type { EmbeddedStore } from "../store.ts";
import { supportedMethods } from "./answers.ts";
import { Call, CallError, statusCodes } from "./call.ts";
import { ProtoError } from "./proto.ts";
import { read } from "./reads.ts";
import { append, batchAppend, callErrorOf, removal } from "./writes.ts";

type Handler = (store: EmbeddedStore, call: Call) => Promise<void>;

const streams = "/event_store.client.streams.Streams";
const handlers: ReadonlyMap<string, Handler> = new Map<string, Handler>([
  [`${streams}/Append`, append],
  [`${streams}/BatchAppend`, batchAppend],
  [`${streams}/Read`, read],
  [`${streams}/Delete`, removal("deleteStream")],
  [`${streams}/Tombstone`, removal("tombstoneStream")],
  [
    "/event_store.client.server_features.ServerFeatures/GetSupportedMethods",
    async (_, call) => {
      await call.message();
      await call.send(supportedMethods());
    },
  ],
]);

const streamWindowBytes = 1 << 20;
const sessionWindowBytes = 16 << 20;
const closeGraceMs = 1_000;

export interface StoreServer {
  /** Connection string for clients. */
  readonly url: string;
  readonly port: number;
  /** Ends all calls as unavailable, says good-bye, and resolves when every socket is closed. */
  close(): Promise<void>;
}

const run = async (store: EmbeddedStore, call: Call, path: string): Promise<void> => {
  const handler = handlers.get(path);
  try {
    if (handler === undefined)
      throw new CallError(statusCodes.unimplemented, `${path} is not implemented`);
    await handler(store, call);
    call.finish();
  } catch (error) {
    if (error instanceof ProtoError)
      call.fail(new CallError(statusCodes.invalidArgument, error.message));
    else call.fail(callErrorOf(error, "", store.maxAppendBytes));
  }
};

/**
 * Serves a store until `close`; the store stays open after that.
 *
 * @param address - `port` 0 for any that is free.
 */
export const serveEmbeddedStore = async (
  store: EmbeddedStore,
  { host = "127.0.0.1", port = 0 }: { readonly host?: string; readonly port?: number } = {},
): Promise<StoreServer> => {
  const sessions = new Set<ServerHttp2Session>();
  const calls = new Set<Call>();
  const server = createServer({
    maxSessionMemory: 256,
    settings: { initialWindowSize: streamWindowBytes, maxConcurrentStreams: 10_000 },
  });
  server.on("connection", (socket) => socket.setNoDelay(true));
  server.on("session", (session) => {
    sessions.add(session);
    session.once("close", () => sessions.delete(session));
    session.setLocalWindowSize(sessionWindowBytes);
  });
  // A peer that speaks no HTTP/2, or stops in the middle: its session is closed, ours goes on.
  server.on("sessionError", () => undefined);
  server.on("stream", (stream, headers) => {
    if (!String(headers["content-type"] ?? "").startsWith("application/grpc")) {
      stream.on("error", () => undefined);
      stream.respond({ ":status": 415 }, { endStream: true });
      return;
    }
    const call = new Call(stream, headers);
    calls.add(call);
    call.onOver(() => calls.delete(call));
    void run(store, call, String(headers[":path"] ?? ""));
  });
  server.listen(port, host);
  await once(server, "listening");
  const { port: bound } = server.address() as AddressInfo;

  let closed: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    const stopped = once(server, "close");
    server.close();
    for (const call of calls)
      call.fail(new CallError(statusCodes.unavailable, "the event store is closing"));
    for (const session of sessions) session.close();
    const force = setTimeout(() => {
      for (const session of sessions) session.destroy();
    }, closeGraceMs);
    await stopped;
    clearTimeout(force);
  };
  return {
    url: `esdb://${host}:${bound}?tls=false`,
    port: bound,
    close: () => {
      closed ??= close();
      return closed;
    },
  };
};
