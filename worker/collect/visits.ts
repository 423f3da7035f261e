/** One polite visit to a URL: its turn at the host, the request, and what the host says about time. */

import { type AllowList, allows } from "../../domain/collection/allow-list.ts";
import { retryAfterMs } from "../../domain/collection/freshness.ts";
import { type CollectUrl, readUrl } from "../../domain/collection/urls.ts";
import type { Millis } from "../../domain/decider.ts";
import type { Clock } from "../../streams/clock.ts";
import { type Answer, type Asked, type ExchangeLimits, exchange } from "./exchange.ts";
import { CollectError } from "./fault.ts";
import { type Gates, openGates, waitMsMax } from "./gates.ts";
import type { CollectNetwork } from "./network.ts";

export interface VisitSettings {
  readonly allow: AllowList;
  readonly network: CollectNetwork;
  readonly limits: ExchangeLimits;
  readonly clock: Clock;
  /** The least pause between two requests to one host. */
  readonly gapMs: Millis;
}

export interface Visits {
  /** @param gapMs - What the host asks for beyond the least pause. */
  visit(asked: Asked, gapMs: Millis): Promise<Answer>;
}

export const openVisits = ({ network, limits, clock, gapMs: leastMs }: VisitSettings): Visits => {
  const gates: Gates = openGates(clock);
  return {
    visit: (asked, gapMs) => {
      const { url, signal } = asked;
      return gates.pass(url.host, { gapMs: Math.max(leastMs, gapMs), signal }, () =>
        exchange(
          { ...asked, wantsBody: (head) => noteRest(head, url) && asked.wantsBody(head) },
          network,
          limits,
        ),
      );

      function noteRest(head: Omit<Answer, "body">, { host }: CollectUrl): true {
        if (head.status !== 429 && head.status !== 503) return true;
        gates.rest(host, retryAfterMs(head.header("retry-after"), clock.now()) ?? waitMsMax);
        return true;
      }
    },
  };
};

const redirects: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
export const redirectsMax = 5;

export const isRedirect = ({ status }: Pick<Answer, "status">): boolean => redirects.has(status);

/**
 * Where a redirect leads, after the same checks that the first URL went through.
 *
 * @throws {CollectError} `redirect-refused`, `redirect-downgrade`, `redirect-not-allowed`.
 */
export const redirectTarget = (
  from: CollectUrl,
  location: string | undefined,
  { allow, network }: Pick<VisitSettings, "allow" | "network">,
): CollectUrl => {
  const absolute = location === undefined ? undefined : absoluteOf(location, from);
  const read = absolute === undefined ? undefined : readUrl(absolute, network.ports);
  if (!read?.ok) throw new CollectError("redirect-refused");
  if (from.secure && !read.url.secure) throw new CollectError("redirect-downgrade");
  if (!allows(allow, read.url.host)) throw new CollectError("redirect-not-allowed");
  return read.url;
};

/** An absolute location is read as it stands, so that nothing is forgiven in it. */
const absoluteOf = (location: string, { href }: CollectUrl): string | undefined => {
  if (/^[a-z][a-z0-9+.-]*:/i.test(location)) return location;
  // Header values come as Latin-1; what is beyond ASCII, and a backslash, has no one reading.
  if (!/^[\x21-\x5b\x5d-\x7e]*$/.test(location) || !URL.canParse(location, href)) return undefined;
  return new URL(location, href).href;
};
