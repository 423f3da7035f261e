/** Who gets the vacant tasks of one job: looks into the index, weighs what it finds, sets room aside. */
import { drawSeed, type Random, seededRandom } from "../../domain/chance.ts";
import type { Millis } from "../../domain/decider.ts";
import { mayBackUp } from "../../domain/dispatch/backup.ts";
import { decide, lookedOf, type Terms } from "../../domain/dispatch/decide.ts";
import type { Need, NodeIndex, Slate } from "../../domain/dispatch/node-index.ts";
import type { Backup } from "../../domain/dispatch/reason.ts";
import { groupOf, type Roster } from "../../domain/dispatch/roster.ts";
import type { Sha256 } from "../../domain/hashing.ts";
import type { JobHash, NodeId } from "../../domain/ids.ts";
import type { TaskNumber } from "../../domain/job/hash.ts";
import {
  type Assignment,
  needsOneClass,
  type OpenJob,
  pinnedClass,
  type Vacancy,
  vacancies,
} from "../../domain/job/job.ts";
import { startReplicas } from "../../domain/verification/assurance.ts";
import { credibilityOf } from "../../domain/verification/credibility.ts";
import { runtimeOf } from "../../domain/verification/runtime.ts";
import type { Credibility } from "../credibility.ts";
import type { SealedJobs } from "./sealed-jobs.ts";

export interface Planner {
  /**
   * What a job gets now; none where no node with room may have it. "unreadable": no node that could
   * read the sealed job may have it, with room or without.
   */
  assignmentsFor(job: OpenJob, random: Random): readonly Assignment[] | "unreadable";
  /** A second node for a task that hangs; undefined where no idle node fits, or none was found. */
  backupFor(job: OpenJob, hung: Hung, random: Random): Assignment | undefined;
}

/** A task that takes far longer than the others of its batch. */
export interface Hung {
  readonly task: TaskNumber;
  /** Which replica the backup would be. */
  readonly spare: Vacancy;
  readonly backup: Backup;
}

