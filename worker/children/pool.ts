/**
 * Executors whose tasks run in processes of their own: a computation that blocks, hangs, crashes or
 * grows costs one child, and the worker goes on answering the network. Runtimes and decoders (ONNX
 * Runtime, libvips) are loaded by the children alone.
 */

import { getCompileCacheDir } from "node:module";
import { catalogue, isAppName, type ProcessUse } from "../../domain/catalogue.ts";
import { memoryPagesMax, moduleLimits } from "../../domain/wasm/limits.ts";
import { AppError, type Executor, outputBytesMax } from "../executor.ts";
import type { EngineName } from "../executors/inference.ts";
import { openEcho, openNoop } from "../executors/plain.ts";
import { withCompiled } from "./compiled.ts";
import { openCrew } from "./crew.ts";
import { type Fence, openFence } from "./fence.ts";
import type { ChildSettings } from "./messages.ts";

export interface PoolOptions {
  /** Names from the catalogue. */
  readonly apps: readonly string[];
  readonly engine: EngineName;
  /** The most children at a time, a whole number of at least 1: the node's slots. */
  readonly children: number;
  /**
   * How many are kept ready, from 0; left out, all. Others start when tasks wait and end after
   * `idleMs` without a task.
   */
  readonly warm?: number;
  /** Default: a minute. */
  readonly idleMs?: number;
  /** After so many tasks a child is replaced, so that leaks stay small. Default: 1,000. */
  readonly tasksMax?: number;
  /** A child with more resident memory after a task is replaced. Default: 3/4 of `memoryBytes`. */
  readonly recycleAboveBytes?: number;
  /** The most that a child may have. Default: what the catalogue says of its apps. */
  readonly memoryBytes?: number;
  /** For programs that are in no catalogue. Default: `shared`. */
  readonly use?: ProcessUse;
  /** Around every child. Default: what this machine has, found out once for the process. */
  readonly fence?: Fence;
  /** File URL of a module that exports another `openExecutors` for the children, for tests. */
  readonly programs?: string;
  /** A child ended, or did not start, without being told to. It is started again. */
  readonly onTrouble: (what: string, error: unknown) => void;
}

let machineFence: Promise<Fence> | undefined;
const fenceOfMachine = (): Promise<Fence> => {
  machineFence ??= openFence("auto");
  return machineFence;
};

const mebibyte = 2 ** 20;
const programsOfTheCatalogue = new URL("../executors/open.ts", import.meta.url).href;

/**
 * Apps that compute nothing stay in this process: no foreign code, no parser, no model, and no time
 * that depends on the input, so that a process of their own would protect nothing and cost a copy.
 */
const plainApps: Readonly<Record<string, () => Executor>> = { noop: openNoop, echo: openEcho };

/** For code of clients: the most that a module may have (`domain/wasm/limits.ts`), and a second fence. */
const v8OptionsForCode = [
  `--wasm-max-mem-pages=${memoryPagesMax}`,
  `--wasm-max-table-size=${moduleLimits.tableEntries}`,
  "--wasm-num-compilation-tasks=1",
  "--stack-size=3900", // KiB, of the 8 MiB that systems give a main thread.
];

/**
 * One executor for each execution class, ready to compute; the pool ends when all are closed.
 *
 * A task that is aborted, also while it computes, rejects with the signal's reason, and its child is
 * killed and replaced. A task whose child ends rejects with an ordinary error, which is this
 * machine's fault, not the job's.
 *
 * @throws {AppError} `unknown-app` for a name that is not in the catalogue.
 * @throws {Error} When the children cannot compute: a package or a model is missing, or another one.
 *
 * @example
 * const executors = await openExecutorPool({ apps: ["ocr"], engine: "ort-node", children: 2, onTrouble });
 */
export const openExecutorPool = async (options: PoolOptions): Promise<readonly Executor[]> => {
  const { apps, children, warm = children } = options;
  if (!Number.isInteger(children) || children < 1)
    throw new RangeError(`expected a whole number of children of at least 1, got ${children}`);
  if (!Number.isInteger(warm) || warm < 0 || warm > children)
    throw new RangeError(`expected 0 to ${children} warm children, got ${warm}`);
  const isPlain = (app: string) => Object.hasOwn(plainApps, app);
  const plain = apps.filter(isPlain).flatMap((app) => plainApps[app]?.() ?? []);
  const computed = apps.filter((app) => !isPlain(app));
  const useOf = (app: string): ProcessUse =>
    isAppName(app) ? catalogue[app].process : (options.use ?? "shared");
  const groups = (["shared", "client", "task"] as const)
    .map((use) => ({ use, apps: computed.filter((app) => useOf(app) === use) }))
    .filter((group) => group.apps.length > 0);
  const opened: Executor[] = [...plain];
  try {
    for (const group of groups) opened.push(...(await openGroup(group, options)));
  } catch (error) {
    await Promise.all(opened.map((executor) => executor.close()));
    throw error;
  }
  return opened;
};

/** The apps of one crew, one executor for each execution class. */
const openGroup = async (
  { apps, use }: { readonly apps: readonly string[]; readonly use: ProcessUse },
  options: PoolOptions,
): Promise<readonly Executor[]> => {
  const { engine, children, warm = children } = options;
  const { memoryBytes = Math.max(...apps.map(memoryOf)) } = options;
  const settings: ChildSettings = {
    programs: options.programs ?? programsOfTheCatalogue,
    engine,
    apps,
    v8Options: use === "task" ? v8OptionsForCode : [],
    memoryBytes,
  };
  const crew = await openCrew({
    settings,
    fence: await withCompiled(options.fence ?? (await fenceOfMachine()), settings, {
      own: getCompileCacheDir(),
      makes: use !== "shared",
    }),
    outputBytesMax,
    children,
    // One is enough to answer the first task of a client at once.
    warm: use === "client" ? Math.min(1, warm) : warm,
    use,
    idleMs: options.idleMs ?? 60_000,
    tasksMax: options.tasksMax ?? 1_000,
    recycleAboveBytes: options.recycleAboveBytes ?? memoryBytes * 0.75,
    onTrouble: options.onTrouble,
  });

  const classes = [...new Set(crew.offers.map(({ executionClass }) => executionClass))];
  let open = classes.length;
  return classes.map((executionClass): Executor => {
    const offered = crew.offers
      .filter((offer) => offer.executionClass === executionClass)
      .flatMap((offer) => offer.apps);
    let closed: Promise<void> | undefined;
    return {
      apps: offered,
      executionClass,
      execute: async (execution) => {
        if (!offered.includes(execution.app))
          throw new AppError("unknown-app", `this executor does not compute ${execution.app}`);
        return crew.execute(execution);
      },
      close: () => {
        closed ??= --open === 0 ? crew.close() : Promise.resolve();
        return closed;
      },
    };
  });
};

/** For programs that are in no catalogue: 1 GiB. */
const memoryOf = (app: string): number =>
  (isAppName(app) ? catalogue[app].limits.memoryMb : 1_024) * mebibyte;
