/**
 * One request and its answer, within limits, with an address that was checked: the name is resolved
 * once, every address of it is looked at, and the socket is opened to one of those very addresses,
 * so that a name server which answers differently the next time changes nothing.
 */

import { request as httpRequest, type IncomingMessage, type RequestOptions } from "node:http";
import { request as httpsRequest } from "node:https";
import { pipeline, type Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import type { CollectUrl } from "../../domain/collection/urls.ts";
import type { Millis } from "../../domain/decider.ts";
import { CollectError } from "./fault.ts";
import { unlessAborted } from "./gates.ts";
import type { CollectNetwork } from "./network.ts";

export interface ExchangeLimits {
  /** From the question for the address to the last byte. */
  readonly totalMs: Millis;
  /** Without a byte. */
  readonly idleMs: Millis;
  readonly headerBytesMax: number;
}

export const exchangeLimits: ExchangeLimits = {
  totalMs: 20_000,
  idleMs: 8_000,
  headerBytesMax: 16_384,
};

export interface Answer {
  readonly status: number;
  /** Names in lower case, in order of arrival. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Of the first header of that name. */
  header(name: string): string | undefined;
  readonly address: string;
  /** Empty when `wantsBody` said no. */
  readonly body: Uint8Array;
}

export interface Asked {
  readonly url: CollectUrl;
  readonly headers: Readonly<Record<string, string>>;
  /** Of the decoded body. */
  readonly bodyBytesMax: number;
  /** What is beyond is cut off instead of refused. */
  readonly cut?: boolean;
  /** Decides by status and headers; it may throw. */
  readonly wantsBody: (answer: Omit<Answer, "body">) => boolean;
  readonly signal: AbortSignal;
}

const addressesTried = 3;

/**
 * Sends a GET and reads the answer. Redirects are not followed.
 *
 * @throws {CollectError}
 * @throws The signal's reason, when it aborts.
 */
export const exchange = async (
  asked: Asked,
  network: CollectNetwork,
  limits: ExchangeLimits = exchangeLimits,
): Promise<Answer> => {
  const late = AbortSignal.timeout(limits.totalMs);
  const signal = AbortSignal.any([asked.signal, late]);
  try {
    const addresses = await checkedAddresses(asked.url.host, { network, signal });
    return await firstAnswer(addresses, (address) =>
      ask(address, { asked, network, limits, signal }),
    );
  } catch (error) {
    asked.signal.throwIfAborted();
    if (error instanceof CollectError) throw error;
    throw new CollectError(late.aborted ? "timed-out" : faultOf(error), { cause: error });
  }
};

interface Resolving {
  readonly network: CollectNetwork;
  readonly signal: AbortSignal;
}

/** One address that may not be talked to condemns the name: nobody means well who has both. */
const checkedAddresses = async (host: string, { network, signal }: Resolving) => {
  let addresses: readonly string[];
  try {
    addresses = await unlessAborted(network.resolve(host), signal);
  } catch (error) {
    signal.throwIfAborted();
    throw new CollectError("name-not-found", { cause: error });
  }
  if (addresses.length === 0) throw new CollectError("name-not-found");
  if (!addresses.every((address) => network.mayConnect(address)))
    throw new CollectError("address-not-public");
  return addresses.slice(0, addressesTried);
};

/** Goes on to the next address where no connection came about, as with IPv6 on half of all machines. */
const firstAnswer = async (
  addresses: readonly string[],
  run: (address: string) => Promise<Answer>,
): Promise<Answer> => {
  for (const [index, address] of addresses.entries())
    try {
      return await run(address);
    } catch (error) {
      if (index === addresses.length - 1 || !notConnected.has(codeOf(error))) throw error;
    }
  throw new CollectError("unreachable");
};

interface Asking {
  readonly asked: Asked;
  readonly network: CollectNetwork;
  readonly limits: ExchangeLimits;
  readonly signal: AbortSignal;
}

const ask = async (
  address: string,
  { asked, network, limits, signal }: Asking,
): Promise<Answer> => {
  const { url, bodyBytesMax } = asked;
  const options: RequestOptions & { servername: string; ca?: string[] } = {
    host: address,
    port: url.port,
    path: url.target,
    method: "GET",
    headers: { host: hostHeader(url), ...asked.headers, connection: "close" },
    setHost: false,
    agent: false,
    insecureHTTPParser: false,
    maxHeaderSize: limits.headerBytesMax,
    timeout: limits.idleMs,
    // The certificate must be the name's, though the socket goes to an address.
    servername: url.host,
    ...(network.trusted ? { ca: [...network.trusted] } : {}),
    signal,
  };
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const request = (url.secure ? httpsRequest : httpRequest)(options, resolve);
  request.on("error", reject);
  // Without an answer and without an error: a server that switches to another protocol.
  request.on("upgrade", (_, socket) => {
    socket.destroy();
    reject(new CollectError("bad-response"));
  });
  request.on("close", () => reject(new CollectError("bad-response")));
  let silent = false;
  request.on("timeout", () => {
    silent = true;
    request.destroy();
  });
  request.end();
  try {
    const response = await unlessAborted(promise, signal);
    const head = headOf(response, address);
    if (!asked.wantsBody(head)) return { ...head, body: new Uint8Array() };
    const reading = bodyOf(response, { bytesMax: bodyBytesMax, cut: asked.cut === true });
    const body = await unlessAborted(reading, signal);
    // A body without a declared end seems complete when its connection ends, also when we ended it.
    signal.throwIfAborted();
    if (silent) throw new CollectError("timed-out");
    return { ...head, body };
  } catch (error) {
    throw silent && !(error instanceof CollectError)
      ? new CollectError("timed-out", { cause: error })
      : error;
  } finally {
    request.destroy();
  }
};

const hostHeader = ({ host, origin }: CollectUrl): string =>
  origin.slice(origin.indexOf("//") + 2) || host;

const headOf = (response: IncomingMessage, address: string): Omit<Answer, "body"> => {
  const headers: [string, string][] = [];
  for (let index = 0; index + 1 < response.rawHeaders.length; index += 2) {
    const [name = "", value = ""] = response.rawHeaders.slice(index, index + 2);
    headers.push([name.toLowerCase(), value]);
  }
  return {
    status: response.statusCode ?? 0,
    headers,
    header: (wanted) => headers.find(([name]) => name === wanted)?.[1],
    address,
  };
};

interface BodyLimits {
  readonly bytesMax: number;
  readonly cut: boolean;
}

const bodyOf = async (
  response: IncomingMessage,
  { bytesMax, cut }: BodyLimits,
): Promise<Uint8Array> => {
  const decoded = decode(response);
  const declared = Number(response.headers["content-length"]);
  if (decoded === response && declared > bytesMax && !cut) throw new CollectError("too-large");
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of decoded as AsyncIterable<Uint8Array>) {
      chunks.push(chunk);
      size += chunk.length;
      // Counted before the next is decoded: a bomb never unfolds by more than one chunk.
      if (size > bytesMax) break;
    }
  } catch (error) {
    if (codeOf(error).startsWith("Z_")) throw new CollectError("bad-encoding", { cause: error });
    throw error;
  }
  if (size > bytesMax && !cut) throw new CollectError("too-large");
  return new Uint8Array(Buffer.concat(chunks, size).subarray(0, bytesMax));
};

