/**
 * Where the assignment of each task that is under way stands in the log: whether a signing key was
 * good for a task is decided by that place.
 */
import type { JobHash } from "../../domain/ids.ts";
import type { Position } from "../../streams/event-store.ts";
import type { TaskKey } from "../../streams/task-queue.ts";
import type { Fact } from "../facts.ts";

export interface Assignments {
  hear(fact: Fact): void;
  /** Of this very attempt; undefined when it is over. */
  positionOf(task: TaskKey): Position | undefined;
}

export const createAssignments = (): Assignments => {
  const jobs = new Map<JobHash, Map<number, { attempt: number; position: Position }>>();
  return {
    hear: ({ event, position }) => {
      switch (event.type) {
        case "TaskAssigned": {
          const { jobHash, replica, attempt } = event;
          const tasks = jobs.get(jobHash) ?? new Map();
          jobs.set(jobHash, tasks.set(replica, { attempt, position }));
          return;
        }
        case "JobCompleted":
        case "JobFailed":
        case "JobCancelled":
        case "JobRejected":
          jobs.delete(event.jobHash);
      }
    },
    positionOf: ({ jobHash, replica, attempt }) => {
      const task = jobs.get(jobHash)?.get(replica);
      return task?.attempt === attempt ? task.position : undefined;
    },
  };
};
