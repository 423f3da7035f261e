/** One connection to NATS that never gives up, and tells those who care when it was lost and found. */
import { checkServerIdentity, type PeerCertificate } from "node:tls";
import {
  type Authenticator,
  AuthorizationError,
  connect,
  jwtAuthenticator,
  type NatsConnection,
  PermissionViolationError,
  UserAuthenticationExpiredError,
} from "@nats-io/transport-node";
import type { Millis } from "../../domain/decider.ts";
import { type Clock, sleep, wallClock } from "../clock.ts";
import type { CredentialsSource } from "./credentials.ts";
import { TaskQueueError } from "./errors.ts";
import { openRequests, type Requests } from "./requests.ts";

export const defaultUrl = "nats://127.0.0.1:4222";

export interface ConnectionListener {
  /** The connection is lost: said once, however often it is tried in vain to make it anew. */
  readonly onDisconnect?: () => void;
  /** The connection is back; subscriptions are too, but open requests and pulls are lost. */
  readonly onReconnect?: () => void;
  /** It was closed on our side, for good. */
  readonly onClose?: () => void;
  /** The server refused an operation that the credentials do not allow. */
  readonly onDenied?: (operation: string) => void;
  /**
   * The server does not let us in, or not any longer: the credentials have expired or are revoked.
   * It is tried again, with what the credentials' source says then.
   */
  readonly onRefused?: () => void;
}

/** How a connection is secured; without it, only `tls://` makes it so, and public roots are trusted. */
export interface NatsTls {
  /** PEM; trusted instead of public roots. */
  readonly ca?: string;
}

export interface NatsLink {
  readonly connection: NatsConnection;
  readonly inboxPrefix: string | undefined;
  /**
   * Resolves when the connection stands, at once if it does. What is sent while it does not may be
   * dropped without a word.
   *
   * @throws {TaskQueueError} `unavailable` after `withinMs`.
   */
  whenConnected(withinMs: Millis): Promise<void>;
  readonly requests: Requests;
  /** @returns Ends the listening. */
  listen(listener: ConnectionListener): () => void;
  /** Sends what is buffered, then closes. */
  close(): Promise<void>;
}

export interface ConnectOptions {
  /** Such as `nats://127.0.0.1:4222`; with credentials `nats://user:password@host`; several by comma. */
  readonly url: string;
  /** Shown by the server's monitoring. */
  readonly name: string;
  /** Where answers come; a node's credentials allow only `_INBOX.<node id>`. */
  readonly inboxPrefix?: string;
  /** How long to try at first, before it is an error; later it tries forever. Default 10 s. */
  readonly firstConnectMs?: Millis;
  readonly credentials?: CredentialsSource;
  /** A server that offers no TLS is then not spoken to. */
  readonly tls?: NatsTls;
  readonly clock?: Clock;
}

/** @throws {TaskQueueError} `unavailable` if no server answers, `denied` if it refuses us. */
export const connectNats = async (options: ConnectOptions): Promise<NatsLink> => {
  const { url, name, inboxPrefix, firstConnectMs = 10_000, clock = wallClock } = options;
  const { secure, ...address } = parseUrl(url);
  const { credentials } = options;
  const delays = reconnectDelays();
  const deadline = clock.now() + firstConnectMs;
  for (;;) {
    try {
      const connection = await connect({
        ...address,
        name,
        ...(inboxPrefix ? { inboxPrefix } : {}),
        ...(credentials ? { authenticator: authenticatorOf(credentials) } : {}),
        ...(secure || options.tls ? { tls: tlsOptions(address.servers, options.tls) } : {}),
        maxReconnectAttempts: -1,
        reconnectDelayHandler: delays.next,
        ignoreAuthErrorAbort: true,
        timeout: 5_000,
        // Of the many connections of nodes, which are idle most of the time, each ping wakes the server.
        pingInterval: inboxPrefix === undefined ? 10_000 : 30_000,
        maxPingOut: 2,
        noAsyncTraces: true,
      });
      return linkOf(connection, { clock, inboxPrefix, delays });
    } catch (error) {
      if (error instanceof AuthorizationError)
        throw new TaskQueueError("denied", `NATS at ${shown(address)} refused ${name}`, error);
      if (clock.now() >= deadline)
        throw new TaskQueueError(
          "unavailable",
          `no NATS server answers at ${shown(address)}`,
          error,
        );
      await sleep(clock, 100);
    }
  }
};

const authenticatorOf =
  (credentials: CredentialsSource): Authenticator =>
  (nonce) => {
    const { jwt, seed } = credentials();
    return jwtAuthenticator(jwt, new TextEncoder().encode(seed))(nonce);
  };