const decode = (response: IncomingMessage): Readable => {
  const encoding = response.headers["content-encoding"]?.trim().toLowerCase() ?? "identity";
  if (encoding === "identity" || encoding === "") return response;
  if (encoding !== "gzip" && encoding !== "x-gzip") throw new CollectError("encoding-unknown");
  // The error of either end comes out of the decoded stream's iteration.
  return pipeline(response, createGunzip({ chunkSize: 65_536 }), () => undefined);
};

const codeOf = (error: unknown): string =>
  error instanceof Error && "code" in error ? String(error.code) : "";

/** No connection came about; with another address one may. */
const notConnected: ReadonlySet<string> = new Set(
  "ECONNREFUSED EHOSTUNREACH ENETUNREACH ETIMEDOUT EADDRNOTAVAIL EINVAL EACCES EPERM".split(" "),
);

const faultOf = (error: unknown) => {
  const code = codeOf(error);
  if (code === "HPE_HEADER_OVERFLOW") return "headers-too-large";
  if (code.startsWith("HPE_")) return "bad-response";
  if (notConnected.has(code)) return "unreachable";
  if (code === "ECONNRESET" || code === "EPIPE" || code === "ERR_STREAM_PREMATURE_CLOSE")
    return "bad-response";
  const ofTls = /CERT|SSL|TLS|SIGNATURE|UNABLE_TO|SELF_SIGNED|EPROTO/.test(code);
  return ofTls ? "tls-failed" : "unreachable";
};
