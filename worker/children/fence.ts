/**
 * The fence around a child: what its process can reach of this machine. On Linux bubblewrap gives it
 * namespaces of its own and nothing to see but what it needs to run; elsewhere there is none.
 * `docs/fence.md` says what is protected by what.
 *
 * Whether a fence stands is found out by building it and looking from inside, once for each worker.
 */

import { execFile } from "node:child_process";
import { accessSync, constants, existsSync } from "node:fs";
import { cpus } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { type Shown, shownPaths } from "./fence-paths.ts";
import type { Surroundings } from "./look-around.ts";

/** `require` has no children without a fence, `auto` takes what there is, `off` does not look. */
export type FenceWish = "require" | "auto" | "off";

export interface Fence {
  readonly kind: "bubblewrap" | "none";
  /** For the log: what is there, or why it is not. */
  readonly says: string;
  /** What to start instead of Node with these arguments. */
  command(nodeArguments: readonly string[], memoryBytes: number, compiled?: Compiled): Command;
}

/** Where Node finds what it has compiled before, and keeps what it compiles. */
export interface Compiled {
  readonly directory: string;
  /** For a child that never has a task (`compiled.ts`): it may write there. */
  readonly writable?: boolean;
}

export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  /** All of the environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly uid?: number;
  readonly gid?: number;
  /** The file is bubblewrap: there are three processes, and the last one is Node. */
  readonly bubblewrap?: true;
}

/** There is no fence, and there was to be one. */
export class FenceError extends Error {
  readonly code = "no-fence";
  constructor(message: string) {
    super(message);
    this.name = "FenceError";
  }
}

const mebibyte = 2 ** 20;

/** Who a child is inside, and outside as well if this worker is root. */
const nobody = 65_534;
/** Of the only place inside that can be written to. */
const temporaryBytes = 16 * mebibyte;
const fileBytes = mebibyte;
const openFiles = 128;
/** Threads count. Node, V8 and ONNX Runtime have about 20, libvips some for each processor. */
const processes = 64 + 4 * cpus().length;

/**
 * What a child gets to know of our environment: how to find libraries. The rest may hold secrets, or
 * options for another Node.
 */
const libraryNames = ["LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"];
/** Without a fence also where to put temporary files, and what Windows needs. */
const placeNames = ["PATH", "TMPDIR", "TEMP", "TMP", "SystemRoot"];
/**
 * ONNX Runtime would otherwise collect usage data and leave files of it in TMPDIR, and libvips would
 * put decoded pictures of more than 100 MB there.
 */
const environmentOfAll = { ORT_DISABLE_TELEMETRY: "1", VIPS_DISC_THRESHOLD: "64g" };

/** Where a child in a fence finds what was compiled before. */
const compiledInside = "/compiled";
const keptAt = (directory: string | undefined) =>
  directory === undefined ? {} : { NODE_COMPILE_CACHE: directory };

const pick = (names: readonly string[]) =>
  Object.fromEntries(names.map((name) => [name, process.env[name]]));

/** One way to build a fence; the first that stands is taken. */
interface Plan {
  readonly kind: Fence["kind"];
  readonly bwrap?: string;
  /** Sets limits, then becomes the program. */
  readonly prlimit?: string;
  /** bubblewrap 0.8 and later: bounds what is written to /tmp, and there are no further namespaces. */
  readonly modern?: boolean;
  /** Only root can become somebody else. */
  readonly asNobody?: boolean;
}

/**
 * @param found - Where the tools are, for tests; else they are looked for.
 * @throws {FenceError} `no-fence`, when `wish` is `require` and there is none.
 */
export const openFence = async (
  wish: FenceWish,
  found: { readonly bwrap?: string; readonly prlimit?: string } = {
    ...tool("bwrap"),
    ...tool("prlimit"),
  },
): Promise<Fence> => {
  const built = wish === "off" ? "switched off" : await build(found);
  if (typeof built !== "string") return fenceOf(built, storyOf(built.plan));
  if (wish === "require") throw new FenceError(`there is no fence: ${built}`);
  const { prlimit } = found;
  const unlimited: Standing = { plan: { kind: "none" }, reservedBytes: 0 };
  const without =
    prlimit === undefined
      ? unlimited
      : await tried({ kind: "none", prlimit }).catch(() => unlimited);
  const limits = without.plan.prlimit === undefined ? "the watchdog only" : "prlimit and watchdog";
  return fenceOf(without, `none (${built}; memory is limited by ${limits})`);
};

const storyOf = ({ modern, asNobody, prlimit }: Plan): string => {
  const lacks = [
    ...(modern ? [] : ["an older one: nothing can be written, /tmp neither"]),
    ...(prlimit === undefined
      ? ["no prlimit, so that memory is limited by the watchdog only"]
      : []),
    ...(process.getuid?.() === 0 && !asNobody
      ? ["as root, since nobody may not read this project; run workers as a user without rights"]
      : []),
  ];
  return ["bubblewrap", ...lacks].join("; ");
};

/** A plan that was tried. */
interface Standing {
  readonly plan: Plan;
  /** Address space that counts as data although nothing is in it: V8 reserves half a gibibyte a thread. */
  readonly reservedBytes: number;
}

