/** How the outside asks: GraphQL, bytes, health and metrics on one HTTP port. */
import { readFileSync } from "node:fs";
import type { Duplex } from "node:stream";
import { type FastifyReply, type FastifyRequest, fastify } from "fastify";
import { buildSchema, type GraphQLError } from "graphql";
import { type IResolvers, mercurius } from "mercurius";
import type { NodeAuthority } from "../streams/nats-authority.ts";
import { noRefusalLog, type RefusalLog } from "../streams/refusal-log.ts";
import { type Access, type AccessMode, openAccess } from "./access/access.ts";
import type { Known } from "./access/authenticate.ts";
import { guard } from "./access/guard.ts";
import { revocations } from "./access/revocations.ts";
import { blobRoutes } from "./blob-routes.ts";
import { type Context, type Gateway, type Limits, limitDefaults } from "./context.ts";
import { HttpFault, OpenError } from "./errors.ts";
import { graphiqlRoutes } from "./graphiql.ts";
import { healthRoutes } from "./health.ts";
import { executionError, sendError } from "./http-answers.ts";
import { jobClients } from "./job-clients.ts";
import { openAdmission } from "./limits/admission.ts";
import { type Asker, askerFor, type Rates, rateDefaults } from "./limits/rates.ts";
import { readJsonBodies } from "./limits/read-body.ts";
import { admitRequest, countRefused, guardRequests } from "./limits/request-guard.ts";
import { type GuardedSocket, socketGuard } from "./limits/socket-guard.ts";
import { logTail } from "./log-tail.ts";
import type { Logger } from "./logger.ts";
import { gatewayMetrics, type OpenSocket } from "./metrics.ts";
import { guardOrigins, isLoopback, welcomes } from "./origins.ts";
import { policyInForce } from "./policy.ts";
import {
  addressOf,
  noteErrors,
  noteHello,
  noteRequest,
  noteSocket,
  notingRefusals,
} from "./refused.ts";
import { resolvers } from "./resolvers/all.ts";
import { scalars } from "./scalars.ts";

export type GatewayOptions = Pick<
  Gateway,
  "store" | "projections" | "blobs" | "ids" | "clock" | "natsUrl" | "place" | "version"
> & {
  /** Beyond loopback it takes identities and TLS. */
  readonly host: string;
  /** 0 for any free one. */
  readonly port: number;
  /** PEM: the certificate with those that vouch for it, and its key. Plain HTTP if not given. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** Gives nodes their credentials; NATS takes none if not given. */
  readonly nodeAuthority?: NodeAuthority;
  /** What is heard of each node; nothing if not given. */
  readonly live?: Gateway["live"];
  /** What audits say of a node; nothing if not given. */
  readonly recordOf?: Gateway["recordOf"];
  readonly limits?: Partial<Limits>;
  /** How much one caller may ask for in 10 seconds, by kind of caller. */
  readonly rates?: Partial<Rates>;
  /** Whether callers from other machines may ask for the schema; not if left out. */
  readonly introspection?: boolean;
  /** If given, callers from other machines run these documents and no others; by SHA-256. */
  readonly operations?: ReadonlyMap<string, string>;
  readonly logger?: Logger;
  /** Takes every no that is the caller's fault; nobody if not given. */
  readonly refusals?: RefusalLog;
  /** Web pages of these origins may ask too, such as `http://localhost:5173`. */
  readonly origins?: readonly string[];
  /** Who may change something; `open` if not given: anybody, in anybody's name. */
  readonly access?: AccessMode;
  /** Holds the keys that sign access tokens; needed with identities. */
  readonly keyDirectory?: string;
  /**
   * By which clients know the gateway, such as `https://gateway.example`; its own if not given. Those
   * of a gateway on any free port are known when it listens.
   */
  readonly publicUrls?: readonly string[] | ((port: string) => readonly string[]);
};

export interface OpenGateway {
  /** Such as `http://127.0.0.1:41234`. */
  readonly url: string;
  /** Says that it is no longer ready, finishes what is under way and closes every connection. */
  close(): Promise<void>;
}

/**
 * Opens the gateway. What it is given stays open when it closes.
 *
 * @throws {OpenError} `not-public` for a host that others can reach, if the gateway has not both
 *   identities and TLS, or leave by `CNCT_ALLOW_PUBLIC`; with identities also when
 *   there are no keys to sign tokens with.
 * @throws {Error} Node's, if the port is taken.
 *
 * @example
 * const gateway = await openGateway({ store, projections, blobs, ids, clock: wallClock,
 *   host: "127.0.0.1", port: 8080, natsUrl: "nats://127.0.0.1:4222", place: "gateway-1", version: "0.1.0" });
 */
