/**
 * Whom a sealed job could be wrapped for: nodes that live, compute its app, and whose owner has an
 * encryption key. Any of them may be given the job, so the choice is by chance, weighted to standing.
 * A job with an assurance may also need an arbiter, and which job does nobody knows before: so arbiters
 * are among the candidates, for all such jobs.
 */

import { isCnctId } from "../domain/identity/inception.ts";
import { encryptionKeyId, type PublicKey } from "../domain/identity/keys.ts";
import type { NodeId } from "../domain/ids.ts";
import { arbitersPerJobMax } from "../domain/job/spec.ts";
import type { ReputationParameters } from "../domain/reputation/parameters.ts";
import { standing } from "../domain/reputation/standing.ts";
import type { NodeView } from "../projections/views.ts";
import { type Gateway, lifeOf } from "./context.ts";
import { sha256 } from "./submission.ts";

export interface Candidate {
  readonly nodeId: NodeId;
  readonly owner: string;
  readonly encryptionKey: PublicKey;
  readonly keyId: string;
  /** In which it computes the app. */
  readonly executionClass: string;
  /** Gets the job only if it is audited, or its results differ. */
  readonly arbiter: boolean;
}

export const candidatesMax = 32;
/** Live nodes that one request looks at. */
const lookedAtMax = 1_000;
/** Arbiters in one answer: one more than a job may need. */
const arbitersWanted = arbitersPerJobMax + 1;
/** Nodes of one arbiter that are looked at. */
const nodesOfArbiter = 20;

/**
 * At most `count` candidates, one for each key. Results of a sealed job must come from one execution
 * class, so they are of one class as far as it has so many; the class is drawn by its number of nodes.
 *
 * @param random - Draws, 0 to 1.
 */
export const candidatesFor = async (
  gateway: Gateway,
  wanted: {
    readonly app: string;
    readonly engine: string;
    readonly count: number;
    /** For a job with an assurance: with arbiters, as part of the count. */
    readonly assured?: boolean;
  },
  random: () => number = Math.random,
): Promise<readonly Candidate[]> => {
  const { reputation, verification } = gateway.projections.views.policy();
  const arbiters = new Set(verification.arbiters);
  const offerOf = (node: NodeView): readonly Offer[] => {
    const executionClass = classOf(node, wanted);
    return executionClass === undefined
      ? []
      : [{ node, executionClass, key: weighted(node, reputation, random) }];
  };
  const offers = drawn([...gateway.live().keys()], lookedAtMax, random).flatMap((nodeId) => {
    const node = lifeOf(gateway, nodeId) ? gateway.projections.views.node(nodeId) : undefined;
    return node && !arbiters.has(node.owner) ? offerOf(node) : [];
  });
  const judges = wanted.assured
    ? [...arbiters].flatMap((owner) => {
        const filter = { owner, status: "active" } as const;
        const page = gateway.projections.views.nodes(filter, { first: nodesOfArbiter });
        if (!page.ok) throw new Error(`the arbiters' nodes were refused: ${page.reason}`);
        const live = page.edges.filter(({ node }) => lifeOf(gateway, node.nodeId));
        return live.flatMap(({ node }) => offerOf(node));
      })
    : [];
  // What no arbiter computes could not be audited.
  const judged = new Set(judges.map(({ executionClass }) => executionClass));
  const fit = offers.filter(({ executionClass }) => judged.has(executionClass));
  const from = fit.length > 0 ? fit : offers;
  const first = from[Math.floor(random() * from.length)]?.executionClass;
  const inOrder = (a: Offer, b: Offer): number =>
    Number(b.executionClass === first) - Number(a.executionClass === first) || b.key - a.key;
  const ofArbiters = await keyed(gateway, judges.sort(inOrder), {
    count: Math.min(arbitersWanted, wanted.count - 1),
    arbiter: true,
  });
  const count = wanted.count - ofArbiters.length;
  const others = await keyed(gateway, offers.sort(inOrder), { count, arbiter: false });
  return [...others, ...ofArbiters];
};

interface Offer {
  readonly node: NodeView;
  readonly executionClass: string;
  /** Drawn by chance, weighted. */
  readonly key: number;
}

/** The first of these whose owners have a key, one for each key. */
const keyed = async (
  gateway: Gateway,
  offers: readonly Offer[],
  { count, arbiter }: { readonly count: number; readonly arbiter: boolean },
): Promise<readonly Candidate[]> => {
  const candidates = new Map<string, Candidate>();
  for (const { node, executionClass } of offers) {
    if (candidates.size >= count) break;
    const { nodeId, owner } = node;
    const identity = await gateway.access.identities.find(owner);
    const encryptionKey = identity?.status === "active" && identity.encryptionKeys.at(-1);
    if (!encryptionKey || candidates.has(encryptionKey)) continue;
    const keyId = encryptionKeyId(encryptionKey, sha256);
    const whose = { nodeId, owner, encryptionKey, keyId };
    candidates.set(encryptionKey, { ...whose, executionClass, arbiter });
  }
  return [...candidates.values()];
};

/** The class in which the node would compute it; undefined if it would not. */
const classOf = (
  { status, owner, capabilities }: NodeView,
  { app, engine }: { readonly app: string; readonly engine: string },
): string | undefined =>
  status === "active" && isCnctId(owner)
    ? capabilities.apps.find(
        (offer) =>
          offer.app === app &&
          offer.executionClass.startsWith(engine) &&
          !offer.executionClass.includes("unmeasured"),
      )?.executionClass
    : undefined;

/**
 * Sorting by u^(1/weight) draws without replacement in proportion to the weights.
 *
 * @see Efraimidis and Spirakis, "Weighted random sampling with a reservoir" (2006).
 */
const weighted = (
  { track }: NodeView,
  parameters: ReputationParameters,
  random: () => number,
): number => random() ** (1 / Math.max(0.05, standing(track, parameters)));

/** At most so many of them, by chance; all of them in their order if they are no more. */
const drawn = <Item>(items: Item[], most: number, random: () => number): readonly Item[] => {
  if (items.length <= most) return items;
  for (let i = 0; i < most; i++) {
    const j = i + Math.floor(random() * (items.length - i));
    [items[i], items[j]] = [items[j] as Item, items[i] as Item];
  }
  return items.slice(0, most);
};
