/**
 * Which web pages may talk to the gateway from a browser: those that it serves itself, and those of
 * the origins that the operator names. Others could use a visitor's browser to reach a gateway that
 * listens on loopback only.
 */
import type { IncomingMessage } from "node:http";
import type { FastifyInstance } from "fastify";
import { HttpFault } from "./errors.ts";

const loopbackForm = /^(localhost|127(\.\d{1,3}){3}|::1|\[::1\])$/;

/** Whether only this machine reaches a server that listens there. */
export const isLoopback = (host: string): boolean => loopbackForm.test(host);

export interface Guest {
  /** Origins that the operator names. */
  readonly allowed: ReadonlySet<string>;
  /** Whether the gateway listens on loopback alone. */
  readonly local: boolean;
}

/**
 * Whether the name by which a page knows the gateway can be its own: who owns another name can let
 * it lead here, and then pages of that name are none of ours.
 */
const isOwnName = (host: string | undefined, { allowed, local }: Guest): boolean => {
  if (!local || host === undefined) return true;
  if (isLoopback(URL.parse(`http://${host}`)?.hostname ?? "")) return true;
  for (const origin of allowed) if (URL.parse(origin)?.host === host) return true;
  return false;
};

/** Whether a request with these headers comes from no page, an own page or an allowed one. */
const isWelcome = ({ origin, host }: IncomingMessage["headers"], guest: Guest): boolean => {
  if (!isOwnName(host, guest)) return false;
  if (origin === undefined || guest.allowed.has(origin)) return true;
  return URL.parse(origin)?.host === host;
};

export const welcomes =
  (guest: Guest) =>
  (request: IncomingMessage): boolean =>
    isWelcome(request.headers, guest);

/** Refuses pages of other origins and answers the questions that browsers ask first. */
export const guardOrigins = (app: FastifyInstance, guest: Guest): void => {
  const { allowed } = guest;
  app.addHook("onRequest", async ({ headers, method }, reply) => {
    const { origin, host } = headers;
    if (!isWelcome(headers, guest))
      throw new HttpFault(
        "foreign-origin",
        `pages of ${(origin ?? host ?? "").slice(0, 200)} may not ask here`,
      );
    if (origin === undefined) return undefined;
    if (!allowed.has(origin)) return undefined;
    reply.headers({
      vary: "origin",
      "access-control-allow-origin": origin,
      "access-control-expose-headers":
        "etag, content-range, location, repr-digest, dpop-nonce, retry-after, ratelimit, ratelimit-policy",
    });
    if (method !== "OPTIONS") return undefined;
    return reply
      .headers({
        "access-control-allow-methods": "GET, HEAD, POST, PUT",
        "access-control-allow-headers": "content-type, range, if-none-match, authorization, dpop",
        "access-control-max-age": "600",
      })
      .code(204)
      .send();
  });
};
