/** Bugs that somebody might well write, each planted into one part of the network. */
import type { Job, JobCommand, job } from "../../domain/job/job.ts";
import { job as rules } from "../../domain/job/job.ts";
import { commitOf } from "../../domain/receipts/commit.ts";
import type { JobBook } from "../../services/job-book.ts";
import type { EventStore } from "../../streams/event-store.ts";
import { honest, type Sabotage } from "./sabotage.ts";
import { freshIds } from "./world.ts";

/** The validator takes what comes for a replica as if it came from whoever has it now. */
const withoutFence: typeof job = {
  ...rules,
  decide: (command, state) => rules.decide(unfenced(command, state), state),
};

const unfenced = (command: JobCommand, state: Job): JobCommand => {
  if (command.type !== "RecordResult" || state.status !== "open") return command;
  const task = state.tasks[command.task.replica];
  if (task?.status !== "assigned") return command;
  const { attempt, nodeId, executionClass } = task;
  return { ...command, executionClass, task: { ...command.task, attempt, nodeId } };
};

/** One result is as good as many. */
const withoutQuorum: typeof job = {
  ...rules,
  decide: (command, state) =>
    state.status === "open" && command.type === "JudgeResults"
      ? rules.decide(command, { ...state, spec: { ...state.spec, quorum: 1 } })
      : rules.decide(command, state),
};

/** Whoever is asked, and whoever is not, may show a result at any time. */
const withoutPatience: typeof job = {
  ...rules,
  decide: (command, state) =>
    state.status === "open" && command.type === "RecordResult"
      ? rules.decide(command, { ...state, revealBy: state.deadlineAt })
      : rules.decide(command, state),
};

/** What a node is bound to is not looked at: another salt than its own is as good. */
const withoutCommits: typeof job = {
  ...rules,
  decide: (command, state) => {
    if (command.type !== "RecordResult" || state.status !== "open")
      return rules.decide(command, state);
    const { task: ref, salt, resultTag, receipt } = command;
    const task = state.tasks[ref.replica];
    if (task?.status !== "committed" || salt === undefined || resultTag === undefined)
      return rules.decide(command, state);
    const swapped = salt.split("").reverse().join("");
    const worker = receipt?.worker ?? ref.nodeId;
    const commit = commitOf({ ...ref, worker, resultTag, salt: swapped });
    const tasks = state.tasks.with(ref.replica, { ...task, commit });
    return rules.decide({ ...command, salt: swapped }, { ...state, tasks });
  },
};

/** A validator that asks each node as soon as it is bound. */
const eager = (book: JobBook): JobBook => ({
  ...book,
  get: (jobHash) => {
    const state = book.get(jobHash);
    return state.status === "open" ? { ...state, revealBy: state.deadlineAt } : state;
  },
});

/** No answer means not written, so it is written again, under new ids, wherever the stream stands. */
const writesAgain = (store: EventStore, newId: () => string): EventStore => ({
  ...store,
  append: async (stream, events, expected) => {
    try {
      return await store.append(stream, events, expected);
    } catch {
      const anew = events.map((event) => ({ ...event, id: newId() }));
      return store.append(stream, anew, "any");
    }
  },
});

export const planted: Readonly<Record<string, Sabotage>> = {
  "results of fenced attempts count": {
    ...honest,
    rules: (service) => (service === "validator" ? { decider: withoutFence } : {}),
  },

  "one result makes a quorum": {
    ...honest,
    rules: (service) => (service === "validator" ? { decider: withoutQuorum } : {}),
    // It also judges as soon as one is there.
    book: (service, book) =>
      service === "validator"
        ? {
            ...book,
            get: (jobHash) => {
              const state = book.get(jobHash);
              if (state.status !== "open") return state;
              return { ...state, spec: { ...state.spec, quorum: 1 } };
            },
          }
        : book,
  },

  "results are shown before all nodes are bound": {
    ...honest,
    rules: (service) => (service === "validator" ? { decider: withoutPatience } : {}),
    book: (service, book) => (service === "validator" ? eager(book) : book),
  },

  "a result opens any commit": {
    ...honest,
    rules: (service) => (service === "validator" ? { decider: withoutCommits } : {}),
  },

  "results that are bound are never asked for": {
    ...honest,
    desk: (service, desk) =>
      service === "validator" ? { ...desk, requestReveals: () => undefined } : desk,
  },

  "a ledger entry without an answer is written twice": {
    ...honest,
    store: (service, store, { random }) => {
      const ids = freshIds(random);
      return service === "rewards" ? writesAgain(store, () => ids.next()) : store;
    },
  },

  "the escrow of a failed job is not released": {
    ...honest,
    listener: (service, listener) =>
      service === "rewards"
        ? {
            ...listener,
            hear: (fact) => {
              if (fact.event.type !== "JobFailed") listener.hear(fact);
            },
          }
        : listener,
  },

  "tasks are sent before they are facts": {
    ...honest,
    dispatcherBook: (book, desk) => ({
      ...book,
      handle: async (jobHash, commands) => {
        for (const command of commands) {
          const state = book.get(jobHash);
          if (command.type !== "AssignTasks" || state.status !== "open") continue;
          const { app, params, inputs, wallMs } = state.spec;
          for (const { replica, nodeId, executionClass } of command.assignments) {
            const attempt = (state.tasks[replica]?.attempt ?? 0) + 1;
            const what = { app, params, inputs, executionClass, wallMs };
            const task = { jobHash, replica, attempt, ...what };
            const expiresAt = command.now + command.leaseMs;
            await desk.publishTasks(nodeId, [{ ...task, expiresAt }], `${jobHash}-${attempt}`);
          }
        }
        return book.handle(jobHash, commands);
      },
    }),
  },

  "tasks of lost nodes are never given to others": {
    ...honest,
    book: (service, book) =>
      service === "dispatcher"
        ? {
            ...book,
            handle: async (jobHash, commands) => {
              const left = commands.filter(
                ({ type }) => type !== "RecordFailure" && type !== "ExpireTasks",
              );
              return left.length > 0 ? book.handle(jobHash, left) : [];
            },
          }
        : book,
  },

  "the disk acknowledges what it has not kept": {
    ...honest,
    files: (files) => ({ ...files, open: (path) => files.open(path, { durable: false }) }),
  },

  "only the first of those who agreed is paid": {
    ...honest,
    listener: (service, listener) =>
      service === "rewards"
        ? {
            ...listener,
            hear: (fact) => {
              const { event } = fact;
              if (event.type !== "JobCompleted") {
                listener.hear(fact);
                return;
              }
              listener.hear({ ...fact, event: { ...event, accepted: event.accepted.slice(0, 1) } });
            },
          }
        : listener,
  },
};