/** Short when the server was only away, longer and longer while it refuses us. */
const reconnectDelays = () => {
  let refused = 0;
  return {
    next: (): Millis => {
      const longest = Math.min(100 * 2 ** refused, refusedDelayMaxMs);
      return longest + Math.random() * 1.5 * longest;
    },
    refuse: (): void => void refused++,
    letIn: (): void => {
      refused = 0;
    },
  };
};
const refusedDelayMaxMs = 10_000;

interface LinkOptions {
  readonly clock: Clock;
  readonly inboxPrefix: string | undefined;
  readonly delays: ReturnType<typeof reconnectDelays>;
}

const linkOf = (
  connection: NatsConnection,
  { clock, inboxPrefix, delays }: LinkOptions,
): NatsLink => {
  const listeners = new Set<ConnectionListener>();
  const requests = openRequests(connection, { clock, inboxPrefix });
  let connected = true;
  const hear = async (): Promise<void> => {
    for await (const status of connection.status()) {
      // The library says both once more for each attempt that the server has answered with a refusal.
      const isLost = status.type === "disconnect" && connected;
      const isFound = status.type === "reconnect" && !connected;
      if (isLost || status.type === "close") {
        connected = false;
        requests.failAll();
      }
      if (isFound) {
        connected = true;
        delays.letIn();
      }
      const isRefusal =
        status.type === "error" &&
        (status.error instanceof AuthorizationError ||
          status.error instanceof UserAuthenticationExpiredError);
      if (isRefusal) delays.refuse();
      for (const listener of listeners) {
        if (isLost) listener.onDisconnect?.();
        if (status.type === "close") listener.onClose?.();
        if (isFound) listener.onReconnect?.();
        if (isRefusal) listener.onRefused?.();
        if (status.type === "error" && status.error instanceof PermissionViolationError)
          listener.onDenied?.(`${status.error.operation} ${status.error.subject}`);
      }
    }
  };
  void hear();
  return {
    connection,
    inboxPrefix,
    whenConnected: (withinMs) => {
      if (connected) return Promise.resolve();
      return new Promise((resolve, reject) => {
        const end = (): void => {
          listeners.delete(listener);
          timer.cancel();
        };
        const timer = clock.after(withinMs, () => {
          end();
          reject(new TaskQueueError("unavailable", "there is no connection to NATS"));
        });
        const listener: ConnectionListener = {
          onReconnect: () => {
            end();
            resolve();
          },
          onClose: () => {
            end();
            reject(new TaskQueueError("closed", "the connection to NATS is closed"));
          },
        };
        listeners.add(listener);
      });
    },
    requests,
    listen: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    close: async () => {
      if (connection.isClosed()) return;
      if (!connected) return await connection.close();
      // To drain needs a server that answers; without one there is nothing to wait for.
      const late = Promise.withResolvers<void>();
      const timer = wallClock.after(2_000, late.resolve);
      await Promise.race([connection.drain().catch(() => {}), late.promise]);
      timer.cancel();
      await connection.close();
    },
  };
};

interface Address {
  readonly servers: string[];
  readonly user?: string;
  readonly pass?: string;
  readonly token?: string;
  readonly secure: boolean;
}

const parseUrl = (url: string): Address => {
  const urls = url
    .split(",")
    .map((one) => new URL(one.includes("://") ? one.trim() : `nats://${one.trim()}`));
  const [first] = urls;
  const user = first ? decodeURIComponent(first.username) : "";
  const pass = first ? decodeURIComponent(first.password) : "";
  return {
    servers: urls.map(({ hostname, port }) => `${hostname}:${port || "4222"}`),
    ...(user && pass ? { user, pass } : user ? { token: user } : {}),
    secure: urls.some(({ protocol }) => protocol === "tls:"),
  };
};

/**
 * The library does not tell TLS which server it has dialled when that is an address and not a name:
 * then the certificate is compared with what we were told to connect to.
 */
const tlsOptions = (servers: readonly string[], { ca }: NatsTls = {}) => {
  const hosts = servers.map((server) =>
    new URL(`tls://${server}`).hostname.replace(/^\[|\]$/g, ""),
  );
  return {
    ...(ca === undefined ? {} : { ca }),
    checkServerIdentity: (name: string, certificate: PeerCertificate): Error | undefined => {
      const known = hosts.includes(name) ? [name] : hosts;
      const faults = known.map((host) => checkServerIdentity(host, certificate));
      return faults.includes(undefined) ? undefined : faults[0];
    },
  };
};

/** For messages: never with the credentials. */
const shown = ({ servers }: Pick<Address, "servers">): string => servers.join(",");
