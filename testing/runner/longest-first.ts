/** In which order files are run: the longest first, so that none is left to run alone at the end. */
import { join } from "node:path";

/** Those that take ten seconds and more on two cores, the longest first. */
export const longest: readonly string[] = [
  "testing/chaos/storm.test.ts",
  "testing/e2e/start.test.ts",
  "testing/e2e/demo.test.ts",
  "worker/executors/wasm/hostile.test.ts",
  "worker/children/pool.test.ts",
  "worker/executors/hostile-models.test.ts",
  "testing/simulation/simulate.test.ts",
  "testing/e2e/bad-input.test.ts",
  "testing/cheats/cheats.test.ts",
  "streams/embedded/recovery.test.ts",
  "testing/chaos/split-roles.test.ts",
  "worker/executors/ocr.test.ts",
  "testing/e2e/sdk-in-browser.test.ts",
  "testing/hosts/join.test.ts",
  "gateway/hostile-queries.test.ts",
  "testing/simulation/planted.test.ts",
  "testing/runner/run-tests.test.ts",
  "examples/sdk/first-job.test.ts",
  "sdk/client.test.ts",
  "testing/sealed/canary.test.ts",
  "gateway/subscriptions.test.ts",
  "testing/contracts/event-store.wire.test.ts",
  "testing/contracts/task-queue.nats.test.ts",
  "domain/wasm/module.fuzz.test.ts",
  "cli/node-queue.test.ts",
  "cli/id/commands.test.ts",
];

/** The files with the longest first, and else in the order given. */
export const longestFirst = (root: string, files: readonly string[]): readonly string[] => {
  const known = new Set(files);
  const first = longest.map((file) => join(root, file)).filter((file) => known.has(file));
  const others = new Set(first);
  return [...first, ...files.filter((file) => !others.has(file))];
};
