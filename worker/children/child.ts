/**
 * The child's program: computes one task at a time for the supervisor that started it.
 *
 * It has no keys and asks the network for nothing. It ends by SIGKILL, or when its supervisor is
 * gone, also in the middle of a task (`watchdog.ts`). Signals that a terminal or a service manager
 * sends to a whole group are not for it: the supervisor may want its tasks finished first.
 */

import { Socket } from "node:net";
import { Worker } from "node:worker_threads";
import { AppError, type Executor, OutOfMemory } from "../executor.ts";
import type { openExecutors } from "../executors/open.ts";
import { saysNoMemory } from "../memory-fault.ts";
import { frameReader, writeFrame } from "./frames.ts";
import {
  type Answer,
  answerFrame,
  type ChildSettings,
  pipes,
  type Request,
  requestIn,
  requestLimits,
} from "./messages.ts";
import type { WatchdogSettings } from "./watchdog.ts";

const messageMax = 1_000;

const run = (settings: ChildSettings): void => {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.on(signal, () => undefined);
  const { memoryBytes } = settings;
  const workerData: WatchdogSettings = { lifeline: pipes.lifeline, memoryBytes };
  new Worker(new URL("./watchdog.ts", import.meta.url), { workerData });

  const pipe = new Socket({ fd: pipes.frames });
  pipe.on("error", () => process.exit(0)); // The supervisor is gone.
  pipe.on("close", () => process.exit(0));
  const say = (answer: Answer) => writeFrame(pipe, answerFrame(answer));
  const opening = openAll(settings);
  opening.then(
    (executors) =>
      say({
        type: "opened",
        offers: executors.map(({ apps, executionClass }) => ({ apps, executionClass })),
      }),
    // It does not end by itself: its end could be seen before its reason.
    (error: unknown) =>
      say({
        type: "unopened",
        message: messageOf(error),
        ...(error instanceof AppError ? { code: error.code } : {}),
      }),
  );
  const read = frameReader(requestLimits, (frame) => {
    void opening.then((executors) => compute(requestIn(frame), executors)).then(say);
  });
  pipe.on("data", read);
};

const openAll = async ({
  programs,
  engine,
  apps,
  memoryBytes,
}: ChildSettings): Promise<readonly Executor[]> => {
  const opener = (await import(programs)) as { readonly openExecutors: typeof openExecutors };
  return opener.openExecutors(apps, { engine, memoryBytes });
};

const compute = async (request: Request, executors: readonly Executor[]): Promise<Answer> => {
  const resident = () => ({ residentBytes: process.memoryUsage.rss() });
  try {
    const executor = executors.find(({ apps }) => apps.includes(request.app));
    if (!executor) throw new AppError("unknown-app", `this node does not compute ${request.app}`);
    const { signal } = new AbortController(); // Never aborts: the supervisor kills instead.
    const { output, mediaType } = await executor.execute({ ...request, signal });
    return { type: "done", mediaType, output, ...resident() };
  } catch (error) {
    const message = messageOf(error);
    if (error instanceof AppError)
      return { type: "refused", code: error.code, message, ...resident() };
    if (error instanceof OutOfMemory) return { type: "exhausted", message, ...resident() };
    return saysNoMemory(String(error))
      ? { type: "exhausted", message: "it takes more memory than its app may have", ...resident() }
      : { type: "fault", message, ...resident() };
  }
};

const messageOf = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).slice(0, messageMax);

run(JSON.parse(process.argv[2] ?? "") as ChildSettings);