/** @returns Why there is none. */
const build = async (found: {
  readonly bwrap?: string;
  readonly prlimit?: string;
}): Promise<Standing | string> => {
  if (process.platform !== "linux") return `there is none for ${process.platform}`;
  const { bwrap, prlimit } = found;
  if (bwrap === undefined) return "bubblewrap is not installed: its package is called bubblewrap";
  const base = { kind: "bubblewrap", bwrap } as const;
  const plans: readonly Plan[] = [true, false].flatMap((modern) =>
    (process.getuid?.() === 0 ? [true, false] : [false]).flatMap((asNobody) =>
      [...new Set([prlimit, undefined])].map((each) => ({
        ...base,
        modern,
        asNobody,
        ...only(each, "prlimit"),
      })),
    ),
  );
  let why = "";
  for (const plan of plans) {
    try {
      return await tried(plan);
    } catch (error) {
      why ||= (error as Error).message;
    }
  }
  return `bubblewrap cannot build one here: ${why}`;
};

const fenceOf = ({ plan, reservedBytes }: Standing, says: string): Fence => {
  const start = starter(plan);
  return {
    kind: plan.kind,
    says,
    command: (nodeArguments, memoryBytes, compiled) =>
      start(nodeArguments, memoryBytes + reservedBytes, compiled),
  };
};

/** @returns What makes commands; `dataBytes` is the most of private writable address space. */
const starter = (
  plan: Plan,
): ((nodeArguments: readonly string[], dataBytes?: number, compiled?: Compiled) => Command) => {
  const { bwrap, prlimit, modern = false, asNobody = false } = plan;
  const limits = [
    "--core=0",
    `--fsize=${fileBytes}`,
    `--nofile=${openFiles}`,
    // Outside it would count whatever else this user runs.
    ...(bwrap === undefined ? [] : [`--nproc=${processes}`]),
  ];
  const limited = (nodeArguments: readonly string[], dataBytes?: number) => {
    const node = [process.execPath, ...nodeArguments];
    if (prlimit === undefined) return node;
    const data = dataBytes === undefined ? [] : [`--data=${Math.round(dataBytes)}`];
    return [prlimit, ...limits, ...data, ...node];
  };
  if (bwrap === undefined) {
    const env = { ...pick([...libraryNames, ...placeNames]), ...environmentOfAll };
    return (nodeArguments, dataBytes, compiled) => {
      const [file = "", ...args] = limited(nodeArguments, dataBytes);
      return { file, args, env: { ...env, ...keptAt(compiled?.directory) } };
    };
  }
  const shown = shownPaths(prlimit === undefined ? [] : [prlimit]);
  const building = (compiled?: Compiled) => bubblewrap(shown, modern, compiled);
  const env = { ...pick(libraryNames), ...environmentOfAll, TMPDIR: "/tmp" };
  const who = asNobody ? { uid: nobody, gid: nobody } : {};
  return (nodeArguments, dataBytes, compiled) => ({
    file: bwrap,
    args: [...building(compiled), "--", ...limited(nodeArguments, dataBytes)],
    env: { ...env, ...keptAt(compiled && compiledInside) },
    ...who,
    bubblewrap: true,
  });
};

/** `/tmp` comes first: a Node or a project below it is shown on top of it. */
const bubblewrap = (
  shown: readonly Shown[],
  modern: boolean,
  compiled?: Compiled,
): readonly string[] => [
  ...["user", "ipc", "pid", "net", "uts", "cgroup"].map((space) => `--unshare-${space}`),
  ...(modern ? ["--disable-userns", "--size", `${temporaryBytes}`, "--tmpfs", "/tmp"] : []),
  ...["--uid", `${nobody}`, "--gid", `${nobody}`, "--cap-drop", "ALL", "--hostname", "cnct"],
  ...["--die-with-parent", "--new-session", "--proc", "/proc"],
  ...["--dev", "/dev", "--remount-ro", "/dev"],
  ...shown.flatMap((each) =>
    "path" in each ? ["--ro-bind", each.path, each.path] : ["--symlink", each.to, each.link],
  ),
  ...(compiled === undefined
    ? []
    : [compiled.writable ? "--bind" : "--ro-bind-try", compiled.directory, compiledInside]),
  ...["--remount-ro", "/", "--chdir", "/"],
];

const program = fileURLToPath(new URL("./look-around.ts", import.meta.url));
const buildWithinMs = 10_000;

/** Builds it. @throws {Error} With one line as its message, when it cannot stand or has holes. */
const tried = async (plan: Plan): Promise<Standing> => {
  const { file, args, ...options } = starter(plan)([program]);
  const limits = { timeout: buildWithinMs, killSignal: "SIGKILL" } as const;
  const answer = await promisify(execFile)(file, args, { ...options, ...limits }).catch(
    ({ stderr, code }: { readonly stderr?: string; readonly code?: unknown }) => {
      throw new Error(firstLine(stderr ?? "") || `it ended with ${code}`);
    },
  );
  const { seen, reservedBytes } = JSON.parse(answer.stdout) as Surroundings;
  if (plan.kind === "bubblewrap" && seen.length > 0)
    throw new Error(`what it builds has holes: ${seen.join(", ")}`);
  return { plan, reservedBytes };
};

const tool = <Name extends "bwrap" | "prlimit">(name: Name): { readonly [N in Name]?: string } => {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/bin", "/bin"];
  const path = folders.map((folder) => join(folder, name)).find(isExecutable);
  return path === undefined || process.platform !== "linux"
    ? {}
    : ({ [name]: path } as { readonly [N in Name]?: string });
};

const only = <Name extends string>(
  value: string | undefined,
  name: Name,
): { readonly [N in Name]?: string } =>
  value === undefined ? {} : ({ [name]: value } as { readonly [N in Name]: string });

const isExecutable = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK);
    return existsSync(path);
  } catch {
    return false;
  }
};

const firstLine = (text: string): string => text.trim().split("\n")[0] ?? "";
