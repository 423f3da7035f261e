/** Who could compute an app now: its nodes and its arbiters, with what is known of each. */
import type { Policy } from "../domain/policy/policy.ts";
import { surelyAtLeast } from "../domain/probe/speed.ts";
import type { Market, Offer } from "../domain/quote/offers.ts";
import { runtimeOf } from "../domain/verification/runtime.ts";
import { type ActiveNodes, activeNodes } from "./active-nodes.ts";
import { type Gateway, lifeOf } from "./context.ts";

/** Of one reading of the nodes, by app and version of the policy. */
const known = new WeakMap<ActiveNodes, Map<string, Market>>();

export const marketOf = (
  gateway: Gateway,
  app: string,
  policy: Policy,
  atLeast?: string | null,
): Market => {
  const active = activeNodes(gateway, atLeast);
  const markets = known.get(active) ?? new Map<string, Market>();
  known.set(active, markets);
  const key = `${policy.version} ${app}`;
  const before = markets.get(key);
  if (before) return before;
  const arbiterOwners = new Set(policy.verification.arbiters);
  const nodes: Offer[] = [];
  const arbiters: Offer[] = [];
  for (const { nodeId, owner, capabilities, speeds, track } of active.nodes) {
    const offers = capabilities.apps.filter((offer) => offer.app === app);
    if (offers.length === 0) continue;
    const live = lifeOf(gateway, nodeId) !== undefined;
    const turnaroundMs = track.turnaround[app]?.meanMs ?? null;
    const { slots } = capabilities;
    const speedOf = (executionClass: string): number | null => {
      const isIt = (one: (typeof speeds)[number]) =>
        one.app === app && one.executionClass === executionClass;
      const speed = speeds.find(isIt);
      return speed ? (surelyAtLeast(speed) ?? null) : null;
    };
    for (const { executionClass } of offers)
      (arbiterOwners.has(owner) ? arbiters : nodes).push({
        ...{ nodeId, owner, executionClass, live, slots, turnaroundMs },
        speed: speedOf(executionClass),
        ...gateway.recordOf(nodeId, runtimeOf(app, executionClass)),
      });
  }
  const market = { nodes, arbiters };
  markets.set(key, market);
  return market;
};
