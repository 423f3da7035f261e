/** All active nodes at once, for answers that count over every one of them. */
import type { Instant, Millis } from "../domain/decider.ts";
import type { NodeView } from "../projections/views.ts";
import type { Position } from "../streams/event-store.ts";
import type { Gateway } from "./context.ts";
import { connection, pageOf } from "./sources.ts";

export interface ActiveNodes {
  readonly nodes: readonly NodeView[];
  /** The views that it was read from. */
  readonly position: Position;
  readonly at: Instant;
  /** Jobs of the network that had not ended. */
  readonly openJobs: number;
}

const known = new WeakMap<Gateway, ActiveNodes & { readonly until: Instant }>();

/**
 * It is good for a moment, and for so long that reading it takes a twentieth of the time at most:
 * with 10,000 nodes it takes a while.
 */
const freshMs: Millis = 250;
const share = 20;

/** As they are now, or were a moment ago; but not older than `atLeast`. */
export const activeNodes = (
  gateway: Gateway,
  atLeast: string | null | undefined = undefined,
): ActiveNodes => {
  const before = known.get(gateway);
  const at = gateway.clock.now();
  if (before && at < before.until && before.position >= BigInt(atLeast ?? -1)) return before;
  const { views } = gateway.projections;
  const position = gateway.projections.position();
  const nodes: NodeView[] = [];
  let after: string | null = null;
  do {
    const page: ReturnType<typeof pageAfter> = pageAfter(gateway, after);
    nodes.push(...page.nodes);
    after = page.pageInfo.hasNextPage ? page.pageInfo.endCursor : null;
  } while (after !== null);
  const openJobs = views.totals().jobs.open;
  const tookMs = gateway.clock.now() - at;
  const read = { nodes, position, at, openJobs, until: at + Math.max(freshMs, share * tookMs) };
  known.set(gateway, read);
  return read;
};

const pageAfter = ({ projections }: Gateway, after: string | null) =>
  connection(projections.views.nodes({ status: "active" }, pageOf({ first: 100, after })));
