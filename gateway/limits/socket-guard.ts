/**
 * The limits of WebSocket connections. Each message is looked at before anything else sees it, because
 * what stands behind parses whatever it is sent; what is refused is answered here and goes no further.
 */
import type { Limits } from "../context.ts";
import { GraphqlFault, HttpFault } from "../errors.ts";
import type { Admission } from "./admission.ts";
import { InvalidQuery } from "./document.ts";
import type { Asker } from "./rates.ts";
import { type JsonLimits, jsonFault } from "./read-body.ts";

/** What is needed of a WebSocket of `ws`. */
export interface GuardedSocket {
  emit(event: string, ...args: readonly unknown[]): boolean;
  send(data: string, ...rest: readonly unknown[]): void;
  close(code: number, reason: string): void;
  on(event: "close", listener: () => void): unknown;
}

export interface SocketGuard {
  /** Watches a connection from its first message on. */
  watch(socket: GuardedSocket, caller: SocketCaller): void;
}

export interface SocketCaller {
  /** Who it is by now: a connection says so in its first message. */
  readonly askerOf: () => Asker;
  /** Hears the code of each message that was not let through. */
  readonly onRefused: (code: string) => void;
}

/** Close codes of the protocol, and of WebSocket itself. */
const closeCodes = { badRequest: 4400, sameId: 4409, tooLarge: 1009, later: 1013 } as const;

export const socketGuard = ({
  admission: { admit, rates },
  limits,
}: {
  readonly admission: Admission;
  readonly limits: Limits;
}): SocketGuard => {
  /** Connections and subscriptions by caller; only of callers who have any. */
  const connections = new Map<string, number>();
  const subscriptions = new Map<string, number>();

  const watch = (socket: GuardedSocket, { askerOf, onRefused }: SocketCaller): void => {
    const asker = askerOf();
    const active = new Map<string, string>();
    const emit = socket.emit.bind(socket);
    const send = socket.send.bind(socket);
    let closed = false;
    const shut = (code: number, reason: string, name: string): void => {
      closed = true;
      onRefused(name);
      socket.close(code, reason);
    };
    const end = (id: string): void => {
      const key = active.get(id);
      if (key === undefined) return;
      active.delete(id);
      add(subscriptions, key, -1);
    };

    add(connections, asker.key, 1);
    socket.on("close", () => {
      closed = true;
      add(connections, asker.key, -1);
      for (const id of [...active.keys()]) end(id);
    });

    /** @throws {GraphqlFault | HttpFault | InvalidQuery} Why this subscription may not begin. */
    const begin = async (id: string, payload: unknown, bytes: number): Promise<void> => {
      const now = askerOf();
      if (active.size >= limits.subscriptionsPerConnection)
        throw tooMany(`a connection has at most ${limits.subscriptionsPerConnection}`);
      if ((subscriptions.get(now.key) ?? 0) >= limits.subscriptionsPerCaller)
        throw tooMany(`a caller has at most ${limits.subscriptionsPerCaller}`);
      active.set(id, now.key);
      add(subscriptions, now.key, 1);
      const { query, variables, operationName } = (payload ?? {}) as Readonly<
        Record<string, unknown>
      >;
      const asked = { query, variables, operationName, extensions: undefined, bytes };
      const { cost } = admit({ ...asked, transport: "socket" }, now);
      const { ok, headers } = await rates.spend("points", now, cost);
      if (!ok) throw new GraphqlFault("RATE_LIMITED", `again in ${headers["retry-after"]} s`);
    };

    const take = async (data: Buffer, args: readonly unknown[]): Promise<void> => {
      const now = askerOf();
      const { ok } = await rates.spend("messages", now, 1);
      if (closed) return;
      if (!ok) return shut(closeCodes.later, "rate-limited", "RATE_LIMITED");
      if (data.length > limits.readBytes)
        return shut(closeCodes.tooLarge, "message too large", "REQUEST_TOO_LARGE");
      const message = messageIn(data, limits);
      if (message === undefined)
        return shut(closeCodes.badRequest, "not a message of the protocol", "BAD_USER_INPUT");
      const { type, id, payload } = message;
      if (type === "complete" && id !== undefined) end(id);
      if (type === "subscribe") {
        if (id === undefined)
          return shut(closeCodes.badRequest, "a subscription needs an id", "BAD_USER_INPUT");
        if (active.has(id))
          return shut(closeCodes.sameId, `Subscriber for ${id} already exists`, "BAD_USER_INPUT");
        try {
          await begin(id, payload, data.length);
        } catch (error) {
          end(id);
          const errors = refusalOf(error);
          onRefused(errors[0]?.extensions.code ?? "INTERNAL");
          if (!closed)
            send(JSON.stringify({ id, type: "error", payload: errors }), () => undefined);
          return;
        }
      }
      if (!closed) emit("message", ...args);
    };

    // One after the other, in the order in which they came.
    let last: Promise<void> = Promise.resolve();
    let waiting = 0;
    socket.emit = (event, ...args) => {
      if (event !== "message") return emit(event, ...args);
      if (closed) return true;
      if (++waiting > waitingMax) {
        shut(closeCodes.later, "rate-limited", "RATE_LIMITED");
        return true;
      }
      last = last
        .then(() => take(args[0] as Buffer, args))
        .catch(() => socket.close(1011, "internal error"))
        .finally(() => {
          waiting--;
        });
      return true;
    };
    socket.send = (data, ...rest) => {
      const id = endedIn(data);
      if (id !== undefined) end(id);
      send(data, ...rest);
    };
    if ((connections.get(asker.key) ?? 0) > limits.connectionsPerCaller)
      shut(closeCodes.later, "too many connections", "TOO_MANY_SUBSCRIPTIONS");
  };
  return { watch };
};

/** Messages of one connection that may wait for those before them. */
const waitingMax = 1_000;

const add = (counts: Map<string, number>, key: string, change: number): void => {
  const count = (counts.get(key) ?? 0) + change;
  if (count > 0) counts.set(key, count);
  else counts.delete(key);
};

const tooMany = (what: string) =>
  new GraphqlFault("TOO_MANY_SUBSCRIPTIONS", `${what} subscriptions at once`);

interface Message {
  readonly type: unknown;
  readonly id: string | undefined;
  readonly payload: unknown;
}

const messageIn = (data: Buffer, limits: JsonLimits): Message | undefined => {
  if (jsonFault(data, limits)) return undefined;
  try {
    const message = JSON.parse(data.toString("utf8")) as unknown;
    if (typeof message !== "object" || message === null || Array.isArray(message)) return undefined;
    const { type, id, payload } = message as Readonly<Record<string, unknown>>;
    const isNamed = typeof id === "string" && id !== "" && id.length <= 200;
    return { type, id: isNamed ? id : undefined, payload };
  } catch {
    return undefined;
  }
};

/** The subscription that a message from the gateway ends; `ws` sends them as JSON texts of mercurius. */
const endedIn = (data: unknown): string | undefined => {
  if (typeof data !== "string" || !/^\{"type":"(?:complete|error)"/.test(data)) return undefined;
  const { id } = JSON.parse(data) as { readonly id?: unknown };
  return typeof id === "string" ? id : undefined;
};

interface SocketError {
  readonly message: string;
  readonly extensions: { readonly code: string };
}

const refusalOf = (error: unknown): readonly SocketError[] => {
  if (error instanceof InvalidQuery)
    return error.errors.map(({ message }) => ({ message, extensions: { code: error.code } }));
  if (error instanceof GraphqlFault || error instanceof HttpFault)
    return [{ message: error.message, extensions: { code: error.code } }];
  throw error;
};
