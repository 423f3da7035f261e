/** The cast and the script of a run, drawn from its seed. */
import type { Random } from "../../domain/chance.ts";
import type { Millis } from "../../domain/decider.ts";
import { assuranceDefaults, type JobSpec } from "../../domain/job/spec.ts";
import type { BlobHost } from "./blobs.ts";
import type { JobPlan } from "./clients.ts";
import { between, drawFaults, type Faults, pick, wholeBetween } from "./faults.ts";
import type { NodePlan } from "./nodes.ts";
import { app, type Character, classes, encodePuzzle } from "./work.ts";

export interface Plan {
  readonly faults: Faults;
  readonly nodes: readonly NodePlan[];
  readonly jobs: readonly JobPlan[];
  /** Submitted after the healing: these must be completed. */
  readonly lateJobs: readonly JobPlan[];
  /** How long things go wrong. */
  readonly stormMs: Millis;
  readonly skewMs: () => Millis;
}

export const drawPlan = (random: Random, blobs: BlobHost): Plan => {
  const faults = drawFaults(random);
  const skewMax = random() < 0.5 ? 0 : between(random, 1, 2_000);
  const skewMs = (): Millis => Math.round((random() * 2 - 1) * skewMax);
  const stormMs = between(random, 20_000, 60_000);
  const villains = random() < 0.5 ? 0 : random() * 0.4;
  // Not in each seed: to make and sign with keys costs more than all the rest of a run.
  const signing = random() < 0.3;
  // Enough honest nodes in one class that a job after the healing can be completed.
  const honest = wholeBetween(random, 4, 6);
  const others = wholeBetween(random, 0, 4);
  const names = ["ada", "bob", "cyd", "dan", "eve", "fay", "gus", "hal", "ida", "jon"];

  const nodes = names.slice(0, honest + others).map((name, i): NodePlan => {
    const bad = i >= honest && random() < villains * 2;
    const character: Character = bad
      ? pick(random, ["liar", "colluder", "colluder", "boaster", "refuser"])
      : "honest";
    const own = i < honest || random() < 0.5 ? [...classes] : [pick(random, classes)];
    return {
      nodeId: `${name}-node`,
      character,
      classes: own,
      slots: wholeBetween(random, 1, 3),
      backlog: wholeBetween(random, 0, 4),
      slowness: random() < 0.8 ? 1 : between(random, 1, 6),
      signs: signing && random() < 0.6,
      skewMs: skewMs(),
    };
  });

  // Not in each seed, either: then some jobs have an assurance.
  const assured = random() < 0.4;
  const arbiters = ["abe", "bea", "cal"].map(
    (name): NodePlan => ({
      nodeId: `${name}-arbiter`,
      character: "honest",
      classes: [...classes],
      slots: 2,
      backlog: 2,
      slowness: 1,
      signs: false,
      skewMs: skewMs(),
      arbiter: true,
    }),
  );

  let n = 0;
  const drawJob = (submitAfterMs: Millis): JobPlan => {
    n++;
    const costMs = Math.round(between(random, 5, 2_500));
    const puzzle = { n, costMs, bad: random() < 0.06 };
    const quorum = wholeBetween(random, 1, 3);
    const isPoor = random() < 0.06;
    const assurance = pick(random, ["standard", "high"] as const);
    const spec: JobSpec = {
      version: 1,
      client: isPoor ? "client:poor" : pick(random, ["client:ann", "client:ben", "client:cat"]),
      app,
      params: {},
      inputs: { data: blobs.keep(encodePuzzle(puzzle)) },
      comparator: random() < 0.5 ? { kind: "exact" } : { kind: "text" },
      quorum,
      replicasMax: quorum + wholeBetween(random, 0, 2),
      price: isPoor ? "40000" : String(wholeBetween(random, 0, 300)),
      engine: random() < 0.8 ? "" : pick(random, ["sim-one", "sim-two"]),
      wallMs: Math.round(costMs * between(random, 1.2, 3) + 500),
      deadlineMs: Math.round(
        random() < 0.15 ? between(random, 1_000, 8_000) : between(random, 60_000, 240_000),
      ),
      priority: wholeBetween(random, 1, 5),
      nonce: String(n),
      ...(random() < 0.4 ? { commit: true } : {}),
      ...(assured && random() < 0.5 ? { assurance, ...assuranceDefaults(assurance) } : {}),
    };
    const cancelAfterMs = random() < 0.08 ? between(random, 0, 6_000) : undefined;
    const repeats = random() < 0.15 ? wholeBetween(random, 1, 2) : 0;
    return { spec, puzzle, submitAfterMs, cancelAfterMs, repeats };
  };

  const jobs = Array.from({ length: wholeBetween(random, 15, 40) }, () =>
    drawJob(random() * stormMs),
  );
  const lateJobs = Array.from({ length: 4 }, (): JobPlan => {
    const { spec, puzzle } = drawJob(0);
    const plain = { ...puzzle, bad: false, costMs: 200 };
    const inputs = { data: blobs.keep(encodePuzzle(plain)) };
    const late = {
      client: "client:dot",
      inputs,
      price: "10",
      replicasMax: spec.assurance ? spec.replicasMax : spec.quorum + 2,
    };
    const calm = { ...spec, ...late, wallMs: 5_000, deadlineMs: 120_000 };
    const never = { cancelAfterMs: undefined, repeats: 0 };
    return { spec: calm, puzzle: plain, submitAfterMs: 0, ...never };
  });
  return {
    faults,
    nodes: assured ? [...nodes, ...arbiters] : nodes,
    jobs,
    lateJobs,
    stormMs,
    skewMs,
  };
};
