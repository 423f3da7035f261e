/** Programs that misbehave, for children under test. Jobs never reach this module: it is given to the pool. */

import { randomFillSync } from "node:crypto";
import { mkdirSync, readdirSync, unlinkSync, writeFileSync } from "node:fs";
import { getCompileCacheDir } from "node:module";
import { dirname, join } from "node:path";
import { AppError, type AppErrorCode, type Execution, type Executor } from "../../executor.ts";
import { ownName } from "./processes.ts";

const text = (value: unknown) => ({
  output: new TextEncoder().encode(JSON.stringify(value)),
  mediaType: "application/json",
});

/** Blocks the thread, as native inference does. */
const block = (ms: number) => {
  for (const until = performance.now() + ms; performance.now() < until; );
};

type Program = (execution: Execution) => ReturnType<Executor["execute"]>;

const programs: Readonly<Record<string, Program>> = {
  /** The input `data` back, and how the child sees the request. */
  mirror: async ({ inputs: { data = new Uint8Array(0) } }) => ({
    output: data,
    mediaType: "image/png",
  }),
  describe: async ({ params, inputs }) => {
    const sizes = Object.entries(inputs).map(([name, bytes]) => [name, bytes.byteLength]);
    return text({ params, sizes });
  },
  name: async () => text(ownName()),
  environment: async () => text(process.env),
  /** Tries to leave something for the children after it. */
  poison: async () => {
    const directory = getCompileCacheDir();
    if (directory === undefined) return text({});
    const kept = readdirSync(directory);
    const attempt = (act: () => void) => {
      try {
        act();
        return "done";
      } catch (error) {
        return (error as NodeJS.ErrnoException).code;
      }
    };
    const [first = ""] = kept;
    return text({
      kept: kept.length,
      changes: attempt(() => writeFileSync(join(directory, first), "poison")),
      adds: attempt(() => writeFileSync(join(directory, "00000000"), "poison")),
      removes: attempt(() => unlinkSync(join(directory, first))),
      beside: attempt(() => mkdirSync(join(dirname(directory), "v0"))),
    });
  },
  /** For `ms`; tells when and where it ran. */
  work: async ({ params }) => {
    const from = performance.timeOrigin + performance.now();
    block(Number(params["ms"]));
    return text({ name: ownName(), from, to: performance.timeOrigin + performance.now() });
  },
  /** Computes for ever, on the main thread. */
  hang: async () => {
    for (;;) block(1_000);
  },
  /** As a fault in native code does. */
  crash: async () => {
    process.kill(process.pid, "SIGSEGV");
    block(10_000);
    return text("not reached");
  },
  leave: async () => process.exit(3),
  /** Takes `mebibytes` for good, and stays `ms` more. */
  grow: async ({ params }) => {
    for (let mebibyte = 0; mebibyte < Number(params["mebibytes"]); mebibyte++)
      kept.push(randomFillSync(Buffer.allocUnsafeSlow(2 ** 20)));
    block(Number(params["ms"] ?? 0));
    return text(ownName());
  },
  refuse: async ({ params }) => {
    throw new AppError(params["code"] as AppErrorCode, "the input is at fault");
  },
  fail: async () => {
    throw new TypeError("this machine is at fault");
  },
  large: async ({ params }) => ({
    output: new Uint8Array(Number(params["bytes"])),
    mediaType: "application/octet-stream",
  }),
};

export const programNames: readonly string[] = Object.keys(programs);

const kept: Buffer[] = [];

export const openExecutors = async (
  names: readonly string[],
  { engine }: { readonly engine: string },
): Promise<readonly Executor[]> =>
  names.map((name) => {
    const program = programs[name];
    if (!program) throw new AppError("unknown-app", `there is no program "${name}"`);
    return {
      apps: [name],
      executionClass: `test@1/${engine}/any/1t/none`,
      execute: program,
      close: async () => {},
    };
  });