export const openGateway = async (options: GatewayOptions): Promise<OpenGateway> => {
  const { host, port, store, projections, origins = [], logger = toStandardError } = options;
  checkHost(options, logger);
  const clients = jobClients({ views: projections.views, store });
  let ownUrl = `${options.tls ? "https" : "http"}://${host.includes(":") ? `[${host}]` : host}:${port}`;
  const access: Access = await openAccess({
    mode: options.access ?? "open",
    keyDirectory: options.keyDirectory,
    publicUrls: () => {
      const { publicUrls = () => ownUrls(ownUrl) } = options;
      return typeof publicUrls === "function" ? publicUrls(new URL(ownUrl).port) : publicUrls;
    },
    store,
    views: projections.views,
    clock: options.clock,
    tail: () => tail,
    onTrouble: (error) => logger.error({ error: String(error) }, "no new key to sign tokens"),
  });
  const policy = policyInForce({ store, clock: options.clock, tail: () => tail });
  const tail = logTail({
    store,
    logger,
    onEvent: (event) => {
      clients.learn(event);
      access.learn(event);
      policy.learn(event);
      revoking?.hear(event);
      door.learn(event);
    },
    onBroken: () => {
      access.forgetAll();
      policy.forgetAll();
    },
  });
  const gateway: Gateway = {
    store,
    projections,
    blobs: options.blobs,
    ids: options.ids,
    clock: options.clock,
    natsUrl: options.natsUrl,
    nodeAuthority: options.nodeAuthority,
    place: options.place,
    live: options.live ?? (() => noLife),
    recordOf: options.recordOf ?? (() => ({ survived: 0, atRisk: 0n })),
    limits: { ...limitDefaults, ...options.limits },
    logger,
    version: options.version,
    tail,
    clients,
    refusals: options.refusals ?? noRefusalLog,
    access,
    policy,
  };
  const { limits } = gateway;
  const door = guard(access, {
    logger,
    onBadHello: (address, code) => noteHello(gateway, address, code),
  });
  const revoking =
    access.gate === undefined
      ? undefined
      : revocations({
          ...gateway,
          identities: access.identities,
        });
  const contextOf = (request: FastifyRequest, known: Known): Context => ({
    gateway,
    address: addressOf(request.ip),
    ...known,
    ...hostOf(request),
  });
  const sockets = new Set<OpenSocket & { close(code: number, reason: string): void }>();
  let draining = false;

  const app = fastify({
    bodyLimit: limits.bodyBytes,
    // The types of the two differ in what nobody asks of them here.
    ...((options.tls ? { https: { ...options.tls, minVersion: "TLSv1.2" } } : {}) as object),
    requestTimeout: 300_000,
    return503OnClosing: false,
  });
  const answerError = (error: unknown, request: FastifyRequest, reply: FastifyReply) => {
    const sent = sendError(error, request, reply, logger);
    noteRequest(gateway, request, sent, door.known(request).caller);
    countRefused(admission.rates, request, sent, askerOf(request));
    return sent.reply;
  };
  app.setErrorHandler(answerError);
  app.setNotFoundHandler((request) => {
    throw new HttpFault("not-found", `there is nothing at ${request.method} ${request.url}`);
  });
  // A request to upgrade that was answered instead leaves a socket that nobody else looks after.
  app.addHook("onResponse", async ({ raw }) => {
    if (raw.headers.upgrade !== undefined) raw.socket.destroySoon();
  });
  const upgraded = new Set<Duplex>();
  app.server.on("upgrade", (_request, socket) => {
    upgraded.add(socket);
    socket.on("close", () => upgraded.delete(socket));
  });
  const guest = { allowed: new Set(origins), local: isLoopback(host) };
  guardOrigins(app, guest);
  const metrics = gatewayMetrics(gateway, sockets);
  metrics.watch(app);

  const schema = buildSchema(readFileSync(new URL("schema.graphql", import.meta.url), "utf8"));
  const admission = openAdmission({
    schema,
    limits,
    rates: { ...rateDefaults, ...options.rates },
    introspection: options.introspection ?? false,
    operations: options.operations,
  });
  const askerOf = (request: FastifyRequest): Asker =>
    askerFor(door.known(request).caller, request.ip);
  // Who has shown nothing may not write, and needs no more than a query does.
  const bytesOf = ({ headers }: FastifyRequest): number =>
    access.mode === "identities" && headers.authorization === undefined
      ? limits.readBytes
      : limits.bodyBytes;
  readJsonBodies(app, limits, bytesOf);
  guardRequests(app, admission.rates);
  const connections = socketGuard({ admission, limits });
  app.addHook("onRoute", (route) => {
    const watched = route as typeof route & { wsHandler?: SocketHandler };
    const handle = watched.wsHandler;
    if (!handle) return;
    watched.wsHandler = (socket, request) => {
      connections.watch(socket, {
        askerOf: () => askerOf(request),
        onRefused: (code) => noteSocket(gateway, request, code, door.known(request).caller),
      });
      return handle(socket, request);
    };
  });

  const formatted = (errors: readonly GraphQLError[]): GraphQLError[] =>
    errors.map((error) => executionError(error, logger)) as unknown as GraphQLError[];
  await app.register(mercurius, {
    schema,
    resolvers: { ...scalars, ...notingRefusals(resolvers) } as IResolvers,
    jit: 2,
    graphiql: false,
    context: (request) => contextOf(request, door.known(request)),
    errorHandler: (error, request, reply) => {
      answerError(error, request, reply);
    },
    errorFormatter: ({ errors = [], data }, context) => {
      const shown = formatted(errors);
      noteErrors(context as unknown as Context, shown);
      return { statusCode: 200, response: { data: data ?? null, errors: shown } };
    },
    additionalRouteOptions: { preHandler: [door.admit, admitRequest(admission, askerOf)] },
    subscription: {
      keepAlive: 20_000,
      verifyClient: ({ req }, next) => next(welcomes(guest)(req), 403, "foreign-origin"),
      context: (socket, request) => {
        sockets.add(socket);
        socket.on("close", () => sockets.delete(socket));
        if (draining) socket.close(1001, "going away");
        return contextOf(request, door.greet(socket, request));
      },
      onConnect: door.hello,
    },
  });
  await app.register(blobRoutes(gateway, { ...door, rates: admission.rates, askerOf }));
  await app.register(healthRoutes(gateway, () => draining));
  await app.register(graphiqlRoutes);

  const url = await app.listen({ host, port });
  ownUrl = url;
  revoking?.start();
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    draining = true;
    for (const socket of sockets) socket.close(1001, "going away");
    revoking?.close();
    access.close();
    await tail.close();
    // A connection whose last answer was under way falls idle later, and would be kept for long.
    const idle = options.clock.every(50, () => app.server.closeIdleConnections());
    const late = options.clock.after(drainMs, () => {
      app.server.closeAllConnections();
      for (const socket of upgraded) socket.destroy();
    });
    try {
      await app.close();
    } finally {
      idle.cancel();
      late.cancel();
    }
  };
  return {
    url,
    close: () => {
      closing ??= close();
      return closing;
    },
  };
};

