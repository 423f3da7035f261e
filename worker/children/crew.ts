/**
 * The children that compute for one engine: who is idle, who is replaced when, which task waits.
 *
 * A member:
 *
 *     starting --opened--> idle --task--> busy --answer--> idle
 *         |                 | ^-----------------------------'
 *         '-----------------+-- dismissed, or ended by itself --> gone --fill--> starting
 */

import { isDeepStrictEqual } from "node:util";
import type { ProcessUse } from "../../domain/catalogue.ts";
import { AppError, type Execution, type ExecutionOutput, OutOfMemory } from "../executor.ts";
import { type ComputingChild, startChild, type TaskAnswer } from "./computing-child.ts";
import type { Fence } from "./fence.ts";
import type { ChildSettings, Offer } from "./messages.ts";

export interface CrewOptions {
  readonly settings: ChildSettings;
  readonly fence: Fence;
  readonly outputBytesMax: number;
  /** The most at a time, at least 1. */
  readonly children: number;
  /** Kept ready, from 0 to `children`. */
  readonly warm: number;
  /** Those beyond `warm` end after so long without a task. */
  readonly idleMs: number;
  readonly tasksMax: number;
  /** Which tasks one child may compute, one after another. */
  readonly use: ProcessUse;
  readonly recycleAboveBytes: number;
  readonly onTrouble: (what: string, error: unknown) => void;
}

export interface Crew {
  readonly offers: readonly Offer[];
  /** In the order of asking. Rejects as `openExecutorPool` says. */
  execute(execution: Execution): Promise<ExecutionOutput>;
  /** Kills all and waits until they are gone; tasks that run or wait are rejected. */
  close(): Promise<void>;
}

interface Member {
  readonly child: ComputingChild;
  tasks: number;
  /** Of whom it has computed something, if that keeps it from others. */
  of?: string | undefined;
  opened: boolean;
  busy: boolean;
  /** We killed it: its end is no trouble. */
  dismissed: boolean;
  leaving?: NodeJS.Timeout;
}

interface Task {
  readonly execution: Execution;
  readonly resolve: (output: ExecutionOutput) => void;
  readonly reject: (reason: unknown) => void;
  member?: Member | undefined;
}

/** The pause before a child that failed is replaced; it doubles until a task is answered. */
const pauseFirstMs = 100;
const pauseMaxMs = 10_000;

