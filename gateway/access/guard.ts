/** Access at the doors of the gateway: the HTTP routes and the WebSocket. */
import { AsyncLocalStorage } from "node:async_hooks";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { CnctId } from "../../domain/identity/inception.ts";
import type { Operation } from "../../domain/identity/scopes.ts";
import type { RecordedEvent } from "../../streams/event-store.ts";
import { type HttpErrorCode, HttpFault, httpErrors } from "../errors.ts";
import type { Logger } from "../logger.ts";
import { type Access, presentedBy } from "./access.ts";
import type { Known, Presented } from "./authenticate.ts";
import { type Caller, mayI } from "./caller.ts";

interface Socket {
  close(code: number, reason: string): void;
  on(event: "close", listener: () => void): unknown;
}

export interface Guard {
  /** Finds out who asks, before the body of a request is worked on. */
  readonly admit: (request: FastifyRequest, reply: FastifyReply) => Promise<void>;
  /** Who asks; whoever was not looked at is anonymous. */
  readonly known: (request: FastifyRequest) => Known;
  /**
   * Finds out who asks by an HTTP route of its own, and whether that caller may.
   *
   * @throws {HttpFault} With status 401 or 403.
   */
  readonly permit: (
    request: FastifyRequest,
    reply: FastifyReply,
    operation: Operation,
  ) => Promise<Caller>;
  /** Remembers whose socket says hello next; returns who that is before it did. */
  readonly greet: (socket: Socket, request: FastifyRequest) => Known;
  /** Judges the hello. A socket that shows what is not good is closed with the code as its reason. */
  readonly hello: (message: { readonly payload?: unknown }) => Promise<Known | false>;
  /** Closes the sockets of an identity that an event takes the right from by which they were opened. */
  readonly learn: (event: RecordedEvent) => void;
}

/** Close codes of our own, after the HTTP statuses. */
const closeCode = (status: number): number => 4_000 + status;

export const guard = (
  access: Access,
  {
    logger,
    onBadHello,
  }: { readonly logger: Logger; readonly onBadHello: (address: string, code: string) => void },
): Guard => {
  const { mode, gate } = access;
  const admitted = new WeakMap<object, Known>();
  /** Mercurius hands over what a client says without saying on which socket. */
  const greeting = new AsyncLocalStorage<{ socket: Socket; request: FastifyRequest }>();

  const sockets = new Map<CnctId, Set<Socket>>();
  const remember = (socket: Socket, { caller }: Known): void => {
    if (caller.kind !== "identity") return;
    const { id } = caller;
    const own = sockets.get(id) ?? new Set();
    sockets.set(id, own.add(socket));
    socket.on("close", () => {
      own.delete(socket);
      if (own.size === 0 && sockets.get(id) === own) sockets.delete(id);
    });
  };

  const stranger = (request: FastifyRequest): Known => ({
    caller: {
      kind: mode === "open" ? "anyone" : "anonymous",
      address: presentedBy(access, request.raw).address,
    },
  });
  const know = async (presented: Presented, reply: FastifyReply | undefined): Promise<Known> => {
    if (gate === undefined) return { caller: { kind: "anyone", address: presented.address } };
    try {
      const known = await gate.know(presented);
      reply?.header("dpop-nonce", gate.nonce());
      return known;
    } catch (error) {
      reply?.header("dpop-nonce", gate.nonce());
      if (error instanceof HttpFault && httpErrors[error.code] === 401)
        reply?.header("www-authenticate", authenticateHeader(error.code));
      throw error;
    }
  };
  const admit = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    if ((request as { readonly ws?: unknown }).ws === true) return; // A socket says who it is in its first message.
    admitted.set(request, await know(presentedBy(access, request.raw), reply));
  };
  const known = (request: FastifyRequest): Known => admitted.get(request) ?? stranger(request);

  return {
    admit,
    known,
    permit: async (request, reply, operation) => {
      await admit(request, reply);
      const { caller } = known(request);
      const not = mayI({ caller }, operation);
      if (not === undefined) return caller;
      if (not.code === "login-needed")
        reply.header("www-authenticate", authenticateHeader("login-needed"));
      throw new HttpFault(not.code === "login-needed" ? not.code : "scope-missing", not.message);
    },
    greet: (socket, request) => {
      greeting.enterWith({ socket, request });
      return stranger(request);
    },
    hello: async ({ payload }) => {
      const at = greeting.getStore();
      if (at === undefined) throw new Error("a hello without a socket");
      const { authorization, dpop } = (payload ?? {}) as Readonly<Record<string, unknown>>;
      const presented = presentedBy(access, at.request.raw);
      const text = (value: unknown) =>
        value === undefined || typeof value === "string" ? value : "no text";
      try {
        const said = { ...presented, authorization: text(authorization), dpop: text(dpop) };
        const found = await know(said, undefined);
        admitted.set(at.request, found);
        remember(at.socket, found);
        return found;
      } catch (error) {
        const code = error instanceof HttpFault ? error.code : "unavailable";
        if (!(error instanceof HttpFault))
          logger.error({ error: String(error) }, "who says hello could not be found out");
        else onBadHello(presented.address, code);
        at.socket.close(closeCode(httpErrors[code]), code);
        return false;
      }
    },
    learn: ({ type, data }) => {
      const code = endings[type];
      if (code === undefined) return;
      const { id } = data as { readonly id: CnctId };
      for (const socket of sockets.get(id) ?? []) socket.close(closeCode(httpErrors[code]), code);
    },
  };
};

/** Events after which whoever said hello before has to say it again, and what they are told. */
const endings: Readonly<Record<string, HttpErrorCode>> = {
  IdentityRevoked: "identity-revoked",
  RootKeyRotated: "token-expired",
  ServiceKeyRevoked: "service-key-revoked",
};

const authenticateHeader = (code: string): string => {
  const error = code === "use-dpop-nonce" ? "use_dpop_nonce" : "invalid_token";
  return `DPoP algs="EdDSA ES256", error="${error}", error_description="${code}"`;
};
