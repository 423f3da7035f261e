/** What a job asks a collector for: the parameters of the app `collect`. */

import { isMediaPattern } from "./media-types.ts";
import { type CollectUrl, readUrl, webPorts } from "./urls.ts";

export interface CollectRequest {
  /** 1 to 20, each once. */
  readonly urls: readonly CollectUrl[];
  /** Of one decoded body, 1 to 2 MiB. */
  readonly bodyBytesMax: number;
  /** Media types such as `text/html` or `text/*`, 1 to 16. */
  readonly accept: readonly string[];
  /**
   * How old an answer may be, 0 to 30 days: within it a node may give a copy that it has, and a
   * shared cache may answer. Left out, every node asks the server, and any answer of it will do.
   */
  readonly freshnessMs?: number;
  /** Whom the owner of a site can write to: a mail address or a page. */
  readonly contact?: string;
}

export const urlsMax = 20;
/** 20 bodies of it as base64 stay within what one output may have. */
export const bodyBytesLimit = 2 * 1024 * 1024;
export const bodyBytesDefault = 256 * 1024;
export const acceptDefault: readonly string[] = ["text/html", "text/plain", "application/json"];
const acceptMax = 16;
const freshnessMsMax = 30 * 86_400_000;
/** It stands in a header, between parentheses. */
const contactForm = /^[A-Za-z0-9@:/._~?&=%+-]{3,100}$/;

export const collectParams: readonly string[] = [
  "urls",
  "maxBytes",
  "accept",
  "freshnessMs",
  "userAgentContact",
];

export type ReadRequest =
  | { readonly ok: true; readonly request: CollectRequest }
  | { readonly ok: false; readonly code: "bad-params" | "bad-url"; readonly message: string };

/** @param ports - Which the URLs may name. */
export const readRequest = (
  params: Readonly<Record<string, unknown>>,
  ports: readonly number[] = webPorts,
): ReadRequest => {
  const unknown = Object.keys(params).find((name) => !collectParams.includes(name));
  if (unknown !== undefined)
    return bad(
      `the parameter "${unknown.slice(0, 64)}" is unknown; known: ${collectParams.join(", ")}`,
    );
  const {
    urls,
    maxBytes = bodyBytesDefault,
    accept = acceptDefault,
    freshnessMs,
  } = params as Params;
  const { userAgentContact: contact } = params as Params;
  if (!isList(urls, urlsMax)) return bad(`urls must be 1 to ${urlsMax} URLs`);
  if (!isWhole(maxBytes, 1, bodyBytesLimit)) return bad(`maxBytes must be 1 to ${bodyBytesLimit}`);
  if (!isList(accept, acceptMax) || !accept.every(isMediaPattern))
    return bad(`accept must be 1 to ${acceptMax} media types such as "text/html" or "text/*"`);
  if (freshnessMs !== undefined && !isWhole(freshnessMs, 0, freshnessMsMax))
    return bad(`freshnessMs must be 0 to ${freshnessMsMax} (30 days)`);
  if (contact !== undefined && !(typeof contact === "string" && contactForm.test(contact)))
    return bad("userAgentContact must be a mail address or a URL of at most 100 characters");

  const read: CollectUrl[] = [];
  for (const [index, text] of urls.entries()) {
    const one = readUrl(text, ports);
    if (!one.ok)
      return { ok: false, code: "bad-url", message: `urls[${index}] is refused: ${one.fault}` };
    if (read.some(({ href }) => href === one.url.href)) return bad(`urls[${index}] is named twice`);
    read.push(one.url);
  }
  return {
    ok: true,
    request: {
      urls: read,
      bodyBytesMax: maxBytes,
      accept: [...new Set(accept)],
      ...(freshnessMs === undefined ? {} : { freshnessMs }),
      ...(contact === undefined ? {} : { contact }),
    },
  };
};

interface Params {
  readonly urls?: unknown;
  readonly maxBytes?: unknown;
  readonly accept?: unknown;
  readonly freshnessMs?: unknown;
  readonly userAgentContact?: unknown;
}

const bad = (message: string): ReadRequest => ({ ok: false, code: "bad-params", message });

const isList = (value: unknown, most: number): value is readonly string[] =>
  Array.isArray(value) &&
  value.length >= 1 &&
  value.length <= most &&
  value.every((item) => typeof item === "string");

const isWhole = (value: unknown, least: number, most: number): value is number =>
  Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most;
