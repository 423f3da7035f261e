/**
 * A node: a registered machine that works, owned by an identity.
 *
 *     unknown --register--> active <--resume/suspend--> suspended
 *                              '-----convict--> expelled <--convict--'
 *
 * A node that was expelled stays so.
 */
import {
  accept,
  type Command,
  type Decider,
  type DomainEvent,
  type Instant,
  type Millis,
  refuse,
} from "../decider.ts";
import type { Digest, JobHash, NodeId } from "../ids.ts";
import { type Speed, speedShown, withSample } from "../probe/speed.ts";
import type { ProbeSize } from "../probe/task.ts";

/** What a node says that it can do. */
export interface Capabilities {
  /** Each app with the execution class in which the node computes it. */
  readonly apps: readonly { readonly app: string; readonly executionClass: string }[];
  /** Tasks that run at once, 1 to 1,024. */
  readonly slots: number;
  /** Tasks that may wait on the node beyond those that run, 0 to 10,000. */
  readonly backlog: number;
  readonly cpus: number;
  readonly memoryMb: number;
  /** Such as `linux-x64`. */
  readonly platform: string;
  /** Of the worker program. */
  readonly version: string;
}

export type NodeEvent =
  | NodeRegistered
  | NodeCapabilitiesChanged
  | NodeSuspended
  | NodeResumed
  | NodeDrainOrdered
  | NodeDrainLifted
  | NodeMeasured
  | NodeConvicted;
export type NodeRegistered = DomainEvent<
  "NodeRegistered",
  { nodeId: NodeId; owner: string; capabilities: Capabilities }
>;
export type NodeCapabilitiesChanged = DomainEvent<
  "NodeCapabilitiesChanged",
  { nodeId: NodeId; capabilities: Capabilities }
>;
export type NodeSuspended = DomainEvent<"NodeSuspended", { nodeId: NodeId; reason: string }>;
export type NodeResumed = DomainEvent<"NodeResumed", { nodeId: NodeId }>;
/** From then on the node gets no task, and from before then none that may last so long. */
export type NodeDrainOrdered = DomainEvent<"NodeDrainOrdered", { nodeId: NodeId; from: Instant }>;
export type NodeDrainLifted = DomainEvent<"NodeDrainLifted", { nodeId: NodeId }>;
/**
 * The node answered two known-answer tasks rightly, and showed how fast it is. It opens what nobody
 * could know before: that they were tests, and the seeds that they were made from (`probe/task.ts`).
 */
export type NodeMeasured = DomainEvent<"NodeMeasured", { nodeId: NodeId } & Measurement & Speed>;

/** A task whose answer is known, opened. */
export interface OpenedProbe {
  readonly jobHash: JobHash;
  readonly seed: string;
}

/** What a node took for a trivial task, and for one of known work right after it. */
export interface Measurement {
  readonly app: string;
  readonly executionClass: string;
  readonly trivial: OpenedProbe & { readonly millis: Millis };
  readonly benchmark: OpenedProbe & {
    /** From the assignment to the answer, by the log. */
    readonly millis: Millis;
    /** WebAssembly instructions that its loops take. */
    readonly instructions: number;
  };
}

/** A result of the node was proven wrong, by arbiters or by a known answer: it is expelled for ever. */
export type NodeConvicted = DomainEvent<
  "NodeConvicted",
  {
    nodeId: NodeId;
    jobHash: JobHash;
    replica: number;
    reason: string;
    /** It was given no work before. */
    wasSuspended?: true;
    /** The job was a known-answer task. */
    known?: KnownAnswer;
  }
>;

/** From which anybody computes what a result had to be. */
export interface KnownAnswer {
  readonly seed: string;
  readonly size: ProbeSize;
  /** Of the right output. */
  readonly outputDigest: Digest;
}

export type NodeCommand =
  | Command<"RegisterNode", { nodeId: NodeId; owner: string; capabilities: Capabilities }>
  | Command<"SuspendNode", { nodeId: NodeId; reason: string }>
  | Command<"ResumeNode", { nodeId: NodeId }>
  | Command<
      "DrainNode",
      {
        nodeId: NodeId;
        /** Who asks; left out for whoever may ask for any node. */
        owner?: string;
        /** Not before now. */
        from: Instant;
      }
    >
  | Command<"LiftDrain", { nodeId: NodeId; owner?: string }>
  | Command<"MeasureNode", { nodeId: NodeId; measurement: Measurement }>
  | Command<
      "ConvictNode",
      { nodeId: NodeId; jobHash: JobHash; replica: number; reason: string; known?: KnownAnswer }
    >;