/** Resolves when the first child is ready; the others come by themselves. */
export const openCrew = async (options: CrewOptions): Promise<Crew> => {
  const { settings, children, warm, use, onTrouble } = options;
  const what = `${settings.apps.join(", ")} on ${settings.engine}`;
  /** Every process that has not ended, so that there are never more than `children`. */
  const alive = new Set<Member>();
  /** Taken from the end, so that those not needed stay idle and leave. */
  const idle: Member[] = [];
  const waiting: Task[] = [];
  let busy = 0;
  let failures = 0;
  let pause: NodeJS.Timeout | undefined;
  /** Nobody is replaced before the first one has opened, or after the end. */
  let open = false;

  const hire = (): Member => {
    const child = startChild(settings, options);
    const member: Member = { child, tasks: 0, opened: false, busy: false, dismissed: false };
    alive.add(member);
    void child.gone.then((how) => {
      alive.delete(member);
      clearTimeout(member.leaving);
      remove(idle, member);
      if (member.opened && !member.dismissed) {
        const error = new Error(`the process for ${what} ended (${how})`);
        // A task that ends its process must not make those wait that come after it.
        stumble("a computing process ended", error, { pause: !member.busy });
      }
      fill();
    });
    return member;
  };

  const dismiss = (member: Member) => {
    member.dismissed = true;
    clearTimeout(member.leaving);
    remove(idle, member);
    member.child.kill();
  };

  const stumble = (story: string, error: unknown, wish = { pause: true }) => {
    if (!open) return;
    onTrouble(story, error);
    if (!wish.pause) return;
    clearTimeout(pause);
    pause = setTimeout(
      () => {
        pause = undefined;
        fill();
      },
      Math.min(pauseFirstMs * 2 ** failures++, pauseMaxMs),
    );
  };

  const fill = () => {
    if (!open || pause !== undefined) return;
    // If tasks wait although some are idle, those may not compute them.
    const unfit = waiting.length > 0 ? idle.length : 0;
    const wanted = Math.min(children, Math.max(warm, busy + unfit + waiting.length));
    while (alive.size < wanted) void bringIn(hire());
  };

  const bringIn = async (member: Member) => {
    try {
      const offers = await member.child.opened;
      if (!isDeepStrictEqual(offers, first.offers))
        throw new Error(`the programs for ${what} have changed since this worker started`);
      member.opened = true;
      rest(member);
    } catch (error) {
      dismiss(member);
      if (!open) return;
      stumble("a computing process did not start", error);
      if ([...alive].some((other) => other !== member && !other.dismissed)) return;
      // Another node can have these tasks sooner than a process starts here, if one ever does.
      for (const { reject } of waiting.splice(0))
        reject(new Error(`no process for ${what} starts: ${messageOf(error)}`));
    }
  };

  /** Nothing of another client was there, and nothing of one that is not known. */
  const mayCompute = ({ tasks, of }: Member, { client }: Execution): boolean =>
    tasks === 0 || use === "shared" || (use === "client" && of !== undefined && of === client);

  /** One that has computed for this client is ready at once: its models are loaded. */
  const pick = (execution: Execution): Member | undefined => {
    const fit = idle.filter((member) => mayCompute(member, execution));
    const known = fit.findLast(({ of }) => of !== undefined && of === execution.client);
    const member = known ?? fit.at(-1);
    if (member) remove(idle, member);
    return member;
  };

  const rest = (member: Member) => {
    const task = waiting[0];
    if (task && !mayCompute(member, task.execution)) return dismiss(member);
    waiting.shift();
    if (task) return void compute(member, task);
    idle.push(member);
    const leaves = () => staying() > warm || member.of !== undefined;
    if (leaves())
      member.leaving = setTimeout(() => {
        if (leaves()) dismiss(member);
      }, options.idleMs);
  };

  const staying = () => [...alive].filter(({ dismissed }) => !dismissed).length;

  const compute = async (member: Member, task: Task) => {
    clearTimeout(member.leaving);
    task.member = member;
    member.tasks++;
    if (use === "client") member.of = task.execution.client;
    member.busy = true;
    busy++;
    const { app, params, inputs } = task.execution;
    let answer: TaskAnswer | undefined;
    try {
      answer = await member.child.run({ app, params, inputs });
    } catch (error) {
      // Its output is too large to be read, or it is gone already, as it had to be.
      const known = error instanceof AppError || error instanceof OutOfMemory;
      if (known) dismiss(member);
      task.reject(known ? error : new Error(`${app}: ${messageOf(error)}`));
    }
    task.member = undefined;
    busy--;
    if (answer === undefined || member.dismissed) return;
    member.busy = false;
    failures = 0;
    settle(task, answer);
    const worn =
      answer.type === "exhausted" ||
      use === "task" ||
      (use === "client" && member.of === undefined) ||
      member.tasks >= options.tasksMax ||
      answer.residentBytes > options.recycleAboveBytes;
    if (worn) dismiss(member);
    else rest(member);
  };

  const first = await openFirst(hire(), what);
  open = true;
  rest(first.member);
  fill();

  return {
    offers: first.offers,

    execute: (execution) =>
      new Promise((resolve, reject) => {
        const { signal } = execution;
        if (!open) throw new Error(`the executors of ${what} are closed`);
        signal.throwIfAborted();
        const task: Task = {
          execution,
          resolve: (output) => {
            signal.removeEventListener("abort", abandon);
            resolve(output);
          },
          reject: (reason) => {
            signal.removeEventListener("abort", abandon);
            reject(reason);
          },
        };
        const abandon = () => {
          remove(waiting, task);
          if (task.member) dismiss(task.member);
          // Not before those who listen to the same signal, and know better why it aborted.
          setImmediate(() => reject(signal.reason));
        };
        signal.addEventListener("abort", abandon, { once: true });
        const member = pick(execution);
        if (member) return void compute(member, task);
        waiting.push(task);
        // Who is idle cannot take it, and may be in the place of one who could.
        if (alive.size >= children && idle[0]) dismiss(idle[0]);
        fill();
      }),

    close: async () => {
      open = false;
      clearTimeout(pause);
      for (const { reject } of waiting.splice(0))
        reject(new Error(`the executors of ${what} are closed`));
      const ends = [...alive].map((member) => {
        dismiss(member);
        return member.child.gone;
      });
      await Promise.all(ends);
    },
  };
};

/** @throws {AppError} As the child did. @throws {Error} When it cannot compute; it is gone then. */
const openFirst = async (member: Member, what: string) => {
  try {
    const offers = await member.child.opened;
    member.opened = true;
    return { member, offers };
  } catch (error) {
    await member.child.gone;
    if (error instanceof AppError) throw error;
    throw new Error(`no process can compute ${what}: ${messageOf(error)}`, { cause: error });
  }
};

const settle = ({ resolve, reject }: Task, answer: TaskAnswer): void => {
  if (answer.type === "done") resolve({ output: answer.output, mediaType: answer.mediaType });
  else if (answer.type === "refused") reject(new AppError(answer.code, answer.message));
  else reject(new (answer.type === "exhausted" ? OutOfMemory : Error)(answer.message));
};

const remove = <T>(list: T[], item: T): void => {
  const at = list.indexOf(item);
  if (at >= 0) list.splice(at, 1);
};

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);
