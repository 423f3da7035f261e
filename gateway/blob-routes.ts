/**
 * Bytes over HTTP: `PUT /blobs/<sha256>` and `POST /blobs` store one blob, `POST /blobs/parcel` many;
 * `GET` and `HEAD /blobs/<sha256>` read, whole or by range. An upload is acknowledged when the bytes
 * and the fact are both on disk.
 */
import { Readable } from "node:stream";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { blob } from "../domain/blob/blob.ts";
import { openParcel, parcelBytesMax, parcelType } from "../domain/blob/parcel.ts";
import type { Actor, Instant } from "../domain/decider.ts";
import { type Digest, isDigest } from "../domain/ids.ts";
import type { ByteRange } from "../streams/blob-store.ts";
import { handleCommand } from "../streams/handle-command.ts";
import { blobStream } from "../streams/names.ts";
import type { Guard } from "./access/guard.ts";
import type { Gateway } from "./context.ts";
import { HttpFault } from "./errors.ts";
import type { RateLimits, RateName } from "./limits/rates.ts";
import { type AskerOf, spend } from "./limits/request-guard.ts";
import type { Logger } from "./logger.ts";

interface DigestParams {
  readonly Params: { readonly digest: string };
}

/** What the log says of blobs that were stored of late, so that storing them again costs nothing. */
interface Registered {
  readonly position: bigint;
  readonly until: Instant;
}
const registeredMax = 50_000;

/** Who is counted, and where. */
export interface BlobRates {
  readonly rates: RateLimits;
  readonly askerOf: AskerOf;
}

