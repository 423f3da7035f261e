/** Finds in a log the assignments that are to be looked at, each with what its job was then. */
import type { Instant } from "../decider.ts";
import type { JobHash, NodeId } from "../ids.ts";
import type { JobEvent, TaskAssigned } from "../job/events.ts";
import { type Job, job as jobDecider, pinnedClass } from "../job/job.ts";
import { type NodeEvent, testsOpenedBy } from "../node/node.ts";
import { isOfNode } from "./roster.ts";

/** An assignment with what is needed of its job to look at it again. */
export interface Gathered {
  readonly task: TaskAssigned;
  /** Where it stands in the log. */
  readonly position: bigint;
  readonly app: string;
  /** The start of an execution class; empty for any. */
  readonly engine: string;
  /** The one class that would do; undefined for any. */
  readonly pinnedClass: string | undefined;
  /** What a node must have been measured at; undefined for anything. */
  readonly minSpeed: number | undefined;
  /** Nodes that had the job already, and must not be of the same owner. */
  readonly nodes: readonly NodeId[];
  /** The job was a test of its node: meant for it, and for nobody else. */
  readonly isTest?: true;
  /** When the task was assigned for which this is a backup; undefined if it is none. */
  readonly backedSince: Instant | undefined;
}

export interface Gatherer {
  /** Hears what stands in the streams of jobs, and of nodes: those say later what was a test. */
  hear(event: JobEvent | NodeEvent, position: bigint): void;
  gathered(): readonly Gathered[];
}

/** @param wants - Whether an assignment of this job is to be looked at; all if left out. */
export const gatherAssignments = (wants: (jobHash: JobHash) => boolean = () => true): Gatherer => {
  const found: Gathered[] = [];
  const jobs = new Map<JobHash, Job>();
  const tests = new Set<JobHash>();
  return {
    hear: (event, position) => {
      if (isOfNode(event)) {
        for (const jobHash of testsOpenedBy(event)) tests.add(jobHash);
        return;
      }
      if (!wants(event.jobHash)) return;
      const { jobHash } = event;
      const before = jobs.get(jobHash) ?? jobDecider.initial;
      if (event.type === "TaskAssigned" && before.status === "open") {
        const { nodes, spec, tasks } = before;
        const backed = event.backs === undefined ? undefined : tasks[event.backs];
        const backedSince = backed?.status === "assigned" ? backed.assignedAt : undefined;
        const { app, engine, minSpeed } = spec;
        const need = { app, engine, minSpeed, pinnedClass: pinnedClass(before) };
        found.push({ task: event, position, ...need, nodes, backedSince });
      }
      jobs.set(jobHash, jobDecider.evolve(before, event));
    },
    gathered: () =>
      tests.size === 0
        ? found
        : found.map((one) => (tests.has(one.task.jobHash) ? { ...one, isTest: true } : one)),
  };
};
