/** The worker's host on Node: registers the node, opens executors, queue and blobs, runs the core. */
import { randomBytes } from "node:crypto";
import { cpus, totalmem } from "node:os";
import { native } from "../crypto/primitives-native.ts";
import type { AllowList } from "../domain/collection/allow-list.ts";
import type { Instant, Millis } from "../domain/decider.ts";
import type { Capabilities } from "../domain/node/node.ts";
import type { Fetch } from "../sdk/identity/authority.ts";
import { authorityOf } from "../sdk/identity/authority-of.ts";
import { CnctRefusal, CnctUnavailable, scopesOfRoles } from "../sdk/index.ts";
import { wallClock } from "../streams/clock.ts";
import type { TaskOrder, TaskSource } from "../streams/task-queue.ts";
import { type FenceWish, openFence } from "../worker/children/fence.ts";
import { openExecutorPool } from "../worker/children/pool.ts";
import { openCollect } from "../worker/collect/collect.ts";
import type { Executor } from "../worker/executor.ts";
import { openSeals, type Seals } from "../worker/sealed.ts";
import type { Signer } from "../worker/statements.ts";
import { runWorker, type WorkerNotice } from "../worker/worker.ts";
import { claimName } from "./claim-name.ts";
import { nativeSha256 } from "./native-proofs.ts";
import { openNodeQueue } from "./node-queue.ts";
import { openWorkerBlobs } from "./worker-blobs.ts";
import type { WorkerIdentity } from "./worker-identity.ts";

export interface WorkerHostOptions {
  readonly gateway: string;
  /** The node's name; the same name is the same node. */
  readonly nodeId: string;
  readonly owner: string;
  /** As whom it registers, signs, stores outputs and connects, where the gateway asks for that. */
  readonly identity?: WorkerIdentity;
  readonly apps: readonly string[];
  /** More than one engine makes the node able to work in several execution classes. */
  readonly engines: readonly ("ort-node" | "ort-web")[];
  /** Hosts that it may collect from; without any it does not offer `collect`. */
  readonly collectAllow?: AllowList;
  readonly slots: number;
  readonly backlog: number;
  /** Default: `auto`. */
  readonly fence?: FenceWish;
  /** Instead of the one that the gateway names. */
  readonly natsUrl?: string;
  readonly version: string;
  /** When it will be stopped: told to the network, so that no task is cut short then. */
  readonly drainAt?: Instant;
  /** Signs what the node states, for the identity that owns it. */
  readonly signer?: Signer;
  /** Computes with these, in this process, and not with processes of its own. */
  readonly executors?: readonly Executor[];
  /** What the worker has for the queue, if not the queue itself. */
  readonly throughQueue?: (source: TaskSource) => TaskSource;
  readonly notify: (notice: WorkerNotice) => void;
  readonly onLog: (line: string) => void;
}

export interface WorkerHost {
  readonly capabilities: Capabilities;
  held(): number;
  /** How long what is computed now may take yet, ms; 0 if nothing is. */
  workLeftMs(): Millis;
  /** Finishes what runs, gives back what waits, and leaves. */
  close(): Promise<void>;
}

/** The node could not register; `code` is the gateway's, or `gateway-unreachable`. */
export class RegistrationError extends Error {
  readonly code: string;
  constructor(code: string, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = "RegistrationError";
    this.code = code;
  }
}

/**
 * @throws {RegistrationError} When the gateway refuses, or cannot be reached.
 * @throws {FenceError} `no-fence`, where there is to be one.
 * @throws {CliFailure} `name-in-use`, for a second worker of a name.
 */
export const runWorkerHost = async (options: WorkerHostOptions): Promise<WorkerHost> => {
  if (options.executors) return runWith(options.executors, options);
  const release = await claimName(options.gateway, options.nodeId);
  const executors: Executor[] = [];
  try {
    const { collectAllow: allow, version } = options;
    // One for the whole node, and in this process: `docs/decisions/0008-collect-in-the-supervisor.md`.
    if (allow && options.apps.includes("collect")) executors.push(openCollect({ allow, version }));
    const fence = await openFence(options.fence ?? "auto");
    options.onLog(`fence: ${fence.says}`);
    for (const engine of options.engines)
      executors.push(
        ...(await openExecutorPool({
          apps: options.apps.filter((app) => app !== "collect"),
          engine,
          fence,
          children: Math.max(1, options.slots),
          // The first engine is the node's main one; the others' children start when tasks come.
          ...(engine === options.engines[0] ? {} : { warm: 0 }),
          onTrouble: (what, error) => options.notify({ type: "trouble", what, error }),
        })),
      );
    const host = await runWith(executors, options);
    const close = async (): Promise<void> => {
      await host.close();
      await release();
    };
    return { ...host, close };
  } catch (error) {
    for (const executor of executors) await executor.close();
    await release();
    throw error;
  }
};

/** How long one request of a login may take. */
const requestMs: Millis = 30_000;