export const blobRoutes =
  (gateway: Gateway, { permit, rates, askerOf }: Pick<Guard, "permit"> & BlobRates) =>
  async (app: FastifyInstance): Promise<void> => {
    const registered = new Map<Digest, Registered>();
    const pay = (request: FastifyRequest, reply: FastifyReply, rate: RateName, amount: number) =>
      spend(rates, rate, askerOf(request), amount, reply);
    app.removeAllContentTypeParsers();
    app.addContentTypeParser("*", (_request, _payload, done) => done(null));

    const store = async (
      request: FastifyRequest,
      reply: FastifyReply,
      expected: Digest | undefined,
    ): Promise<FastifyReply> => {
      const most = gateway.limits.blobBytes;
      try {
        await permit(request, reply, "blobs:write");
      } catch (error) {
        swallow(request, most);
        throw error;
      }
      const mediaType = mediaTypeOf(request);
      if (Number(request.headers["content-length"] ?? 0) > most) {
        swallow(request, most);
        throw new HttpFault("blob-too-large", `a blob has at most ${most} bytes`);
      }
      try {
        const declared = request.headers["content-length"];
        await pay(request, reply, "points", 1);
        if (declared !== undefined) await pay(request, reply, "bytes", Number(declared));
        const { digest, size } = await gateway.blobs.putStream(request.raw, {
          most,
          ...(expected === undefined ? {} : { expected }),
        });
        // Without a length it is known only now; the next request pays for what was too much.
        if (declared === undefined) await rates.spend("bytes", askerOf(request), size);
        const { position, isNew } = await register(gateway, registered, {
          digest,
          size,
          mediaType,
        });
        return await reply
          .code(isNew ? 201 : 200)
          .header("location", `/blobs/${digest}`)
          .send({ digest, size, position: position.toString() });
      } catch (error) {
        swallow(request, most);
        throw error;
      }
    };

    const anySize = { bodyLimit: Number.MAX_SAFE_INTEGER };
    app.put<DigestParams>("/blobs/:digest", anySize, (request, reply) =>
      store(request, reply, digestOf(request)),
    );
    app.post("/blobs", anySize, (request, reply) => store(request, reply, undefined));

    /** All of a parcel, or a fault; what was stored by then stays, and is found when it comes again. */
    const storeParcel = async (request: FastifyRequest, reply: FastifyReply) => {
      await permit(request, reply, "blobs:write");
      if (request.headers["content-type"] !== parcelType)
        throw new HttpFault("unsupported-media-type", `/blobs/parcel reads ${parcelType}`);
      const pieces = request.raw.iterator({ destroyOnReturn: false });
      const body = await collect(pieces, parcelBytesMax);
      await pay(request, reply, "bytes", body.length);
      const blobs = openParcel(body);
      if (blobs === undefined)
        throw new HttpFault(
          "bad-parcel",
          "this is no parcel of blobs: docs/limits.md has its form",
        );
      await pay(request, reply, "points", blobs.length);
      for (const { mediaType } of blobs) checkMediaType(mediaType);
      const stats = await gateway.blobs.putMany(blobs.map(({ bytes }) => bytes));
      const stored = stats.map(async ({ digest, size }, index) => {
        const { mediaType = "" } = blobs[index] ?? {};
        const { position } = await register(gateway, registered, { digest, size, mediaType });
        return { digest, size, position: position.toString() };
      });
      return reply.code(200).send({ blobs: await Promise.all(stored) });
    };
    app.post("/blobs/parcel", anySize, async (request, reply) => {
      try {
        return await storeParcel(request, reply);
      } catch (error) {
        swallow(request, parcelBytesMax);
        throw error;
      }
    });

    app.get<DigestParams>("/blobs/:digest", { exposeHeadRoute: false }, async (request, reply) => {
      await pay(request, reply, "points", 1);
      const digest = digestOf(request);
      const stat = await gateway.blobs.stat(digest);
      if (!stat) throw new HttpFault("blob-unknown", `no blob ${digest} is stored here`);
      const { size } = stat;
      setHeaders(gateway, reply, digest);
      const etag = `"${digest}"`;
      if (matches(request.headers["if-none-match"], etag)) return reply.code(304).send();
      const ifRange = request.headers["if-range"];
      const range =
        ifRange === undefined || ifRange === etag
          ? rangeOf(request.headers.range, size)
          : undefined;
      if (range === "unsatisfiable") {
        reply.header("content-range", `bytes */${size}`);
        throw new HttpFault("bad-range", `the blob has ${size} bytes`);
      }
      await pay(request, reply, "bytes", range ? range.end - range.start + 1 : size);
      if (range) {
        reply.code(206).header("content-range", `bytes ${range.start}-${range.end}/${size}`);
        reply.header("content-length", range.end - range.start + 1);
      } else reply.header("content-length", size);
      const { pieces } = await gateway.blobs.getStream(digest, range);
      return reply.send(await readable(pieces, gateway.logger));
    });

    app.head<DigestParams>("/blobs/:digest", async (request, reply) => {
      await pay(request, reply, "points", 1);
      const digest = digestOf(request);
      const stat = await gateway.blobs.stat(digest);
      if (!stat) throw new HttpFault("blob-unknown", `no blob ${digest} is stored here`);
      setHeaders(gateway, reply, digest);
      return reply.header("content-length", stat.size).send();
    });
  };

const digestOf = ({ params }: FastifyRequest<DigestParams>): Digest => {
  if (isDigest(params.digest)) return params.digest;
  throw new HttpFault("bad-digest", "a blob is named by its SHA-256: 64 characters of 0-9 and a-f");
};

