/** The part of an execution class that says which processor instructions the native build used. */

import { readFile } from "node:fs/promises";

/**
 * What this machine's processor offers, measured: `x64-avx2`, `x64-avx512vnni`, `arm64-dotprod`, …
 * Where the system does not say (no `/proc/cpuinfo`) it is `<arch>-unmeasured`, which no comparator
 * takes as equal to anything.
 */
export const instructionSet = async (): Promise<string> => {
  const info = await readFile("/proc/cpuinfo", "utf8").catch(() => "");
  return describeInstructionSet(process.arch, info);
};

/** @param cpuInfo - The text of Linux's `/proc/cpuinfo`, or nothing. */
export const describeInstructionSet = (arch: string, cpuInfo: string): string => {
  const line = /^(?:flags|Features)\s*:\s*(.*)$/m.exec(cpuInfo)?.[1];
  if (line === undefined) return `${arch}-unmeasured`;
  const has = new Set(line.split(/\s+/));
  const levels = arch === "x64" ? x64Levels : arch === "arm64" ? arm64Levels : [];
  const level = levels.find(([, flags]) => flags.every((flag) => has.has(flag)));
  return `${arch}-${level?.[0] ?? "base"}`;
};

type Levels = readonly (readonly [name: string, flags: readonly string[]])[];

// The kernels that ONNX Runtime chooses between, best first. VNNI changes the bits of int8 models.
const avx512 = ["avx512f", "avx512bw", "avx512dq", "avx512vl"];
const x64Levels: Levels = [
  ["avx512vnni", [...avx512, "avx512_vnni"]],
  ["avx512", avx512],
  ["avx2vnni", ["avx2", "fma", "avx_vnni"]],
  ["avx2", ["avx2", "fma"]],
  ["avx", ["avx"]],
  ["sse", ["sse2"]],
];
const arm64Levels: Levels = [
  ["i8mm", ["asimddp", "i8mm"]],
  ["dotprod", ["asimddp"]],
  ["neon", ["asimd"]],
];
