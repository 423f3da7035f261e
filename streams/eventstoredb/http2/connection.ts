/**
 * One HTTP/2 connection to one node, without TLS. It is made at the first call and again after it
 * broke; a node that answers no ping for a while is taken for dead.
 */

import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from "node:http2";
import { EventStoreError } from "../../event-store.ts";

export interface Connection {
  /**
   * Opens a call of the Streams service. What goes wrong is said by the stream.
   *
   * @throws {EventStoreError} `unavailable` after `close`.
   */
  open(method: "BatchAppend" | "Read"): ClientHttp2Stream;
  /** Ends all calls; resolves when the socket is closed. */
  close(): Promise<void>;
}

const streamWindowBytes = 1 << 20;
const sessionWindowBytes = 16 << 20;
const pingMs = 5_000;
/** Not one: after a long turn of our own, an answer may lie unread. */
const unansweredMax = 2;

/** @param authority - Host and port, such as `127.0.0.1:2113`. */
export const openConnection = (authority: string): Connection => {
  let session: ClientHttp2Session | undefined;
  let closing: Promise<void> | undefined;

  const start = (): ClientHttp2Session => {
    const made = connect(`http://${authority}`, {
      maxSessionMemory: 256,
      settings: { enablePush: false, initialWindowSize: streamWindowBytes },
    });
    let unanswered = 0;
    const pinging = setInterval(() => {
      if (unanswered++ >= unansweredMax)
        made.destroy(new EventStoreError("unavailable", `${authority} answers no ping`));
      else if (!made.connecting)
        made.ping((error) => {
          if (error === null) unanswered = 0;
        });
    }, pingMs);
    const forget = (): void => {
      if (session === made) session = undefined;
    };
    made.once("connect", (_, socket) => {
      made.setLocalWindowSize(sessionWindowBytes);
      if ("setNoDelay" in socket) socket.setNoDelay(true);
    });
    made.once("goaway", forget);
    made.once("close", () => {
      clearInterval(pinging);
      forget();
    });
    made.on("error", () => undefined); // Its streams hear of it.
    return made;
  };

  return {
    open: (method) => {
      if (closing !== undefined)
        throw new EventStoreError("unavailable", "the connection was closed");
      if (session === undefined || session.closed || session.destroyed) session = start();
      return session.request({
        ":method": "POST",
        ":path": `/event_store.client.streams.Streams/${method}`,
        "content-type": "application/grpc",
        te: "trailers",
      });
    },
    close: () => {
      closing ??= new Promise((resolve) => {
        if (session === undefined || session.destroyed) return resolve();
        session.once("close", resolve);
        session.destroy(undefined, constants.NGHTTP2_CANCEL);
      });
      return closing;
    },
  };
};
