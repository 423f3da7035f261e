/** What is checked besides tests: types, format and lint, and that generated files are fresh. */
import { spawnSync } from "node:child_process";

export interface Check {
  readonly name: string;
  /** Arguments for Node. */
  readonly args: readonly string[];
  /** What to do about a failure. */
  readonly remedy: string;
}

export const checks: readonly Check[] = [
  {
    name: "types",
    args: ["node_modules/typescript/bin/tsc", "-p", "."],
    remedy: "npm run typecheck shows the same",
  },
  {
    name: "format and lint",
    args: ["node_modules/@biomejs/biome/bin/biome", "check", "--max-diagnostics=20", "."],
    remedy: "npm run format repairs what can be repaired",
  },
  {
    name: "generated types are fresh",
    args: ["--disable-warning=ExperimentalWarning", "testing/check-generated.ts"],
    remedy: "npm run generate writes them anew",
  },
];

/** Runs one check in the root. Its output is shown only if it fails. */
export const runCheck = (root: string, { name, args, remedy }: Check): boolean => {
  const started = performance.now();
  const { status, stdout, stderr, error } = spawnSync(process.execPath, args, {
    cwd: root,
    encoding: "utf8",
    maxBuffer: 64 << 20,
  });
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  if (status === 0) {
    console.log(`✔ ${name} (${seconds} s)`);
    return true;
  }
  console.log(`✖ ${name} (${seconds} s): ${remedy}\n${stdout}${stderr}${error?.message ?? ""}`);
  return false;
};
