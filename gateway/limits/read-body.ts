/**
 * Reads the JSON body of a request to `/graphql`: so many bytes, values and levels, so long at
 * most. They are counted before anything is made of the bytes.
 */
import type { IncomingMessage } from "node:http";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { Limits } from "../context.ts";
import { HttpFault } from "../errors.ts";

export type JsonLimits = Pick<Limits, "bodyDepth" | "bodyNames" | "bodyValues">;
export type BodyLimits = JsonLimits & Pick<Limits, "bodyBytes" | "bodyMs">;

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
        const fault = jsonFault(body, limits);
        if (fault) done(fault);
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

/** The signs of JSON that are counted. */
const sign = {
  quote: 34,
  backslash: 92,
  comma: 44,
  colon: 58,
  openList: 91,
  closeList: 93,
  openObject: 123,
  closeObject: 125,
} as const;

/**
 * Why a JSON text is too much to be parsed; undefined if it is not. Stops at the first limit that is
 * passed. Names in objects are counted apart, because new ones are the dearest thing to parse: 50,000
 * of them took 15 ms, as many numbers 1 ms.
 */
export const jsonFault = (
  json: Uint8Array,
  { bodyDepth, bodyNames, bodyValues }: JsonLimits,
): HttpFault | undefined => {
  let depth = 0;
  let names = 0;
  let values = 1;
  for (let at = 0; at < json.length; at++) {
    switch (json[at]) {
      case sign.quote:
        for (at++; at < json.length && json[at] !== sign.quote; at++)
          if (json[at] === sign.backslash) at++;
        break;
      case sign.openList:
      case sign.openObject:
        if (++depth > bodyDepth)
          return new HttpFault("body-too-deep", `JSON has at most ${bodyDepth} levels here`);
        break;
      case sign.closeList:
      case sign.closeObject:
        depth--;
        break;
      case sign.comma:
        if (++values > bodyValues)
          return new HttpFault("body-too-large", `JSON has at most ${bodyValues} values here`);
        break;
      case sign.colon:
        if (++names > bodyNames)
          return new HttpFault("body-too-large", `JSON has at most ${bodyNames} names here`);
        break;
      default:
    }
  }
  return undefined;
};
