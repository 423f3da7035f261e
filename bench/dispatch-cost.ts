/** What it costs to choose a node for a task, with the reason, and to note its load, by the number of nodes. */
import { hash } from "node:crypto";
import { drawSeed, seededRandom } from "../domain/chance.ts";
import { decide, type Terms } from "../domain/dispatch/decide.ts";
import { type Candidate, createNodeIndex, type Need } from "../domain/dispatch/node-index.ts";
import type { Sha256 } from "../domain/hashing.ts";
import { policyDefaults } from "../domain/policy/policy.ts";

export interface DispatchCost {
  readonly nodes: number;
  /** Of CPU time. */
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
      group: nodeId,
      isNew: n % 10 === 0,
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
  const sha256: Sha256 = (bytes) => hash("sha256", bytes);
  const jobHash = sha256("a job");
  const need: Need = {
    app: "noop",
    engine: "",
    pinnedClass: undefined,
    exact: false,
    exclude: new Set<string>(),
    excludeGroups: new Set<string>(),
    explorationShare: policyDefaults.dispatch.explorationShare,
  };
  const load = (nodeId: string, change: number) => {
    const candidate = candidates.get(nodeId);
    if (!candidate) throw new Error(`a node ${nodeId} that nobody put there`);
    const changed = { ...candidate, load: candidate.load + change };
    candidates.set(nodeId, changed);
    index.put(changed);
  };
  const busy: string[] = [];
  const run = (count: number) => {
    for (let n = 0; n < count; n++) {
      const seed = drawSeed(random);
      const slate = index.look(need, seededRandom(seed));
      if (!slate) throw new Error("no node has room");
      const { explores, candidates: lookedAt } = slate;
      const terms = slate.nodes.map(({ nodeId, executionClass }): Terms => {
        const { standing, load: held } = candidates.get(nodeId) ?? { standing: 0, load: 0 };
        return { nodeId, executionClass, standing, held, reserved: 0, slots: 100, turnaroundMs: 9 };
      });
      const setting = { jobHash, replica: 0, seed, explores, candidates: lookedAt, asOf: `${n}` };
      const choice = decide(setting, terms, policyDefaults, sha256);
      load(choice.nodeId, 1);
      const place = n % underWay;
      const done = busy[place];
      if (done !== undefined) load(done, -1);
      busy[place] = choice.nodeId;
    }
  };
  run(decisions / 5);
  // A decision waits for nothing: its CPU time is what it costs, whoever else is on the machine.
  const before = process.cpuUsage();
  run(decisions);
  const { user, system } = process.cpuUsage(before);
  return { nodes, nanosPerDecision: ((user + system) * 1_000) / decisions };
};
