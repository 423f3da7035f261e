/**
 * How the bench talks with its processes. The bench asks, the child answers; each child is a process
 * of its own, so that its CPU and memory are its own.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { Session } from "node:inspector/promises";

export interface Child {
  readonly name: string;
  readonly pid: number;
  /** What the child said when it was ready. */
  readonly ready: unknown;
  /** @throws {Error} What the child threw, or that it ended. */
  ask<Reply>(what: string, details?: object): Promise<Reply>;
  /** Asks the child to close and waits until it is gone; kills it after 10 s. */
  end(): Promise<void>;
}

interface Question {
  readonly id: number;
  readonly what: string;
  readonly details: object;
}
type Reply =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: string };

const endWithinMs = 10_000;
/** Id of the reply that says that a child is ready, or why it will not be. */
const readyId = 0;

/**
 * Starts `children/<program>.ts` and waits until it is ready.
 *
 * @throws {Error} What the child threw instead.
 */
export const startChild = async (
  program: string,
  options: object,
  name: string = program,
): Promise<Child> => {
  const file = new URL(`children/${program}.ts`, import.meta.url);
  const child = fork(file, [JSON.stringify(options)], {
    execArgv: ["--disable-warning=ExperimentalWarning"],
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  const replies = new Map<number, PromiseWithResolvers<unknown>>();
  let lastId = readyId;
  let gone: string | undefined;
  const awaitReply = (id: number): Promise<unknown> => {
    const reply = Promise.withResolvers<unknown>();
    replies.set(id, reply);
    return reply.promise;
  };
  child.on("message", (message) => {
    const reply = message as Reply;
    const waiting = replies.get(reply.id);
    replies.delete(reply.id);
    if ("error" in reply) waiting?.reject(new Error(`${name}: ${reply.error}`));
    else waiting?.resolve(reply.value);
  });
  child.on("exit", (code, signal) => {
    gone = `the process ${name} ended (${signal ?? `exit code ${code}`})`;
    for (const { reject } of replies.values()) reject(new Error(gone));
    replies.clear();
  });
  /** The bench's own end, whatever the cause, ends its children. */
  const endWithUs = () => child.kill("SIGKILL");
  process.once("exit", endWithUs);

  const end = async () => {
    if (gone === undefined) {
      const exit = once(child, "exit");
      const timer = setTimeout(() => child.kill("SIGKILL"), endWithinMs);
      if (child.connected) child.disconnect();
      await exit;
      clearTimeout(timer);
    }
    process.removeListener("exit", endWithUs);
  };
  try {
    const ready = await awaitReply(readyId);
    return {
      name,
      pid: child.pid ?? -1,
      ready,
      ask: async <Reply>(what: string, details: object = {}) => {
        if (gone !== undefined) throw new Error(gone);
        const id = ++lastId;
        child.send({ id, what, details } satisfies Question);
        return (await awaitReply(id)) as Reply;
      },
      end,
    };
  } catch (error) {
    await end();
    throw error;
  }
};

export interface Program {
  /** Told to the bench. */
  readonly ready?: unknown;
  readonly answers?: Readonly<Record<string, (details: never) => Promise<unknown>>>;
  readonly close: () => Promise<void>;
}

/** Runs a child's program until the bench hangs up. */
export const runChild = async <Options>(
  start: (options: Options) => Promise<Program>,
): Promise<void> => {
  const say = (reply: Reply) => void process.send?.(reply);
  const hungUp = once(process, "disconnect");
  // A terminal sends Ctrl-C to all; the bench ends us in good order.
  process.on("SIGINT", () => undefined);
  let program: Program;
  try {
    program = await start(JSON.parse(process.argv[2] ?? "{}") as Options);
  } catch (error) {
    say({ id: readyId, error: describe(error) });
    await hungUp;
    process.exit(1);
  }
  const answers: Program["answers"] = { ...program.answers, ...profiling() };
  process.on("message", (message) => {
    const { id, what, details } = message as Question;
    const answer = answers[what];
    if (!answer) return say({ id, error: `nobody answers "${what}"` });
    answer(details as never).then(
      (value) => say({ id, value: value ?? null }),
      (error: unknown) => say({ id, error: describe(error) }),
    );
  });
  say({ id: readyId, value: program.ready ?? null });
  await hungUp;
  await program.close();
  process.exit(0);
};

/** V8's CPU profile of exactly the measured time; start and end of the process are not in it. */
const profiling = () => {
  const session = new Session();
  return {
    profile: async () => {
      session.connect();
      await session.post("Profiler.enable");
      await session.post("Profiler.setSamplingInterval", { interval: 200 });
      await session.post("Profiler.start");
    },
    profiled: async () => {
      const { profile } = await session.post("Profiler.stop");
      session.disconnect();
      return profile;
    },
  };
};

const describe = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message) : String(error);