export type NodeRefusal =
  | "NodeUnknown"
  | "NodeOwnedByAnother"
  | "BadCapabilities"
  | "BadMeasurement"
  | "NodeExpelled";

export type Node =
  | { readonly status: "unknown" }
  | {
      readonly status: "active" | "suspended" | "expelled";
      readonly owner: string;
      readonly capabilities: Capabilities;
      /** It takes no task from then on. */
      readonly drainFrom?: Instant | undefined;
      /** What was measured of it, by `<app> <execution class>`; left out if nothing was. */
      readonly speeds?: Readonly<Record<string, Measured>>;
    };

/** A speed, and the benchmark task that showed it last. */
interface Measured {
  readonly speed: Speed;
  readonly jobHash: JobHash;
}

export const node: Decider<NodeCommand, NodeEvent, Node, NodeRefusal> = {
  initial: { status: "unknown" },

  decide: (command, node) => {
    const { nodeId, now: at } = command;
    switch (command.type) {
      case "RegisterNode": {
        const { owner, capabilities } = command;
        if (capabilitiesFault(capabilities)) return refuse("BadCapabilities");
        if (node.status === "unknown")
          return accept({ type: "NodeRegistered", nodeId, owner, capabilities, at });
        if (node.owner !== owner) return refuse("NodeOwnedByAnother");
        if (node.status === "expelled") return refuse("NodeExpelled");
        if (sameCapabilities(node.capabilities, capabilities)) return accept();
        return accept({ type: "NodeCapabilitiesChanged", nodeId, capabilities, at });
      }
      case "SuspendNode":
        if (node.status === "unknown") return refuse("NodeUnknown");
        if (node.status !== "active") return accept();
        return accept({ type: "NodeSuspended", nodeId, reason: command.reason, at });
      case "ResumeNode":
        if (node.status === "unknown") return refuse("NodeUnknown");
        if (node.status === "active") return accept();
        if (node.status === "expelled") return refuse("NodeExpelled");
        return accept({ type: "NodeResumed", nodeId, at });
      case "MeasureNode": {
        const { measurement } = command;
        if (node.status === "unknown") return refuse("NodeUnknown");
        if (node.status === "expelled") return accept();
        const { trivial, benchmark } = measurement;
        const [work, took, base] = [benchmark.instructions, benchmark.millis, trivial.millis];
        if (!(work > 0 && took >= 0 && base >= 0)) return refuse("BadMeasurement");
        const before = node.speeds?.[nameOf(measurement)];
        if (before?.jobHash === benchmark.jobHash) return accept();
        const times = { millis: took, instructions: work, trivialMillis: base };
        const speed = withSample(before?.speed, speedShown(times));
        return accept({ type: "NodeMeasured", nodeId, ...measurement, ...speed, at });
      }
      case "DrainNode":
      case "LiftDrain": {
        if (node.status === "unknown") return refuse("NodeUnknown");
        const { owner = node.owner } = command;
        if (owner !== node.owner) return refuse("NodeOwnedByAnother");
        if (command.type === "LiftDrain")
          return node.drainFrom === undefined
            ? accept()
            : accept({ type: "NodeDrainLifted", nodeId, at });
        if (node.status === "expelled") return refuse("NodeExpelled");
        const from = Math.max(command.from, at);
        const { drainFrom } = node;
        const isSame =
          drainFrom === from || (drainFrom !== undefined && drainFrom <= at && from === at);
        return isSame ? accept() : accept({ type: "NodeDrainOrdered", nodeId, from, at });
      }
      case "ConvictNode": {
        const { jobHash, replica, reason, known } = command;
        if (node.status === "unknown") return refuse("NodeUnknown");
        if (node.status === "expelled") return accept(); // For one wrong result or for two.
        const was = node.status === "suspended" ? { wasSuspended: true as const } : {};
        const also = { ...was, ...(known ? { known } : {}) };
        return accept({ type: "NodeConvicted", nodeId, jobHash, replica, reason, ...also, at });
      }
    }
  },

  evolve: (node, event) => {
    switch (event.type) {
      case "NodeRegistered":
        return { status: "active", owner: event.owner, capabilities: event.capabilities };
      case "NodeCapabilitiesChanged":
        return node.status === "unknown" ? node : { ...node, capabilities: event.capabilities };
      case "NodeSuspended":
        return changed(node, "suspended");
      case "NodeResumed":
        return changed(node, "active");
      case "NodeDrainOrdered":
        return node.status === "unknown" ? node : { ...node, drainFrom: event.from };
      case "NodeDrainLifted":
        return node.status === "unknown" ? node : { ...node, drainFrom: undefined };
      case "NodeMeasured": {
        if (node.status === "unknown") return node;
        const { samples, mean, variance, benchmark } = event;
        const measured = { speed: { samples, mean, variance }, jobHash: benchmark.jobHash };
        return { ...node, speeds: { ...node.speeds, [nameOf(event)]: measured } };
      }
      case "NodeConvicted":
        return changed(node, "expelled");
    }
  },
};

