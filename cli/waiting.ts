/** Why a job that is open is not done yet, as far as the gateway shows it. */

import type { CnctClient, JobView, NodeView } from "../sdk/index.ts";

/** What a job asks of the nodes that compute it. */
export interface Demand {
  readonly app: string;
  /** The beginning of an execution class; empty for any. */
  readonly engine: string;
  /** Results that are compared byte for byte come from one execution class. */
  readonly oneClass: boolean;
}

/** Live nodes that may be given such a job, at most 100. */
export const nodesFor = async (
  client: CnctClient,
  { app, engine }: Demand,
): Promise<readonly NodeView[]> => {
  const filter = { app, live: true, status: "ACTIVE" } as const;
  const withEngine = engine === "" ? filter : { ...filter, executionClass: engine };
  return (await client.nodes({ first: 100, filter: withEngine })).nodes;
};

/** Those of the nodes that can compute the job together: of the largest class if it must be one. */
export const usable = (
  nodes: readonly NodeView[],
  { app, engine, oneClass }: Demand,
): readonly NodeView[] => {
  if (!oneClass) return nodes;
  const classes = new Map<string, Set<NodeView>>();
  for (const node of nodes)
    for (const offer of node.capabilities.apps)
      if (offer.app === app && offer.executionClass.startsWith(engine))
        classes.set(
          offer.executionClass,
          (classes.get(offer.executionClass) ?? new Set()).add(node),
        );
  const [largest] = [...classes.values()].sort((a, b) => b.size - a.size);
  return [...(largest ?? [])];
};

export const demandOf = ({ app, engine, spec }: JobView): Demand => ({
  app,
  engine,
  oneClass: (spec as { readonly comparator?: { kind?: unknown } }).comparator?.kind === "exact",
});

/** A sentence about an open job; `live` are the nodes that `nodesFor` finds. */
export const whyOpen = (job: JobView, live: readonly NodeView[]): string => {
  if (job.escrow === null) return "it waits until its points are set aside";
  const tasksThat = (status: string) => job.tasks.filter((task) => task.status === status);
  const computing = tasksThat("ASSIGNED");
  const bound = tasksThat("COMMITTED").length;
  const received = tasksThat("RECEIVED").length;
  const isShort = job.quorum - received - bound - computing.length;
  const needed =
    job.disagreement !== null && computing.length === 0 ? Math.max(1, isShort) : isShort;
  const names = computing.map(({ nodeId }) => nodeId).join(", ");
  if (needed <= 0 && computing.length > 0) return `computed now by ${names}`;
  if (needed <= 0)
    return bound > 0 ? "its results are being shown" : "its results are being compared";

  const tried = new Set(job.tasks.map(({ nodeId }) => nodeId));
  const fresh = usable(live, demandOf(job)).filter(({ id }) => !tried.has(id));
  const also = names === "" ? "" : `computed now by ${names}; `;
  const what = `${job.app}${job.engine === "" ? "" : ` on ${job.engine}`}`;
  if (fresh.length < needed)
    return `${also}it waits for nodes: ${needed} more must offer ${what}, and ${fresh.length} of the live ones that have not tried it do`;
  const isBusy = ({ held, capabilities: { slots, backlog } }: NodeView) =>
    (held ?? 0) >= slots + backlog;
  const free = fresh.filter((node) => !isBusy(node)).length;
  if (free < needed)
    return `${also}it waits its turn: ${fresh.length - free} of the ${fresh.length} live nodes that offer ${what} are busy`;
  return `${also}it is about to be given to nodes`;
};
