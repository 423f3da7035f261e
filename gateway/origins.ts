/**
 * Which web pages may talk to the gateway from a browser: those that it serves itself, and those of
 * the origins that the operator names. Others could use a visitor's browser to reach a gateway that
 * listens on loopback only.
 */
import type { IncomingMessage } from "node:http";
import type { FastifyInstance } from "fastify";
import { HttpFault } from "./errors.ts";

/** Whether a request with these headers comes from no page, an own page or an allowed one. */
const isWelcome = (
  { origin, host }: IncomingMessage["headers"],
  allowed: ReadonlySet<string>,
): boolean => {
  if (origin === undefined || allowed.has(origin)) return true;
  return URL.parse(origin)?.host === host;
};

export const welcomes =
  (allowed: ReadonlySet<string>) =>
  (request: IncomingMessage): boolean =>
    isWelcome(request.headers, allowed);

/** Refuses pages of other origins and answers the questions that browsers ask first. */
export const guardOrigins = (app: FastifyInstance, allowed: ReadonlySet<string>): void => {
  app.addHook("onRequest", async ({ headers, method }, reply) => {
    const { origin } = headers;
    if (origin === undefined) return undefined;
    if (!isWelcome(headers, allowed))
      throw new HttpFault("foreign-origin", `pages of ${origin.slice(0, 200)} may not ask here`);
    if (!allowed.has(origin)) return undefined;
    reply.headers({
      vary: "origin",
      "access-control-allow-origin": origin,
      "access-control-expose-headers": "etag, content-range, location, repr-digest",
    });
    if (method !== "OPTIONS") return undefined;
    return reply
      .headers({
        "access-control-allow-methods": "GET, HEAD, POST, PUT",
        "access-control-allow-headers": "content-type, range, if-none-match",
        "access-control-max-age": "600",
      })
      .code(204)
      .send();
  });
};
