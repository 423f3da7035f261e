/**
 * What a host's robots.txt says to us, read at most once a day.
 *
 * @see RFC 9309. Where it leaves a choice we take the careful one: a host that answers 429 or 5xx,
 *   or redirects without end, disallows everything for now.
 */

import robotsParser from "robots-parser";
import type { CollectFault, RobotsDecision } from "../../domain/collection/items.ts";
import type { CollectUrl } from "../../domain/collection/urls.ts";
import type { Millis } from "../../domain/decider.ts";
import { CollectError } from "./fault.ts";
import { unlessAborted } from "./gates.ts";
import {
  isRedirect,
  redirectsMax,
  redirectTarget,
  type VisitSettings,
  type Visits,
} from "./visits.ts";

export interface Permission {
  readonly decision: Exclude<RobotsDecision, "not-asked">;
  /** What the host asks for between two requests; 0 without a wish. */
  readonly gapMs: Millis;
}

export interface Robots {
  /** @throws {CollectError} When the host itself could not be talked to. */
  ask(url: CollectUrl, signal: AbortSignal): Promise<Permission>;
}

/** As the group of robots.txt names us. */
export const productToken = "CNCT-Collector";

/** At least so much must be read (RFC 9309, section 2.5); what is beyond is not. */
const robotsBytesMax = 512_000;
const keptMs = 24 * 3_600_000;
/** A host that could not be asked may be asked again soon. */
const keptUnreachableMs = 5 * 60_000;
const hostsKept = 1_000;
/** A path is held against a pattern with `*` in steps of the product of their lengths: about 0.1 s. */
const stepsMax = 50_000_000;

interface Rules {
  permissionFor(url: CollectUrl): Permission;
}

/** Of the host's reachability, not of its robots.txt: they become the item's own. */
const ofTheHost: ReadonlySet<CollectFault> = new Set<CollectFault>([
  "address-not-public",
  "name-not-found",
  "unreachable",
  "tls-failed",
]);

/** @param userAgent - For requests in nobody's name, since the answer serves all jobs. */
export const openRobots = (visits: Visits, settings: VisitSettings, userAgent: string): Robots => {
  const { clock } = settings;
  const known = new Map<string, { readonly rules: Promise<Rules>; until: number }>();

  const read = async (url: CollectUrl): Promise<Rules> => {
    // Not the task's: others wait for the same file.
    const { signal } = new AbortController();
    let at: CollectUrl = { ...url, href: `${url.origin}/robots.txt`, target: "/robots.txt" };
    for (let hop = 0; hop <= redirectsMax; hop++) {
      const answer = await visits.visit(
        {
          url: at,
          headers: { "user-agent": userAgent, accept: "text/plain", "accept-encoding": "gzip" },
          bodyBytesMax: robotsBytesMax,
          cut: true,
          wantsBody: ({ status }) => status >= 200 && status < 300,
          signal,
        },
        0,
      );
      if (isRedirect(answer)) at = redirectTarget(at, answer.header("location"), settings);
      else return rulesOf(url, answer.status, new TextDecoder().decode(answer.body));
    }
    throw new CollectError("too-many-redirects");
  };

  const load = (url: CollectUrl): Promise<Rules> => {
    const entry = known.get(url.origin);
    if (entry && clock.now() < entry.until) return entry.rules;
    known.delete(url.origin);
    const oldest = known.size < hostsKept ? undefined : known.keys().next().value;
    if (oldest !== undefined) known.delete(oldest);
    const fresh = {
      rules: read(url)
        .then((rules) => {
          if (rules === unreachable) fresh.until = clock.now() + keptUnreachableMs;
          return rules;
        })
        .catch((error: unknown) => {
          if (!(error instanceof CollectError)) throw error;
          if (ofTheHost.has(error.code)) {
            known.delete(url.origin);
            throw error;
          }
          fresh.until = clock.now() + keptUnreachableMs;
          return unreachable;
        }),
      until: clock.now() + keptMs,
    };
    known.set(url.origin, fresh);
    return fresh.rules;
  };

  return {
    ask: async (url, signal) => (await unlessAborted(load(url), signal)).permissionFor(url),
  };
};

const unreachable: Rules = { permissionFor: () => ({ decision: "unreachable", gapMs: 0 }) };
const none: Rules = { permissionFor: () => ({ decision: "no-robots", gapMs: 0 }) };

/** What a robots.txt of that status and text says. */
export const rulesOf = (origin: CollectUrl, status: number, text: string): Rules => {
  if (status === 429 || status >= 500 || status < 200) return unreachable;
  if (status >= 300) return none;
  const wild = text
    .split(/[\r\n]/)
    .reduce((sum, line) => sum + (line.includes("*") ? line.length : 0), 0);
  const robots = parse(`${origin.origin}/robots.txt`, text);
  const seconds = Number(robots.getCrawlDelay(productToken) ?? 0);
  const gapMs = Number.isFinite(seconds) && seconds > 0 ? seconds * 1_000 : 0;
  return {
    permissionFor: ({ href, target }) => {
      // A file made to keep its reader busy says nothing that we would want to hear.
      if (wild * target.length > stepsMax) return { decision: "unreachable", gapMs };
      const allowed = target === "/robots.txt" || robots.isAllowed(href, productToken) === true;
      return { decision: allowed ? "allowed" : "disallowed", gapMs };
    },
  };
};

/** The package's types describe a default export that a CommonJS module has not. */
const parse = robotsParser as unknown as (
  url: string,
  text: string,
) => {
  isAllowed(url: string, userAgent: string): boolean | undefined;
  getCrawlDelay(userAgent: string): number | undefined;
};
