/** A job and a node of the app `echo`, as small as they come. */
import type { JobSpec } from "../domain/job/spec.ts";
import type { Capabilities } from "../domain/node/node.ts";

export const echoClass = "plain@1/js/any/1t/none";

export const echoSpec: JobSpec = {
  version: 1,
  client: "client:ada",
  app: "echo",
  params: {},
  inputs: {},
  comparator: { kind: "exact" },
  quorum: 2,
  replicasMax: 4,
  price: "100",
  engine: "",
  wallMs: 5_000,
  deadlineMs: 3_600_000,
  priority: 3,
  nonce: "",
};

/** Two slots, and two tasks more that wait for one. */
export const echoCapabilities: Capabilities = {
  apps: [{ app: "echo", executionClass: echoClass }],
  slots: 2,
  backlog: 2,
  cpus: 1,
  memoryMb: 512,
  platform: "linux-x64",
  version: "1",
};
