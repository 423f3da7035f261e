/** The WebSocket to the gateway: one for all subscriptions, closed with the last one. */

import { createClient } from "graphql-ws/client";
import { CnctRefusal, CnctUnavailable } from "./errors.ts";
import { failureFrom, graphqlProblem } from "./http.ts";
import type { Authority } from "./identity/authority.ts";

export interface Listener<Data> {
  next(data: Data): void;
  /** Nothing comes after this: with an error if the subscription broke, without if it is over. */
  end(error?: Error): void;
}

export interface Wire {
  /** Starts a subscription; answers how to stop it. Nothing is retried here. */
  listen<Data>(
    request: { readonly query: string; readonly variables: Readonly<Record<string, unknown>> },
    listener: Listener<Data>,
  ): () => void;
  close(): Promise<void>;
}

/** A peer that answers no ping for so long is gone, though its socket stands. */
const pingEveryMs = 10_000;
const pongWithinMs = 5_000;
const acknowledgeWithinMs = 10_000;

export const openWire = (url: string, webSocket: typeof WebSocket, authority?: Authority): Wire => {
  let watchdog: ReturnType<typeof setTimeout> | undefined;
  /** Why the socket that is opened now has nothing to show; a socket can only be closed for that. */
  let unauthorized: Error | undefined;
  const client = createClient({
    url,
    webSocketImpl: webSocket,
    ...(authority && {
      connectionParams: async () => {
        unauthorized = undefined;
        try {
          return await authority.socketParams(url);
        } catch (error) {
          unauthorized = error instanceof Error ? error : new Error(String(error));
          throw unauthorized;
        }
      },
    }),
    // Its own retry would repeat the old `after`: `resume.ts` goes on from where it stopped.
    retryAttempts: 0,
    keepAlive: pingEveryMs,
    connectionAckWaitTimeout: acknowledgeWithinMs,
    on: {
      ping: (received) => {
        if (received) return;
        clearTimeout(watchdog);
        watchdog = setTimeout(() => client.terminate(), pongWithinMs);
      },
      pong: (received) => {
        if (received) clearTimeout(watchdog);
      },
      closed: () => clearTimeout(watchdog),
    },
  });

  return {
    listen: ({ query, variables }, listener) =>
      client.subscribe(
        { query, variables },
        {
          next: ({ data, errors }) => {
            if (errors !== undefined && errors.length > 0)
              listener.end(failureFrom(graphqlProblem(errors[0])));
            else if (data !== null && data !== undefined) listener.next(data as never);
          },
          error: (error) => listener.end(unauthorized ?? failureOf(error, url, authority)),
          complete: () => listener.end(),
        },
      ),
    close: async () => {
      clearTimeout(watchdog);
      await client.dispose();
    },
  };
};

/** Close codes by which the server says that this request will never do. */
const refusingCodes: ReadonlySet<number> = new Set([4400, 4401, 4403, 4406]);

const failureOf = (error: unknown, url: string, authority?: Authority): Error => {
  if (Array.isArray(error)) return failureFrom(graphqlProblem(error[0]));
  const { code, reason } = (typeof error === "object" && error !== null ? error : {}) as {
    readonly code?: unknown;
    readonly reason?: unknown;
  };
  const says = typeof reason === "string" ? (/^[a-z-]+/.exec(reason)?.[0] ?? "") : "";
  if (authority?.renewAfter(says) === true)
    return new CnctUnavailable("unavailable", `${url} wants a newer proof: ${says}`, error);
  if (typeof code === "number" && refusingCodes.has(code))
    return new CnctRefusal("subscription-refused", `${url} refuses: ${reason} (${code})`, error);
  return new CnctUnavailable("unreachable", `the connection to ${url} is lost`, error);
};
