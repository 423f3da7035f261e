/**
 * App `collect`: fetches public pages politely and says how it came to them.
 *
 * It runs in the worker's own process and not in a computing child: it needs the network, which no
 * child has, and one view of all requests of the node, so that a host sees one polite visitor
 * whatever number of tasks run. It understands nothing of what it fetches: HTTP, TLS and gzip are
 * read by the same code that talks to the gateway, and a body is bytes
 * (`docs/decisions/0008-collect-in-the-supervisor.md`).
 */

import { type AllowList, allows } from "../../domain/collection/allow-list.ts";
import {
  bodyOf,
  type CollectedItem,
  type Collection,
  collectionVersion,
} from "../../domain/collection/items.ts";
import { type CollectRequest, readRequest } from "../../domain/collection/request.ts";
import { type Clock, wallClock } from "../../streams/clock.ts";
import { AppError, type Executor } from "../executor.ts";
import { encodeJson } from "../executors/request.ts";
import { type Collected, collectUrl } from "./collect-url.ts";
import { type ExchangeLimits, exchangeLimits } from "./exchange.ts";
import { type CollectNetwork, publicInternet } from "./network.ts";
import { openRecent } from "./recent.ts";
import { openRobots, productToken } from "./robots.ts";
import { openVisits, type VisitSettings } from "./visits.ts";

export interface CollectOptions {
  readonly allow: AllowList;
  /** Of the worker; it stands in the user agent. */
  readonly version: string;
}

/** For tests: what a test may put in the place of the world. No job and no option reaches it. */
export interface CollectSeams {
  readonly network?: CollectNetwork;
  readonly clock?: Clock;
  readonly limits?: ExchangeLimits;
  /** The least pause between two requests to one host; a second. */
  readonly gapMs?: number;
}

/** URLs of one job that are under way at once; those of one host still go one after another. */
const atOnce = 4;
const gapMsLeast = 1_000;

/**
 * @example
 * const collect = openCollect({ allow: ["*.data.gov"], version: "0.1.0" });
 */
export const openCollect = (
  { allow, version }: CollectOptions,
  seams: CollectSeams = {},
): Executor => {
  const settings: VisitSettings = {
    allow,
    network: seams.network ?? publicInternet,
    clock: seams.clock ?? wallClock,
    limits: seams.limits ?? exchangeLimits,
    gapMs: seams.gapMs ?? gapMsLeast,
  };
  const product = `${productToken}/${version}`;
  const visits = openVisits(settings);
  const robots = openRobots(visits, settings, product);
  const recent = openRecent();

  return {
    apps: ["collect"],
    executionClass: "collect@1/http/any/1t/none",
    execute: async ({ app, params, signal }) => {
      if (app !== "collect")
        throw new AppError("unknown-app", `this executor computes collect, not ${app}`);
      const request = requestIn(params, settings);
      const startedAt = settings.clock.now();
      const userAgent =
        request.contact === undefined ? product : `${product} (+${request.contact})`;
      const collected = await inTurns(request.urls, (url) =>
        collectUrl(url, { ...settings, visits, robots, recent, request, userAgent, signal }),
      );
      const seenBefore = collected.map((one) => {
        if (one.outcome === "failed") return undefined;
        const at = recent.see(one.bodyDigest, startedAt);
        return at === undefined || at >= startedAt ? undefined : at;
      });
      const items = collected.map((one, index) => itemOf(one, { collected, index, seenBefore }));
      const collection: Collection = { version: collectionVersion, items };
      return { output: encodeJson(collection), mediaType: "application/json" };
    },
    close: async () => {},
  };
};

/** Refused as a whole, and before anybody is asked: a part of what was asked for is of no use. */
const requestIn = (
  params: Readonly<Record<string, unknown>>,
  { allow, network }: VisitSettings,
): CollectRequest => {
  const read = readRequest(params, network.ports);
  if (!read.ok) throw new AppError(read.code, read.message);
  const index = read.request.urls.findIndex(({ host }) => !allows(allow, host));
  if (index !== -1)
    throw new AppError(
      "url-not-allowed",
      `urls[${index}] is of a host that this node does not visit`,
    );
  return read.request;
};

/** The results in the order of the items, a few under way at a time; the first error ends all. */
const inTurns = async <Item, Result>(
  items: readonly Item[],
  run: (item: Item) => Promise<Result>,
): Promise<readonly Result[]> => {
  const results: Result[] = [];
  const left = items.entries();
  const work = async () => {
    for (const [index, item] of left) results[index] = await run(item);
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, work));
  return results;
};

interface Place {
  readonly collected: readonly Collected[];
  readonly index: number;
  readonly seenBefore: readonly (number | undefined)[];
}

const itemOf = (one: Collected, { collected, index, seenBefore }: Place): CollectedItem => {
  if (one.outcome === "failed") return one;
  const first = collected.findIndex(
    (other) => other.outcome === "fetched" && other.bodyDigest === one.bodyDigest,
  );
  const { body, provenance, ...rest } = one;
  const seen = seenBefore[index];
  return {
    ...rest,
    size: body.length,
    ...(first < index ? { duplicateOf: collected[first]?.url ?? "" } : { body: bodyOf(body) }),
    provenance:
      seen === undefined
        ? provenance
        : { ...provenance, seenBeforeAt: new Date(seen).toISOString() },
  };
};
