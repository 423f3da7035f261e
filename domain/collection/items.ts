/** What a collector answers: one item for each URL, in the order of the job. */

import { portableSha256, type Sha256 } from "../hashing.ts";
import type { Digest } from "../ids.ts";
import { urlsMax } from "./request.ts";

export const collectionVersion = 1;

export interface Collection {
  readonly version: typeof collectionVersion;
  readonly items: readonly CollectedItem[];
}

export type CollectedItem = FetchedItem | FailedItem;

export interface FetchedItem {
  readonly outcome: "fetched";
  /** As the job asked, in its one spelling. */
  readonly url: string;
  /** After redirects. */
  readonly finalUrl: string;
  readonly status: number;
  readonly mediaType: string;
  /** Bytes of the decoded body. */
  readonly size: number;
  readonly bodyDigest: Digest;
  /** Left out when `duplicateOf` says where it stands. */
  readonly body?: CollectedBody;
  /** The URL of the first item of this collection that has the same body. */
  readonly duplicateOf?: string;
  readonly robots: "allowed" | "no-robots";
  readonly provenance: Provenance;
}

export interface FailedItem {
  readonly outcome: "failed";
  readonly url: string;
  readonly code: CollectFault;
  /** Of the answer, for `bad-status`. */
  readonly status?: number;
  readonly robots: RobotsDecision;
  readonly provenance: Pick<Provenance, "fetchedAt" | "redirects">;
}

/** Whichever is shorter, which is text for what is mostly text: the same bytes give the same form. */
export type CollectedBody = { readonly text: string } | { readonly base64: string };

/** How one node came to the item. It differs from node to node and is compared by nobody. */
export interface Provenance {
  /** When the answer came, ISO 8601 in UTC; for a copy, when it was last confirmed by the server. */
  readonly fetchedAt: string;
  /** Every URL that answered with a redirect, in order. */
  readonly redirects: readonly string[];
  /** The address that was talked to. */
  readonly address: string;
  /** `network`: fetched now. `revalidated`: a copy that the server confirmed now. `kept`: a copy still fresh. */
  readonly source: "network" | "revalidated" | "kept";
  /** SHA-256 of the canonical JSON of the answer's headers: names in lower case and values, in order of arrival. */
  readonly headersDigest: Digest;
  /** How long the content had been in caches when it came, by the server's `Age`. */
  readonly ageMs: number;
  readonly lastModified?: string;
  readonly etag?: string;
  /** When this node first saw the same body, if it did before this job: nothing new, then. */
  readonly seenBeforeAt?: string;
}

export type RobotsDecision =
  | "allowed"
  /** The host has none (4xx), so that everything is allowed. */
  | "no-robots"
  | "disallowed"
  /** It could not be read (5xx, network), so that everything is disallowed. */
  | "unreachable"
  /** It came to no question. */
  | "not-asked";

/** Why there is no body; stable. */
export const collectFaults = [
  "robots-disallowed",
  "robots-unreachable",
  /** The host asks for a longer pause between requests than a job can wait. */
  "wait-too-long",
  "name-not-found",
  /** The name leads to an address that is not of the public internet. */
  "address-not-public",
  "unreachable",
  "tls-failed",
  "timed-out",
  "bad-response",
  "headers-too-large",
  "too-large",
  "wrong-media-type",
  /** Of the content: none of identity and gzip. */
  "encoding-unknown",
  /** The body is not what its encoding says. */
  "bad-encoding",
  "bad-status",
  /** To a URL that no job may name, or without one. */
  "redirect-refused",
  /** To a host that the node's owner does not allow. */
  "redirect-not-allowed",
  /** From https to http. */
  "redirect-downgrade",
  "too-many-redirects",
  /** The answer came from a cache, and older than the job allows. */
  "stale",
] as const;
export type CollectFault = (typeof collectFaults)[number];

const isCollectFault = (value: unknown): value is CollectFault =>
  (collectFaults as readonly unknown[]).includes(value);

/** Faults that say the same about a site, named by whatever happened first on the node. */
const notReached: ReadonlySet<string> = new Set([
  "name-not-found",
  "unreachable",
  "tls-failed",
  "timed-out",
  "bad-response",
  "robots-unreachable",
]);