const mediaTypeForm = /^[\w.+-]{1,63}\/[\w.+*-]{1,63}(; ?[\w.-]{1,32}=[\w."-]{1,64}){0,3}$/;
const mediaTypeOf = ({ headers }: FastifyRequest): string =>
  checkMediaType(headers["content-type"] ?? "application/octet-stream");
const checkMediaType = (given: string): string => {
  if (mediaTypeForm.test(given)) return given;
  throw new HttpFault("bad-media-type", "content-type must be a media type such as image/png");
};

/** @throws {HttpFault} `body-too-large`. */
const collect = async (pieces: AsyncIterable<Uint8Array>, most: number): Promise<Buffer> => {
  const all: Uint8Array[] = [];
  let length = 0;
  for await (const piece of pieces) {
    length += piece.length;
    if (length > most) throw new HttpFault("body-too-large", `a parcel has at most ${most} bytes`);
    all.push(piece);
  }
  return Buffer.concat(all);
};

/** Says in the log that the blob is here. */
const register = async (
  { store, ids, clock, place, limits }: Gateway,
  registered: Map<Digest, Registered>,
  what: { readonly digest: Digest; readonly size: number; readonly mediaType: string },
): Promise<{ readonly position: bigint; readonly isNew: boolean }> => {
  const { digest } = what;
  const now = clock.now();
  const expiresAt = now + limits.blobLifeMs;
  const before = registered.get(digest);
  if (before && before.until >= expiresAt) return { position: before.position, isNew: false };
  const actor: Actor = `gateway:${place}`;
  const answer = await handleCommand(
    { store, ids },
    blob,
    { stream: blobStream(digest), isNew: before === undefined },
    { type: "StoreBlob", ...what, place, expiresAt, actor, now },
  );
  if (!answer.ok) {
    if (answer.reason === "SizeDiffers")
      throw new HttpFault("blob-size-differs", `the log knows ${digest} with another size`);
    throw new Error(`StoreBlob was refused with ${answer.reason}`);
  }
  const { events, position } = answer;
  if (position === undefined) throw new Error(`blob ${digest} has no event`);
  const [event] = events;
  const until = event?.type === "BlobStored" ? (event.expiresAt ?? expiresAt) : expiresAt;
  if (registered.size >= registeredMax) registered.clear();
  registered.set(digest, { position, until });
  return { position, isNew: events.length > 0 && before === undefined };
};

const setHeaders = ({ projections }: Gateway, reply: FastifyReply, digest: Digest): void => {
  const mediaType = projections.views.blob(digest)?.mediaType ?? "application/octet-stream";
  reply.headers({
    "content-type": mediaType,
    etag: `"${digest}"`,
    "accept-ranges": "bytes",
    "cache-control": "public, max-age=31536000, immutable",
    "repr-digest": `sha-256=:${Buffer.from(digest, "hex").toString("base64")}:`,
    // Bytes of strangers: never run, whatever they call themselves.
    "content-security-policy": "sandbox; default-src 'none'",
    "x-content-type-options": "nosniff",
  });
};

const matches = (header: string | undefined, etag: string): boolean =>
  (header ?? "").split(",").some((one) => [etag, `W/${etag}`, "*"].includes(one.trim()));

/** One range of a `Range` header; undefined for none, for several, and for what is not understood. */
const rangeOf = (
  header: string | undefined,
  size: number,
): ByteRange | "unsatisfiable" | undefined => {
  const [, first, last] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? "") ?? [];
  if (first === undefined || last === undefined || first + last === "") return undefined;
  if (first === "") {
    const count = Number(last);
    if (count === 0 || size === 0) return "unsatisfiable";
    return { start: Math.max(0, size - count), end: size - 1 };
  }
  const start = Number(first);
  const end = last === "" ? size - 1 : Math.min(Number(last), size - 1);
  if (last !== "" && Number(last) < start) return undefined;
  return start < size ? { start, end } : "unsatisfiable";
};

/** A stream whose first piece is there, so that what is wrong at once can still be answered as such. */
const readable = async (pieces: AsyncIterable<Uint8Array>, logger: Logger): Promise<Readable> => {
  const iterator = pieces[Symbol.asyncIterator]();
  const first = await iterator.next();
  const all = async function* () {
    if (first.done) return;
    yield first.value;
    for (let next = await iterator.next(); !next.done; next = await iterator.next())
      yield next.value;
  };
  const stream = Readable.from(all(), { objectMode: false });
  // Not in the generator: where the client has left already, that never begins, and never ends.
  stream.once("close", () => {
    iterator.return?.().catch((error: unknown) => {
      logger.warn({ error: String(error) }, "a blob that was read could not be closed");
    });
  });
  return stream;
};

/** Reads what a refused upload still sends, up to a limit, so that the client gets to the answer. */
const swallow = ({ raw }: FastifyRequest, most: number): void => {
  let left = most;
  raw.on("data", (piece: Uint8Array) => {
    left -= piece.length;
    if (left < 0) raw.destroy();
  });
  raw.resume();
};
