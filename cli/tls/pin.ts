/**
 * An address such as `https://host:4000#sha256=<fingerprint>` names the gateway together with the
 * authority that alone may vouch for it. The authority's certificate comes from the server itself, is
 * compared with the fingerprint before anything else is said, and is then the only one that counts
 * for this origin; for all others nothing changes.
 */
import { isIP } from "node:net";
import { connect as connectTls, type DetailedPeerCertificate } from "node:tls";
import type { Millis } from "../../domain/decider.ts";
import { exitCodes } from "../exit-codes.ts";
import { CliFailure } from "../failures.ts";
import { fingerprintOf } from "./certificates.ts";

export interface PinnedAddress {
  /** Without the fragment. */
  readonly url: string;
  /** 64 characters of lower-case hex; undefined when the address names none. */
  readonly fingerprint: string | undefined;
}

const fragmentForm = /^#sha256=([0-9a-fA-F]{64})$/;

/** @throws {CliFailure} `bad-gateway-url` for a fragment that is none of ours. */
export const pinnedAddress = (text: string): PinnedAddress => {
  const at = text.indexOf("#");
  if (at < 0) return { url: text, fingerprint: undefined };
  const [url, fragment] = [text.slice(0, at), text.slice(at)];
  const fingerprint = fragmentForm.exec(fragment)?.[1]?.toLowerCase();
  if (fingerprint === undefined || !url.startsWith("https://") || !URL.canParse(url))
    throw new CliFailure(
      "bad-gateway-url",
      `"${text}" is no address of a gateway; with a fingerprint it is like https://host:4000#sha256=<64 characters of hex>`,
      exitCodes.usage,
    );
  return { url, fingerprint };
};

/**
 * The certificate, as PEM, of the authority with this fingerprint, as the server shows it. Nothing is
 * sent to the server before, and nothing else of what it shows is believed.
 *
 * @throws {CliFailure} `gateway-unreachable`, or `wrong-fingerprint`.
 */
export const authorityAt = async (
  url: string,
  fingerprint: string,
  timeoutMs: Millis = 10_000,
): Promise<string> => {
  const { hostname, port } = new URL(url);
  const host = hostname.replace(/^\[|\]$/g, "");
  const chain = await new Promise<readonly Buffer[]>((resolve, reject) => {
    const socket = connectTls({
      host,
      port: Number(port || 443),
      ...(isIP(host) ? {} : { servername: host }),
      rejectUnauthorized: false, // It is judged below, by its fingerprint.
    });
    const fail = (cause?: Error): void => {
      socket.destroy();
      reject(
        new CliFailure(
          "gateway-unreachable",
          `no gateway answers with TLS at ${url}`,
          exitCodes.unreachable,
          cause,
        ),
      );
    };
    socket.setTimeout(timeoutMs, () => fail());
    socket.once("error", fail);
    socket.once("secureConnect", () => {
      resolve(chainOf(socket.getPeerCertificate(true)));
      socket.destroy();
    });
  });
  const found = chain.find((der) => fingerprintOf(der) === fingerprint);
  if (found === undefined)
    throw new CliFailure(
      "wrong-fingerprint",
      `what answers at ${url} is not vouched for by the authority ${fingerprint.slice(0, 16)}…: ` +
        "somebody else answers there, or the network has a new authority; ask its operator",
      exitCodes.refused,
    );
  const lines = found.toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
};

const chainMax = 8;

const chainOf = (leaf: DetailedPeerCertificate): readonly Buffer[] => {
  const chain: Buffer[] = [];
  for (let one = leaf; one?.raw && chain.length < chainMax; one = one.issuerCertificate) {
    if (chain.some((der) => der.equals(one.raw))) break;
    chain.push(one.raw);
  }
  return chain;
};

/** What Node's own `fetch` and `WebSocket` send their requests through. */
interface Dispatcher {
  dispatch(options: { readonly origin?: string | URL }, handler: object): boolean;
  close(): Promise<void>;
}

const dispatcherKey = Symbol.for("undici.globalDispatcher.1");

/**
 * From now on `fetch` and `WebSocket` of this process trust `ca` for this origin, and nobody else.
 *
 * @returns Ends that.
 */
export const pin = (url: string, ca: string): (() => Promise<void>) => {
  const { origin } = new URL(url);
  new Response(); // Node loads what it has for HTTP at the first use of it.
  const holder = globalThis as unknown as Record<symbol, Dispatcher | undefined>;
  const before = holder[dispatcherKey];
  if (before === undefined) throw new Error("this Node has no dispatcher for fetch");
  const Agent = agentOf(before);
  const pinned = new Agent({ connect: { ca } });
  const chosen: Dispatcher & { readonly before: Dispatcher } = {
    before,
    dispatch: (options, handler) => {
      const isPinned = options.origin !== undefined && new URL(options.origin).origin === origin;
      return (isPinned ? pinned : before).dispatch(options, handler);
    },
    close: () => pinned.close(),
  };
  holder[dispatcherKey] = chosen;
  return async () => {
    if (holder[dispatcherKey] === chosen) holder[dispatcherKey] = before;
    await pinned.close();
  };
};

type AgentMaker = new (options: { readonly connect: { readonly ca: string } }) => Dispatcher;

const agentOf = (dispatcher: Dispatcher): AgentMaker => {
  const { before } = dispatcher as { readonly before?: Dispatcher };
  return before === undefined ? (dispatcher.constructor as AgentMaker) : agentOf(before);
};
