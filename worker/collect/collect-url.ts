/** From one URL of a job to what stands in its item: robots.txt, redirects, copies, limits. */

import { createHash } from "node:crypto";
import { canonicalJson } from "../../domain/canonical-json.ts";
import {
  ageMsIn,
  confirmedAt,
  forbidsKeeping,
  isFresh,
  isStale,
} from "../../domain/collection/freshness.ts";
import type { FailedItem, Provenance, RobotsDecision } from "../../domain/collection/items.ts";
import { accepts, mediaTypeIn } from "../../domain/collection/media-types.ts";
import type { CollectRequest } from "../../domain/collection/request.ts";
import type { CollectUrl } from "../../domain/collection/urls.ts";
import type { Digest } from "../../domain/ids.ts";
import type { Answer } from "./exchange.ts";
import { CollectError } from "./fault.ts";
import type { Copy, Recent } from "./recent.ts";
import type { Robots } from "./robots.ts";
import {
  isRedirect,
  redirectsMax,
  redirectTarget,
  type VisitSettings,
  type Visits,
} from "./visits.ts";

export interface Collecting extends VisitSettings {
  readonly visits: Visits;
  readonly robots: Robots;
  readonly recent: Recent;
  readonly request: CollectRequest;
  readonly userAgent: string;
  readonly signal: AbortSignal;
}

export type Collected =
  | FailedItem
  | {
      readonly outcome: "fetched";
      readonly url: string;
      readonly finalUrl: string;
      readonly status: number;
      readonly mediaType: string;
      readonly body: Uint8Array;
      readonly bodyDigest: Digest;
      readonly robots: "allowed" | "no-robots";
      readonly provenance: Provenance;
    };

/** @throws The signal's reason when it aborts; what goes wrong otherwise becomes a failed item. */
export const collectUrl = async (first: CollectUrl, collecting: Collecting): Promise<Collected> => {
  const { robots, signal, clock } = collecting;
  const redirects: string[] = [];
  let decision: RobotsDecision = "not-asked";
  try {
    let url = first;
    for (;;) {
      const permission = await robots.ask(url, signal);
      decision = permission.decision;
      if (permission.decision === "disallowed") throw new CollectError("robots-disallowed");
      if (permission.decision === "unreachable") throw new CollectError("robots-unreachable");
      const got = await get(url, permission.gapMs, collecting);
      if ("found" in got) {
        const { found, source } = got;
        const { body, status, mediaType } = found;
        return {
          outcome: "fetched",
          url: first.href,
          finalUrl: url.href,
          status,
          mediaType,
          body,
          bodyDigest: sha256(body),
          robots: permission.decision,
          provenance: {
            fetchedAt: new Date(got.at).toISOString(),
            redirects,
            address: found.address,
            source,
            headersDigest: found.headersDigest,
            ageMs: Math.max(0, got.at - found.confirmedAt),
            ...(found.lastModified === undefined ? {} : { lastModified: found.lastModified }),
            ...(found.etag === undefined ? {} : { etag: found.etag }),
          },
        };
      }
      redirects.push(url.href);
      if (redirects.length > redirectsMax) throw new CollectError("too-many-redirects");
      decision = "not-asked";
      url = redirectTarget(url, got.location, collecting);
    }
  } catch (error) {
    if (!(error instanceof CollectError)) throw error;
    return {
      outcome: "failed",
      url: first.href,
      code: error.code,
      ...(error.status === undefined ? {} : { status: error.status }),
      robots: decision,
      provenance: { fetchedAt: new Date(clock.now()).toISOString(), redirects },
    };
  }
};

type Got =
  | { readonly found: Copy; readonly source: Provenance["source"]; readonly at: number }
  | { readonly location: string | undefined };

/** One URL: a copy that is fresh enough, one that the server confirms, or what it answers. */
const get = async (url: CollectUrl, gapMs: number, collecting: Collecting): Promise<Got> => {
  const { request, recent, clock, visits, signal } = collecting;
  const { freshnessMs, accept, bodyBytesMax } = request;
  // Another wish for media types may be answered with another page.
  const key = `${accept.join(",")} ${url.href}`;
  const kept = recent.copyOf(key);
  const copy = kept && kept.body.length <= bodyBytesMax ? kept : undefined;
  if (copy && isFresh(copy.confirmedAt, { now: clock.now(), freshnessMs }))
    return { found: copy, source: "kept", at: clock.now() };

  const answer = await visits.visit(
    {
      url,
      headers: headersFor(collecting, copy),
      bodyBytesMax,
      wantsBody: (head) => isWanted(head, collecting, copy),
      signal,
    },
    gapMs,
  );
  const at = clock.now();
  if (isRedirect(answer)) return { location: answer.header("location") };
  const confirmed = confirmedAt(at, ageMsIn(answer.header("age")));
  const found: Copy =
    answer.status === 304 && copy
      ? {
          ...copy,
          confirmedAt: confirmed,
          headersDigest: headersDigest(answer),
          address: answer.address,
        }
      : {
          status: answer.status,
          mediaType: mediaTypeIn(answer.header("content-type")) ?? "",
          body: answer.body,
          headersDigest: headersDigest(answer),
          address: answer.address,
          etag: headerText(answer.header("etag")),
          lastModified: headerText(answer.header("last-modified")),
          confirmedAt: confirmed,
        };
  if (forbidsKeeping(answer.header("cache-control"))) recent.drop(key);
  else recent.keep(key, found);
  return { found, source: answer.status === 304 ? "revalidated" : "network", at };
};

const headersFor = ({ request, userAgent }: Collecting, copy: Copy | undefined) => ({
  "user-agent": userAgent,
  accept: request.accept.join(", "),
  "accept-encoding": "gzip",
  ...(request.freshnessMs === undefined
    ? {}
    : { "cache-control": `max-age=${Math.floor(request.freshnessMs / 1_000)}` }),
  ...(copy?.etag === undefined ? {} : { "if-none-match": copy.etag }),
  ...(copy?.lastModified === undefined ? {} : { "if-modified-since": copy.lastModified }),
});

/** @throws {CollectError} For what can be refused before a byte of the body was read. */
const isWanted = (
  head: Omit<Answer, "body">,
  { request }: Collecting,
  copy: Copy | undefined,
): boolean => {
  const { status } = head;
  if (isRedirect(head)) return false;
  const confirms = status === 304 && copy !== undefined;
  if (!confirms && (status < 200 || status > 299)) throw new CollectError("bad-status", { status });
  if (isStale(ageMsIn(head.header("age")), request.freshnessMs)) throw new CollectError("stale");
  if (confirms) return false;
  const mediaType = mediaTypeIn(head.header("content-type"));
  if (mediaType === undefined || !accepts(request.accept, mediaType))
    throw new CollectError("wrong-media-type");
  return true;
};

/** Sent back to the server as it came, and shown: visible ASCII of a sane length only. */
const headerText = (value: string | undefined): string | undefined =>
  value !== undefined && /^[\x20-\x7e]{1,256}$/.test(value) ? value : undefined;

const headersDigest = ({ headers }: Answer): Digest => sha256(canonicalJson(headers));

export const sha256 = (data: Uint8Array | string): Digest =>
  createHash("sha256").update(data).digest("hex");