const runWith = async (
  executors: readonly Executor[],
  options: WorkerHostOptions,
): Promise<WorkerHost> => {
  const { nodeId, owner, slots, backlog } = options;
  const gateway = options.gateway.replace(/\/+$/, "");
  const capabilities: Capabilities = {
    apps: offersOf(executors),
    slots,
    backlog,
    cpus: cpus().length,
    memoryMb: Math.floor(totalmem() / 1_048_576),
    platform: `${process.platform}-${process.arch}`,
    version: options.version,
  };
  const { fetch } = globalThis;
  const authority = authorityOf(
    { identity: options.identity?.current, scopes: scopesOfRoles.worker },
    { gateway, fetch, timeoutMs: requestMs },
  );
  const asked = authority?.fetch ?? fetch;
  const registered = await register({ gateway, fetch: asked }, { id: nodeId, owner, capabilities });
  const queue = await openNodeQueue({
    ...options,
    gateway,
    fetch: asked,
    natsUrl: options.natsUrl ?? registered.natsUrl,
  });
  const source = options.throughQueue?.(queue.source) ?? queue.source;
  const running = new Map<string, Instant>();
  const nameOf = ({ jobHash, replica, attempt }: TaskOrder) => `${jobHash}/${replica}/${attempt}`;
  const notify = (notice: WorkerNotice): void => {
    if (notice.type === "task-started")
      running.set(nameOf(notice.task), wallClock.now() + notice.task.wallMs);
    if (notice.type === "task-ended") running.delete(nameOf(notice.task));
    options.notify(notice);
  };
  const worker = runWorker({
    source,
    nodeId,
    signer: options.signer ?? signerOf(options.identity),
    primitives: native,
    seals: sealsOf(options.identity),
    executors,
    blobs: openWorkerBlobs({ gateway, fetch: asked }),
    clock: wallClock,
    slots,
    backlog,
    instance: `${nodeId}-${randomBytes(6).toString("hex")}`,
    ...(options.drainAt === undefined ? {} : { drainAt: options.drainAt }),
    notify,
  });
  return {
    capabilities,
    held: () => worker.held(),
    workLeftMs: () => Math.max(0, ...[...running.values()].map((end) => end - wallClock.now())),
    close: async () => {
      await worker.drain();
      await queue.close();
      for (const executor of executors) await executor.close();
    },
  };
};

/** What a node states is signed by the key that its owner has at that moment. */
const signerOf = (identity: WorkerIdentity | undefined): Signer | undefined =>
  identity && {
    worker: identity.latest().id,
    get rootKey() {
      return identity.latest().rootKey;
    },
    get sign() {
      return identity.latest().sign;
    },
  };

/** What is wrapped for a key of the owner is opened with it, also for one that was retired meanwhile. */
const sealsOf = (identity: WorkerIdentity | undefined): Seals | undefined =>
  identity &&
  openSeals({
    secretOf: (keyId) => identity.latest().encryptionSecret(keyId),
    primitives: native,
    sha256: nativeSha256,
  });

/** Each app once for each class: two engines may share executors of apps that need none. */
const offersOf = (executors: readonly Executor[]): Capabilities["apps"] => {
  const offers = new Map<string, { app: string; executionClass: string }>();
  for (const { apps, executionClass } of executors)
    for (const app of apps) offers.set(`${app} ${executionClass}`, { app, executionClass });
  return [...offers.values()];
};

const mutation = `mutation Register($input: RegisterNodeInput!) {
  registerNode(input: $input) {
    __typename
    ... on RegisteredNode { natsUrl }
    ... on Refusal { code message }
  }
}`;

interface Registration {
  readonly data?: {
    readonly registerNode:
      | { readonly __typename: "RegisteredNode"; readonly natsUrl: string }
      | { readonly __typename: "Refusal"; readonly code: string; readonly message: string };
  } | null;
  readonly errors?: readonly { readonly message: string }[];
}

const register = async (
  { gateway, fetch }: { readonly gateway: string; readonly fetch: Fetch },
  input: { readonly id: string; readonly owner: string; readonly capabilities: Capabilities },
): Promise<{ readonly natsUrl: string }> => {
  let answer: Registration;
  try {
    const response = await fetch(new URL("/graphql", gateway).href, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ query: mutation, variables: { input } }),
    });
    answer = (await response.json()) as Registration;
  } catch (error) {
    if (error instanceof CnctRefusal) throw new RegistrationError(error.code, error.message, error);
    if (error instanceof CnctUnavailable) throw error;
    throw new RegistrationError("gateway-unreachable", `no gateway answers at ${gateway}`, error);
  }
  const result = answer.data?.registerNode;
  if (!result) {
    const message = answer.errors?.[0]?.message ?? "the gateway gave no answer";
    throw new RegistrationError("registration-failed", message);
  }
  if (result.__typename === "Refusal") throw new RegistrationError(result.code, result.message);
  return result;
};
