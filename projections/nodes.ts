/** One row a node: who owns it, what it says it can do, whether it may work. */
import type { Instant } from "../domain/decider.ts";
import type { NodeId } from "../domain/ids.ts";
import type { NodeMeasured } from "../domain/node/node.ts";
import type { Projection, Step } from "./projection.ts";
import type { NodeRow } from "./views.ts";

type OfNode = { readonly nodeId: NodeId; readonly at: Instant };

const keysOf = ({ nodeId }: OfNode): readonly string[] => [nodeId];

const change = <Event extends OfNode>(
  changes: (event: Event) => Partial<NodeRow>,
): Step<NodeRow, Event> => ({
  keysOf,
  evolve: (row, event, { position }) =>
    row && { ...row, ...changes(event), changedAt: event.at, lastPosition: position },
});

const withSpeed = (
  speeds: NodeRow["speeds"],
  { app, executionClass, samples, mean, variance, benchmark, at }: NodeMeasured,
): NodeRow["speeds"] => [
  ...speeds.filter((one) => one.app !== app || one.executionClass !== executionClass),
  {
    ...{ app, executionClass, samples, mean, variance },
    measuredAt: at,
    jobHash: benchmark.jobHash,
  },
];

export const nodes: Projection<NodeRow> = {
  name: "nodes",
  version: 3,
  on: {
    NodeRegistered: {
      keysOf,
      evolve: (row, { nodeId, owner, capabilities, at }, { position }) => ({
        nodeId,
        owner,
        status: "active",
        reason: null,
        capabilities,
        speeds: [],
        drainFrom: null,
        registeredAt: at,
        changedAt: at,
        registeredPosition: row?.registeredPosition ?? position,
        lastPosition: position,
      }),
    },
    NodeCapabilitiesChanged: change(({ capabilities }) => ({ capabilities })),
    NodeSuspended: change(({ reason }) => ({ status: "suspended", reason })),
    NodeResumed: change(() => ({ status: "active", reason: null })),
    NodeDrainOrdered: change(({ from }) => ({ drainFrom: from })),
    NodeDrainLifted: change(() => ({ drainFrom: null })),
    NodeMeasured: {
      keysOf,
      evolve: (row, event, { position }) =>
        row && { ...row, speeds: withSpeed(row.speeds, event), lastPosition: position },
    },
    NodeConvicted: change(({ reason }) => ({ status: "expelled", reason })),
  },
};
