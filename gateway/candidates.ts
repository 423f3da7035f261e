/**
 * Whom a sealed job could be wrapped for: nodes that live, compute its app, and whose owner has an
 * encryption key. Any of them may be given the job, so the choice is by chance, weighted to standing.
 */

import { isCnctId } from "../domain/identity/inception.ts";
import { encryptionKeyId, type PublicKey } from "../domain/identity/keys.ts";
import type { NodeId } from "../domain/ids.ts";
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
}

export const candidatesMax = 32;
/** Live nodes that one request looks at. */
const lookedAtMax = 1_000;

/**
 * At most `count` candidates, one for each key. Results of a sealed job must come from one execution
 * class, so they are of one class as far as it has so many; the class is drawn by its number of nodes.
 *
 * @param random - Draws, 0 to 1.
 */
export const candidatesFor = async (
  gateway: Gateway,
  wanted: { readonly app: string; readonly engine: string; readonly count: number },
  random: () => number = Math.random,
): Promise<readonly Candidate[]> => {
  const parameters = gateway.projections.views.policy().reputation;
  const offers = drawn([...gateway.live().keys()], lookedAtMax, random).flatMap((nodeId) => {
    const node = lifeOf(gateway, nodeId) ? gateway.projections.views.node(nodeId) : undefined;
    const executionClass = node && classOf(node, wanted);
    if (!node || executionClass === undefined) return [];
    return [{ node, executionClass, key: weighted(node, parameters, random) }];
  });
  const first = offers[Math.floor(random() * offers.length)]?.executionClass;
  offers.sort(
    (a, b) =>
      Number(b.executionClass === first) - Number(a.executionClass === first) || b.key - a.key,
  );
  const candidates = new Map<string, Candidate>();
  for (const { node, executionClass } of offers) {
    if (candidates.size === wanted.count) break;
    const { nodeId, owner } = node;
    const identity = await gateway.access.identities.find(owner);
    const encryptionKey = identity?.status === "active" && identity.encryptionKeys.at(-1);
    if (!encryptionKey || candidates.has(encryptionKey)) continue;
    const keyId = encryptionKeyId(encryptionKey, sha256);
    candidates.set(encryptionKey, { nodeId, owner, encryptionKey, keyId, executionClass });
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