/** What two nodes must agree on about a URL that could not be collected. */
export const faultClass = ({ code, status }: Pick<FailedItem, "code" | "status">): string =>
  notReached.has(code) ? "not-reached" : `${code} ${status ?? ""}`;

/** What a comparison needs of an item. */
export type ReadItem =
  | { readonly outcome: "failed"; readonly url: string; readonly faultClass: string }
  | {
      readonly outcome: "fetched";
      readonly url: string;
      readonly finalUrl: string;
      readonly status: number;
      readonly mediaType: string;
      readonly bodyDigest: Digest;
      /** Undefined when the body is no text. */
      readonly text: string | undefined;
    };

/**
 * Reads a collection that a stranger made, or undefined when it is none: a body that has not the
 * digest or the size that its item states, a duplicate of nothing, an unknown code.
 */
export const readCollection = (
  value: unknown,
  sha256: Sha256 = portableSha256,
): readonly ReadItem[] | undefined => {
  const { version, items } = fieldsOf(value);
  if (version !== collectionVersion || !Array.isArray(items)) return undefined;
  if (items.length > urlsMax) return undefined;
  const read: ReadItem[] = [];
  const byUrl = new Map<string, ReadItem>();
  for (const item of items as readonly unknown[]) {
    const one = readItem(fieldsOf(item), byUrl, sha256);
    if (!one || byUrl.has(one.url)) return undefined;
    byUrl.set(one.url, one);
    read.push(one);
  }
  return read;
};

type Fields = { readonly [name in string]?: unknown };

const readItem = (
  item: Fields,
  before: ReadonlyMap<string, ReadItem>,
  sha256: Sha256,
): ReadItem | undefined => {
  const { outcome, url, code, status, finalUrl, mediaType, size, bodyDigest } = item;
  if (typeof url !== "string") return undefined;
  if (outcome === "failed") {
    if (!isCollectFault(code)) return undefined;
    if (status !== undefined && !Number.isSafeInteger(status)) return undefined;
    const known = typeof status === "number" ? { code, status } : { code };
    return { outcome, url, faultClass: faultClass(known) };
  }
  if (outcome !== "fetched" || typeof finalUrl !== "string" || typeof mediaType !== "string")
    return undefined;
  if (typeof status !== "number" || typeof bodyDigest !== "string") return undefined;
  const fetched = { outcome, url, finalUrl, status, mediaType, bodyDigest } as const;
  if (item["duplicateOf"] !== undefined) {
    const first = before.get(String(item["duplicateOf"]));
    const same = first?.outcome === "fetched" && first.bodyDigest === bodyDigest;
    return same ? { ...fetched, text: first.text } : undefined;
  }
  const { text, base64 } = fieldsOf(item["body"]);
  const bytes =
    typeof text === "string"
      ? new TextEncoder().encode(text)
      : typeof base64 === "string"
        ? decodeBase64(base64)
        : undefined;
  if (!bytes || bytes.length !== size || sha256(bytes) !== bodyDigest) return undefined;
  return { ...fetched, text: typeof text === "string" ? text : undefined };
};

const fieldsOf = (value: unknown): Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : {};

/** The body of an item: text when it is UTF-8 and no longer so than in base64. */
export const bodyOf = (bytes: Uint8Array): CollectedBody => {
  const base64Length = 4 * Math.ceil(bytes.length / 3);
  const text = textIn(bytes);
  return text !== undefined && JSON.stringify(text).length - 2 <= base64Length
    ? { text }
    : { base64: encodeBase64(bytes) };
};

/** A byte order mark stays, so that the text has the bytes' digest. */
const textIn = (bytes: Uint8Array): string | undefined => {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
};

const sliceBytes = 24_576;

const encodeBase64 = (bytes: Uint8Array): string => {
  const parts: string[] = [];
  for (let start = 0; start < bytes.length; start += sliceBytes)
    parts.push(btoa(String.fromCharCode(...bytes.subarray(start, start + sliceBytes))));
  return parts.join("");
};

const decodeBase64 = (text: string): Uint8Array | undefined => {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch {
    return undefined;
  }
};
