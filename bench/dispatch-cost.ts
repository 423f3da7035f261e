/** What it costs to choose a node for a task and to note its load, by the number of nodes. */
import { seededRandom } from "../domain/chance.ts";
import { type Candidate, createNodeIndex } from "../domain/dispatch/node-index.ts";

export interface DispatchCost {
  readonly nodes: number;
  readonly nanosPerDecision: number;
}

const decisions = 100_000;
/** The nodes work through their tasks in this order of time: a decision's load is gone so much later. */
const underWay = 2_000;

export const dispatchCost = (nodes: number): DispatchCost => {
  const random = seededRandom(7);
  const index = createNodeIndex();
  const candidates = new Map<string, Candidate>();
  for (let n = 0; n < nodes; n++) {
    const nodeId = `node-${n}`;
    const candidate: Candidate = {
      nodeId,
      capabilities: {
        apps: [{ app: "noop", executionClass: "plain@1/js/any/1t/none" }],
        slots: 100,
        backlog: 4_000,
        cpus: 4,
        memoryMb: 4_096,
        platform: "linux-x64",
        version: "bench",
      },
      standing: random(),
      load: 0,
    };
    candidates.set(nodeId, candidate);
    index.put(candidate);
  }
  const need = {
    app: "noop",
    engine: "",
    pinnedClass: undefined,
    exact: false,
    exclude: new Set<string>(),
  };
  const load = (nodeId: string, change: number) => {
    const candidate = candidates.get(nodeId);
    if (!candidate) throw new Error(`a node ${nodeId} that nobody put there`);
    const changed = { ...candidate, load: candidate.load + change };
    candidates.set(nodeId, changed);
    index.put(changed);
  };
  const busy: string[] = [];
  const decide = (count: number) => {
    for (let n = 0; n < count; n++) {
      const choice = index.choose(need, random);
      if (!choice) throw new Error("no node has room");
      load(choice.nodeId, 1);
      const place = n % underWay;
      const done = busy[place];
      if (done !== undefined) load(done, -1);
      busy[place] = choice.nodeId;
    }
  };
  decide(decisions / 5);
  const startedAt = process.hrtime.bigint();
  decide(decisions);
  return { nodes, nanosPerDecision: Number(process.hrtime.bigint() - startedAt) / decisions };
};
