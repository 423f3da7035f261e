/**
 * What Node has compiled of the children's code is kept for the next child, which then starts for less
 * than half the CPU time.
 *
 * Compiled code is run without being read again, so nothing that a task could write to may get here: a
 * child that never has a task makes it, alone in a folder of its own; the supervisor moves it to where
 * all others read it, and inside a fence only read it.
 */

import { createHash } from "node:crypto";
import { type Dirent, existsSync, readdirSync, statSync } from "node:fs";
import { chmod, chown, mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { startChild } from "./computing-child.ts";
import type { Fence } from "./fence.ts";
import type { ChildSettings } from "./messages.ts";

/** From the outside, of all who compute in fences alike. */
const readable = { directory: 0o755, file: 0o644 } as const;
/** Writing takes a moment once all is loaded. */
const leavesWithinMs = 10_000;
const makingPrefix = "making-";
const markSuffix = ".made";
/** Longer than a child may take to open its apps, and to leave. */
const leftoverAfterMs = 120_000;

/**
 * The fence that shows its children what was compiled; the same fence where this process keeps nothing
 * itself, or where it cannot be made. The first time, and after each change of the code, a child is
 * started for it, by one worker of a machine; others go without meanwhile.
 *
 * @param own - Where this process keeps its own (`getCompileCacheDir`): the children's is beside that.
 * @param makes - False for children that live long: they take what others have had made.
 */
export const withCompiled = async (
  fence: Fence,
  settings: ChildSettings,
  { own, makes }: { readonly own: string | undefined; readonly makes: boolean },
): Promise<Fence> => {
  if (own === undefined) return fence;
  // That something was made there shows that this user's children in this fence can read it.
  const directory = join(dirname(own), `children-${digestOf(process.getuid?.(), fence.says)}`);
  const { memoryBytes: _, ...loads } = settings;
  const name = digestOf(loads);
  try {
    if (makes) {
      const code = stateOfCode();
      const mark = join(directory, `${name}${markSuffix}`);
      if ((await readFile(mark, "utf8").catch(() => "")) !== code) {
        if (!(await make(directory, name, fence, settings))) return fence;
        await writeFile(mark, code);
      }
    } else if (!(await readdir(directory)).some((each) => each.endsWith(markSuffix))) return fence;
  } catch {
    return fence; // No room, no right to write, or somebody else makes it: all works without.
  }
  return showing(fence, { directory });
};

const digestOf = (...what: readonly unknown[]): string =>
  createHash("sha256").update(JSON.stringify(what)).digest("hex").slice(0, 16);

const showing = (fence: Fence, compiled: Parameters<Fence["command"]>[2]): Fence => ({
  ...fence,
  command: (nodeArguments, memoryBytes) => fence.command(nodeArguments, memoryBytes, compiled),
});

/**
 * @returns Whether a child could start with it, and left something.
 * @throws {Error} `EEXIST`, while another process makes the same.
 */
const make = async (
  directory: string,
  name: string,
  fence: Fence,
  settings: ChildSettings,
): Promise<boolean> => {
  await mkdir(directory, { recursive: true });
  await removeLeftovers(directory);
  const making = join(directory, `${makingPrefix}${name}`);
  await mkdir(making);
  try {
    const { uid, gid } = fence.command([], settings.memoryBytes);
    if (uid !== undefined && gid !== undefined) await chown(making, uid, gid);
    const child = startChild(settings, {
      outputBytesMax: 0,
      fence: showing(fence, { directory: making, writable: true }),
    });
    const late = new AbortController();
    try {
      await child.opened;
      child.leave();
      const ended = child.gone.then(() => late.abort());
      await Promise.race([ended, sleep(leavesWithinMs, undefined, late)]).catch(() => undefined);
    } finally {
      child.kill();
      await child.gone;
    }
    return (await gather(making, directory)) > 0;
  } finally {
    await rm(making, { recursive: true, force: true });
  }
};

/** Of workers that were killed meanwhile. */
const removeLeftovers = async (directory: string): Promise<void> => {
  for (const name of await readdir(directory)) {
    const path = join(directory, name);
    const isOld = () => statSync(path).mtimeMs < Date.now() - leftoverAfterMs;
    if (name.startsWith(makingPrefix) && isOld()) await rm(path, { recursive: true, force: true });
  }
};

/**
 * Moves what Node has written: files named by eight digits, in a folder for each kind of Node. All else
 * stays behind.
 *
 * @returns How many files.
 */
export const gather = async (from: string, to: string): Promise<number> => {
  let moved = 0;
  const names = (path: string, fits: (entry: Dirent) => boolean) =>
    readdir(path, { withFileTypes: true }).then((all) => all.filter(fits).map(({ name }) => name));
  await chmod(to, readable.directory);
  for (const kind of await names(from, (entry) => entry.isDirectory())) {
    await mkdir(join(to, kind), { recursive: true });
    await chmod(join(to, kind), readable.directory);
    const fits = (entry: Dirent) => entry.isFile() && /^[0-9a-f]{8}$/.test(entry.name);
    for (const name of await names(join(from, kind), fits)) {
      const file = join(from, kind, name);
      await chmod(file, readable.file);
      if (process.getuid?.() === 0) await chown(file, 0, 0);
      await rename(file, join(to, kind, name));
      moved++;
    }
  }
  return moved;
};

const project = fileURLToPath(new URL("../../", import.meta.url));
let state: string | undefined;

/**
 * Changes with the code that children load. That it may miss a change costs time and nothing else:
 * Node itself compiles again what is not as it was.
 */
const stateOfCode = (): string => {
  state ??= [process.version, ...["worker", "domain", "package-lock.json"].map(stateOf)].join(" ");
  return state;
};

const stateOf = (name: string): string => {
  const path = join(project, name);
  if (!existsSync(path)) return "-";
  const below = statSync(path).isDirectory() ? readdirSync(path, { recursive: true }) : [""];
  const stats = below.map((file) => statSync(join(path, String(file))));
  const bytes = stats.reduce((sum, { size }) => sum + size, 0);
  return `${stats.length} ${bytes} ${Math.max(...stats.map(({ mtimeMs }) => mtimeMs))}`;
};
