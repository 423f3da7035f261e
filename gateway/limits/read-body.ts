/**
 * Reads the JSON body of a request to `/graphql`: so many bytes, so many levels, so long at most. The
 * levels are counted before anything is made of the bytes.
 */
import type { IncomingMessage } from "node:http";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { Limits } from "../context.ts";
import { HttpFault } from "../errors.ts";

export type BodyLimits = Pick<Limits, "bodyBytes" | "bodyDepth" | "bodyMs">;

const sizes = new WeakMap<FastifyRequest, number>();
/** How many bytes the body of this request had; 0 for none. */
export const bodySizeOf = (request: FastifyRequest): number => sizes.get(request) ?? 0;

/**
 * @param bytesOf - How many bytes this request may bring; at most `limits.bodyBytes`.
 */
export const readJsonBodies = (
  app: FastifyInstance,
  limits: BodyLimits,
  bytesOf: (request: FastifyRequest) => number,
): void => {
  const parse = app.getDefaultJsonParser("error", "error");
  app.removeContentTypeParser(["application/json", "text/plain"]);
  app.addContentTypeParser("application/json", (request, payload, done) => {
    const most = Math.min(limits.bodyBytes, bytesOf(request));
    collect(payload as IncomingMessage, most, limits.bodyMs).then(
      (body) => {
        sizes.set(request, body.length);
        const depth = depthOf(body, limits.bodyDepth);
        if (depth > limits.bodyDepth)
          done(new HttpFault("body-too-deep", `JSON has at most ${limits.bodyDepth} levels here`));
        else parse(request, body.toString("utf8"), done);
      },
      (error: Error) => done(error),
    );
  });
};

const collect = (payload: IncomingMessage, most: number, withinMs: number): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    const pieces: Buffer[] = [];
    let length = 0;
    const settle = (fault?: HttpFault): void => {
      clearTimeout(timer);
      payload.off("data", onData).off("end", onEnd).off("error", onBreak).off("close", onBreak);
      if (!fault) {
        resolve(Buffer.concat(pieces));
        return;
      }
      // The rest is read and dropped until the answer is out, which ends the connection.
      payload.resume();
      reject(fault);
    };
    const tooLarge = () => new HttpFault("body-too-large", `a request has at most ${most} bytes`);
    const onData = (piece: Buffer): void => {
      length += piece.length;
      pieces.push(piece);
      if (length > most) settle(tooLarge());
    };
    const onEnd = (): void => settle();
    const onBreak = (): void => settle(new HttpFault("bad-request", "the request broke off"));
    const timer = setTimeout(
      () => settle(new HttpFault("body-too-slow", `a body arrives within ${withinMs} ms here`)),
      withinMs,
    );
    payload.on("data", onData).on("end", onEnd).on("error", onBreak).on("close", onBreak);
    if (Number(payload.headers["content-length"] ?? 0) > most) settle(tooLarge());
  });

const [quote, backslash, open, close, openBrace, closeBrace] = [34, 92, 91, 93, 123, 125];

/** Levels of arrays and objects in a JSON text; stops counting beyond `most`. */
export const depthOf = (json: Uint8Array, most: number): number => {
  let depth = 0;
  let deepest = 0;
  for (let at = 0; at < json.length; at++) {
    const byte = json[at];
    if (byte === quote) {
      for (at++; at < json.length && json[at] !== quote; at++) if (json[at] === backslash) at++;
    } else if (byte === open || byte === openBrace) {
      depth++;
      if (depth > deepest) deepest = depth;
      if (depth > most) return depth;
    } else if (byte === close || byte === closeBrace) depth--;
  }
  return deepest;
};