type SocketHandler = (socket: GuardedSocket, request: FastifyRequest) => unknown;

const hostOf = ({ headers }: { readonly headers: { readonly host?: string | undefined } }) =>
  headers.host === undefined ? {} : { host: headers.host };

/** A gateway on loopback has two names. */
const ownUrls = (url: string): readonly string[] => {
  const { protocol, port, hostname } = new URL(url);
  return isLoopback(hostname) ? [url, `${protocol}//localhost:${port}`] : [url];
};

/** So long may what is under way take when the gateway closes. */
const drainMs = 10_000;

const noLife: ReturnType<Gateway["live"]> = new Map();

const checkHost = ({ host, access, tls }: GatewayOptions, logger: Logger): void => {
  if (isLoopback(host) || (access === "identities" && tls !== undefined)) return;
  if (process.env["CNCT_ALLOW_PUBLIC"] !== "1")
    throw new OpenError(
      "not-public",
      `to listen on ${host}, where others reach it, the gateway needs identities and TLS ` +
        "(cnct: --access identities --tls auto)",
    );
  logger.warn(
    { host },
    "THE GATEWAY IS OPEN TO THE NETWORK: whoever reaches it can spend anyone's points. " +
      "CNCT_ALLOW_PUBLIC=1 is meant for networks of containers alone",
  );
};

const line = (level: string, details: object, message: string): void => {
  process.stderr.write(`gateway: ${level}: ${message} ${JSON.stringify(details)}\n`);
};
const toStandardError: Logger = {
  info: () => undefined,
  warn: (details, message) => line("warning", details, message),
  error: (details, message) => line("error", details, message),
};