/** The jobs that were tests of a node, as an event of its stream says when it is over. */
export const testsOpenedBy = (event: NodeEvent): readonly JobHash[] => {
  if (event.type === "NodeMeasured") return [event.trivial.jobHash, event.benchmark.jobHash];
  return event.type === "NodeConvicted" && event.known ? [event.jobHash] : [];
};

const nameOf = ({ app, executionClass }: Pick<Measurement, "app" | "executionClass">): string =>
  `${app} ${executionClass}`;

type Known = Exclude<Node, { status: "unknown" }>;

const changed = (node: Node, status: Known["status"]): Node =>
  node.status === "unknown" ? node : { ...node, status };

/** What is wrong with declared capabilities, as a sentence; undefined when they can be believed. */
export const capabilitiesFault = (capabilities: Capabilities): string | undefined => {
  const { apps, slots, backlog, cpus, memoryMb, platform, version } = capabilities;
  if (!Array.isArray(apps) || apps.length === 0 || apps.length > 256)
    return "a node declares 1 to 256 apps";
  for (const { app, executionClass } of apps)
    if (!isText(app, appForm) || !isText(executionClass, classForm))
      return `app "${String(app).slice(0, 40)}" or its execution class is not well formed`;
  const classes = new Map<string, number>();
  for (const { app } of apps) classes.set(app, (classes.get(app) ?? 0) + 1);
  for (const [app, count] of classes)
    if (count > classesPerAppMax)
      return `a node computes ${app} in at most ${classesPerAppMax} execution classes`;
  if (!Number.isInteger(slots) || slots < 1 || slots > 1024) return "slots must be 1 to 1024";
  if (!Number.isInteger(backlog) || backlog < 0 || backlog > 10_000)
    return "backlog must be 0 to 10000";
  if (!Number.isInteger(cpus) || cpus < 1) return "cpus must be at least 1";
  if (!Number.isInteger(memoryMb) || memoryMb < 1) return "memoryMb must be at least 1";
  if (!isText(platform, labelForm) || !isText(version, labelForm))
    return "platform and version are texts of at most 64 plain characters";
  return undefined;
};

/** Each is looked at when a task is given to somebody. */
const classesPerAppMax = 4;
const appForm = /^[a-z][a-z0-9-]{0,31}$/;
const classForm = /^[a-z0-9@./_-]{1,128}$/;
const labelForm = /^[ -~]{0,64}$/;

/** A regular expression alone would take `undefined` for the text "undefined". */
const isText = (value: unknown, form: RegExp): boolean =>
  typeof value === "string" && form.test(value);

const sameCapabilities = (a: Capabilities, b: Capabilities): boolean =>
  JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));

const sorted = (capabilities: Capabilities) => [
  capabilities.apps.map(({ app, executionClass }) => `${app} ${executionClass}`).sort(),
  capabilities.slots,
  capabilities.backlog,
  capabilities.cpus,
  capabilities.memoryMb,
  capabilities.platform,
  capabilities.version,
];
