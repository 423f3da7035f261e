/** Where gateway and NATS listen, by which names strangers reach them, and what vouches for them. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { isLoopback } from "../../gateway/origins.ts";
import { wallClock } from "../../streams/clock.ts";
import { exitCodes } from "../exit-codes.ts";
import { CliFailure } from "../failures.ts";
import { hostsReaching, ownCertificate } from "../tls/own-certificate.ts";

export interface TlsFlags {
  /** `auto`: certificates of the network's own. */
  readonly tls?: "auto";
  readonly tlsCert?: string;
  readonly tlsKey?: string;
}

export interface Tls {
  /** PEM, with those that vouch for it. */
  readonly cert: string;
  readonly key: string;
  readonly certFile: string;
  readonly keyFile: string;
  /** Of the network's own authority; undefined for certificates from files. */
  readonly own: { readonly ca: string; readonly fingerprint: string } | undefined;
}

/** Where the network's own certificates are. */
export const tlsDirectory = (dataDirectory: string): string => join(dataDirectory, "tls");

/**
 * Opens the certificate that the flags name; undefined without TLS.
 *
 * @throws {CliFailure} `bad-option` for flags that do not go together, `bad-certificate` for files
 *   that cannot be read.
 */
export const openTls = async (
  { tls, tlsCert, tlsKey }: TlsFlags,
  where: {
    readonly directory: string;
    readonly host: string;
    readonly publicUrls: readonly string[];
  },
): Promise<Tls | undefined> => {
  if ((tlsCert === undefined) !== (tlsKey === undefined) || (tls !== undefined && tlsCert))
    throw new CliFailure(
      "bad-option",
      "give --tls auto, or both --tls-cert and --tls-key",
      exitCodes.usage,
    );
  if (tlsCert !== undefined && tlsKey !== undefined) {
    const [cert, key] = await Promise.all([readPem(tlsCert), readPem(tlsKey)]);
    return { cert, key, certFile: tlsCert, keyFile: tlsKey, own: undefined };
  }
  if (tls === undefined) return undefined;
  const names = where.publicUrls.map((url) => new URL(url).hostname.replace(/^\[|\]$/g, ""));
  const { certFile, keyFile, ca, fingerprint } = await ownCertificate({
    directory: where.directory,
    hosts: [...new Set([...hostsReaching(where.host), ...names])],
    clock: wallClock,
  });
  const [cert, key] = await Promise.all([readPem(certFile), readPem(keyFile)]);
  return { cert, key, certFile, keyFile, own: { ca, fingerprint } };
};

export const readPem = async (path: string): Promise<string> => {
  const text = await readFile(path, "utf8").catch(() => "");
  if (text.includes("-----BEGIN ")) return text;
  throw new CliFailure(
    "bad-certificate",
    `${path} is no PEM file with a certificate or a key, or cannot be read`,
    exitCodes.badInput,
  );
};

/** The addresses by which others know a server: those that were given, else those of the machine. */
export const publicUrlsOf = (
  given: readonly string[],
  {
    protocol,
    host,
    port,
  }: { readonly protocol: string; readonly host: string; readonly port: string },
): readonly string[] => {
  if (given.length > 0) return given;
  const hosts = hostsReaching(host);
  const far = hosts.filter((one) => !isLoopback(one));
  return [...far, ...hosts.filter(isLoopback)].map(
    (one) => `${protocol}//${one.includes(":") ? `[${one}]` : one}:${port}`,
  );
};

/** What a stranger needs to know: the first address, with the authority if it is the network's own. */
export const joinAddress = (urls: readonly string[], tls: Tls | undefined): string =>
  `${urls[0] ?? ""}${tls?.own === undefined ? "" : `#sha256=${tls.own.fingerprint}`}`;

export const joinCommand = (address: string): string => `npx cnct worker --gateway ${address}`;
