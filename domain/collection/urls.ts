/** Which URLs a job may name at all, before anybody is asked anything. */

import { addressKind } from "./addresses.ts";

export interface CollectUrl {
  /** As the WHATWG URL standard writes it, without a fragment: one spelling for one resource. */
  readonly href: string;
  /** The scheme, host and port. */
  readonly origin: string;
  readonly secure: boolean;
  /** Lower case, in ASCII (punycode); a name, never an address. */
  readonly host: string;
  readonly port: number;
  /** Path and query, as they stand in a request. */
  readonly target: string;
}

export type UrlFault =
  | "malformed"
  | "too-long"
  | "scheme"
  | "credentials"
  /** The host is an address: in any spelling, since neither allow-list nor robots.txt name addresses. */
  | "address-literal"
  | "trailing-dot"
  /** A name that is not of the public internet: `localhost`, `printer`, `x.onion`, `x.internal`. */
  | "local-name"
  | "port";

export type ReadUrl =
  | { readonly ok: true; readonly url: CollectUrl }
  | { readonly ok: false; readonly fault: UrlFault };

export const urlLengthMax = 2_048;
export const webPorts: readonly number[] = [80, 443];

/**
 * Reads a URL from a job, or from a redirect.
 *
 * @param text - Absolute, `http` or `https`.
 * @param ports - Which it may name.
 */
export const readUrl = (text: string, ports: readonly number[] = webPorts): ReadUrl => {
  const refuse = (fault: UrlFault): ReadUrl => ({ ok: false, fault });
  if (text.length > urlLengthMax) return refuse("too-long");
  // What the standard's parser forgives (white space, backslashes, missing slashes) is read in
  // another way by other parsers, and a difference between two readers is what an attack is made of.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: They are what is refused.
  if (/[\u0000-\u0020\u007f\\]/.test(text) || !text.isWellFormed()) return refuse("malformed");
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(text)?.[1]?.toLowerCase();
  if (scheme === undefined) return refuse("malformed");
  if (scheme !== "http" && scheme !== "https") return refuse("scheme");
  const authority = /^[a-z]+:\/\/([^/?#]+)/i.exec(text)?.[1];
  if (authority === undefined || !URL.canParse(text)) return refuse("malformed");
  if (authority.includes("@")) return refuse("credentials");

  const { hostname, port, pathname, search } = new URL(text);
  if (hostname.startsWith("[") || addressKind(hostname) !== "malformed")
    return refuse("address-literal");
  if (hostname.endsWith(".")) return refuse("trailing-dot");
  if (!isHostName(hostname)) return refuse("malformed");
  if (isLocalName(hostname)) return refuse("local-name");
  const secure = scheme === "https";
  const number = port === "" ? (secure ? 443 : 80) : Number(port);
  if (!ports.includes(number)) return refuse("port");
  const origin = `${scheme}://${hostname}${port === "" ? "" : `:${port}`}`;
  const target = pathname + search;
  if (origin.length + target.length > urlLengthMax) return refuse("too-long");
  return {
    ok: true,
    url: { href: origin + target, origin, secure, host: hostname, port: number, target },
  };
};

const isHostName = (host: string): boolean =>
  host.length <= 253 && host.split(".").every((label) => /^[a-z0-9_-]{1,63}$/.test(label));

/** Top-level names that no public resolver may answer, and those that machines use at home. */
const localEndings: ReadonlySet<string> = new Set(
  "alt arpa corp home internal intranet invalid lan local localdomain localhost onion private".split(
    " ",
  ),
);

export const isLocalName = (host: string): boolean => {
  const labels = host.split(".");
  return labels.length < 2 || localEndings.has(labels.at(-1) ?? "");
};