export const createPlanner = ({
  roster,
  index,
  arbiters,
  isJudged,
  sealedJobs,
  steeredTo = () => undefined,
  survived,
  reservedOf,
  reserve,
  asOf,
  sha256,
  stopping,
}: {
  readonly roster: Roster;
  /** Of ordinary nodes. */
  readonly index: NodeIndex;
  readonly arbiters: NodeIndex;
  /** Whether an arbiter that is heard computes the app in this class, with room or without. */
  readonly isJudged: (app: string, executionClass: string) => boolean;
  readonly sealedJobs: Pick<SealedJobs, "readersOf">;
  /** The one node that a job is for, if it is for one. */
  readonly steeredTo?: (jobHash: JobHash) => NodeId | undefined;
  readonly survived: Credibility["survived"];
  /** Tasks given to the node that are not in the log yet. */
  readonly reservedOf: (nodeId: NodeId) => number;
  /** Sets room aside for a task that is about to be assigned. */
  readonly reserve: (nodeId: NodeId, jobHash: JobHash, replica: number) => void;
  /** Position of the last event that is known. */
  readonly asOf: () => string;
  readonly sha256: Sha256;
  /** Nodes that have announced to stop before a task with such a limit must be done there. */
  readonly stopping: (wallMs: Millis) => Iterable<NodeId>;
}): Planner => {
  const termsOf = (app: string, { nodes }: Slate): readonly Terms[] => {
    const terms: Terms[] = [];
    for (const { nodeId, executionClass } of nodes) {
      const node = roster.node(nodeId);
      if (!node) continue;
      terms.push({
        nodeId,
        executionClass,
        standing: roster.standing(node),
        held: node.held.size,
        reserved: reservedOf(nodeId),
        slots: node.capabilities.slots,
        turnaroundMs: roster.turnaroundMs(node, app),
      });
    }
    return terms;
  };

  /** One result alone where the node's word is good enough, else two. */
  const startWith = (assurance: "standard" | "high", nodeId: NodeId, runtime: string): 1 | 2 => {
    const { adversaryShare, [assurance]: sure } = roster.policy.verification;
    return startReplicas(credibilityOf(survived(nodeId, runtime), adversaryShare), sure.epsilon);
  };

  const addGroup = (groups: Set<string>, nodeId: NodeId): void => {
    const node = roster.node(nodeId);
    if (node) groups.add(groupOf(node, roster.policy));
  };

  /** Of those that have the job. */
  const groupsOf = ({ nodes }: OpenJob): Set<string> => {
    const groups = new Set<string>();
    for (const nodeId of nodes) addGroup(groups, nodeId);
    return groups;
  };

  const isExact = ({ spec }: OpenJob): boolean =>
    needsOneClass(spec) && (spec.quorum > 1 || spec.assurance !== undefined);

  return {
    backupFor: (job, { task, spare, backup }, random) => {
      const { jobHash, spec } = job;
      const { replica } = spare;
      const seed = drawSeed(random);
      const excludeGroups = groupsOf(job);
      const need: Need = {
        app: spec.app,
        engine: spec.engine,
        pinnedClass: pinnedClass(job),
        exact: isExact(job),
        exclude: new Set([...job.nodes, ...job.tried, ...stopping(spec.wallMs)]),
        excludeGroups,
        explorationShare: 0,
        minSpeed: spec.minSpeed,
      };
      const draws = seededRandom(seed);
      const slate = spec.sealed
        ? index.lookAmong(sealedJobs.readersOf(job), need, draws)
        : index.look(need, draws);
      if (slate === undefined || slate === "no-room") return undefined;
      const [ranMs] = backup;
      const fit = termsOf(spec.app, slate).filter((terms) =>
        mayBackUp(lookedOf(terms), ranMs, roster.policy),
      );
      if (fit.length === 0) return undefined;
      const { candidates } = slate;
      const about = { jobHash, replica, seed, explores: false, candidates, asOf: asOf(), backup };
      const { nodeId, executionClass, reason } = decide(about, fit, roster.policy, sha256);
      reserve(nodeId, jobHash, replica);
      const backs = { replica: task.replica, attempt: task.attempt };
      return { replica, nodeId, executionClass, reason, backs };
    },

    assignmentsFor: (job, random) => {
      const { jobHash, spec } = job;
      const { app, engine, sealed } = spec;
      const exact = isExact(job);
      const readers = sealed && sealedJobs.readersOf(job);
      let vacant = vacancies(job);
      const exclude = new Set(job.nodes);
      const excludeGroups = groupsOf(job);
      for (const nodeId of stopping(spec.wallMs)) exclude.add(nodeId);
      const assignments: Assignment[] = [];
      let pinned = pinnedClass(job);

      const only = steeredTo(jobHash);
      const look = (by: "arbiter" | undefined, need: Need, draws: Random) => {
        const among = by === "arbiter" ? arbiters : index;
        if (only !== undefined) return among.lookAmong([only], need, draws) ?? "no-room";
        return readers
          ? among.lookAmong(readers, need, draws)
          : (among.look(need, draws) ?? "no-room");
      };

      let { wanted } = job;
      for (let place = 0; place < vacant.length; place++) {
        const { replica, by } = vacant[place] as Vacancy;
        const seed = drawSeed(random);
        const need: Need = {
          app,
          engine,
          pinnedClass: pinned,
          exact,
          exclude,
          excludeGroups,
          replicas: vacant.length - assignments.length,
          explorationShare: roster.policy.dispatch.explorationShare,
          // Arbiters are not measured.
          ...(by === "arbiter" ? {} : { minSpeed: spec.minSpeed }),
          // Where no arbiter computes, an audit would wait for ever.
          ...(spec.assurance === undefined ? {} : { prefers: isJudged }),
        };
        let slate: ReturnType<typeof look> = "no-room";
        // Whose task of this job came to nothing gets another only when no fresh node can take it.
        if (job.tried.length > 0) {
          const fresh = { ...need, exclude: new Set([...exclude, ...job.tried]) };
          slate = look(by, fresh, seededRandom(seed));
        }
        if (typeof slate !== "object") slate = look(by, need, seededRandom(seed));
        if (slate === undefined && assignments.length === 0) return "unreadable";
        if (slate === undefined || slate === "no-room") {
          // New replicas are assigned in order, without a gap.
          if (replica < job.tasks.length) continue;
          break;
        }
        const { explores, candidates } = slate;
        const setting = { jobHash, replica, seed, explores, candidates, asOf: asOf() };
        const decision = decide(setting, termsOf(app, slate), roster.policy, sha256);
        const { nodeId, executionClass, reason } = decision;
        reserve(nodeId, jobHash, replica);
        exclude.add(nodeId);
        addGroup(excludeGroups, nodeId);
        if (exact) pinned ??= executionClass;
        const role = by === undefined ? {} : { role: by };
        assignments.push({ replica, nodeId, executionClass, reason, ...role });
        if (spec.assurance !== undefined && wanted === 1 && job.draws.size === 0) {
          wanted = startWith(spec.assurance, nodeId, runtimeOf(app, executionClass));
          if (wanted > 1) vacant = vacancies({ ...job, wanted });
        }
      }
      return wanted > job.wanted
        ? assignments.map((assignment) => ({ ...assignment, wanted }))
        : assignments;
    },
  };
};
