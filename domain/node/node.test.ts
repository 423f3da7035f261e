import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { assertEachRefusalShown, given, noon, noting } from "../../testing/given.ts";
import { type Capabilities, capabilitiesFault, type NodeEvent, node } from "./node.ts";

const { decider, refusals } = noting(node);
const aNode = given(decider);

const nodeId = "bobs-laptop";
const capabilities: Capabilities = {
  apps: [
    { app: "ocr", executionClass: "ort-node@1.30" },
    { app: "faces", executionClass: "ort-web@1.30" },
  ],
  slots: 2,
  backlog: 10,
  cpus: 4,
  memoryMb: 8_000,
  platform: "linux-x64",
  version: "0.1.0",
};
const more = { ...capabilities, slots: 3 };
const by = { nodeId, actor: "node:bobs-laptop", now: noon } as const;
const fact = { nodeId, at: noon } as const;

const register = (declared: Capabilities = capabilities, owner = "bob") =>
  ({ type: "RegisterNode", owner, capabilities: declared, ...by }) as const;
const suspend = { type: "SuspendNode", reason: "too many faults", ...by } as const;
const resume = { type: "ResumeNode", ...by } as const;
const registered: NodeEvent = { type: "NodeRegistered", owner: "bob", capabilities, ...fact };
const changed: NodeEvent = { type: "NodeCapabilitiesChanged", capabilities: more, ...fact };
const suspended: NodeEvent = { type: "NodeSuspended", reason: "too many faults", ...fact };
const resumed: NodeEvent = { type: "NodeResumed", ...fact };

describe("a node", () => {
  test("is registered once by its owner", () => aNode().when(register()).thenRecords(registered));

  test("belongs to whoever registered it first", () =>
    aNode(registered).when(register(capabilities, "eve")).thenRefuses("NodeOwnedByAnother"));

  test("may declare other capabilities later", () =>
    aNode(registered).when(register(more)).thenRecords(changed));

  test("changes nothing by naming its apps in another order", () => {
    const turned = { ...capabilities, apps: [...capabilities.apps].reverse() };
    aNode(registered).when(register(turned)).thenNothing();
  });

  test("is suspended and resumed, each once", () => {
    aNode(registered).when(suspend).thenRecords(suspended);
    aNode(registered, suspended).when(resume).thenRecords(resumed);
    aNode(registered).when(resume).thenNothing();
  });

  test("stays suspended when it declares other capabilities", () => {
    aNode(registered, suspended).when(register(more)).thenRecords(changed);
    aNode(registered, suspended, changed).when(suspend).thenNothing();
  });

  test("is drained by its owner from an instant on, and resumed, each once", () => {
    const drain = { type: "DrainNode", from: noon + 60_000, ...by } as const;
    const lift = { type: "LiftDrain", ...by } as const;
    const ordered: NodeEvent = { type: "NodeDrainOrdered", from: noon + 60_000, ...fact };
    const lifted: NodeEvent = { type: "NodeDrainLifted", ...fact };
    aNode(registered)
      .when({ ...drain, owner: "bob" })
      .thenRecords(ordered);
    aNode(registered).when(drain).thenRecords(ordered);
    aNode(registered, ordered)
      .when({ ...lift, owner: "bob" })
      .thenRecords(lifted);
    aNode(registered, ordered, lifted).when(lift).thenNothing();
    aNode(registered, ordered, changed).when(drain).thenNothing();
    const past: NodeEvent = { type: "NodeDrainOrdered", from: noon, ...fact };
    aNode(registered)
      .when({ ...drain, from: noon - 1 })
      .thenRecords(past);
    for (const command of [drain, lift]) {
      aNode(registered, ordered)
        .when({ ...command, owner: "eve" })
        .thenRefuses("NodeOwnedByAnother");
      aNode().when(command).thenRefuses("NodeUnknown");
    }
  });

  test("that nobody registered can be neither suspended nor resumed", () => {
    aNode().when(suspend).thenRefuses("NodeUnknown");
    aNode().when(resume).thenRefuses("NodeUnknown");
    const lone = [changed, suspended, resumed].reduce(node.evolve, node.initial);
    assert.deepEqual(lone, { status: "unknown" });
  });

  test("is refused with capabilities that cannot be believed", () => {
    const app = (change: object) => ({ apps: [{ ...capabilities.apps[0], ...change }] });
    const unbelievable: readonly object[] = [
      { apps: [] },
      { apps: "ocr" },
      { apps: Array(257).fill(capabilities.apps[0]) },
      {
        apps: Array.from({ length: 5 }, (_, i) => ({
          ...capabilities.apps[0],
          executionClass: `c@${i}`,
        })),
      },
      app({ app: "OCR" }),
      app({ app: undefined }),
      app({ executionClass: "" }),
      app({ executionClass: "a b" }),
      app({ executionClass: undefined }),
      { slots: 0 },
      { slots: 1_025 },
      { slots: 1.5 },
      { backlog: -1 },
      { backlog: 10_001 },
      { cpus: 0 },
      { memoryMb: 0 },
      { platform: "x".repeat(65) },
      { version: undefined },
    ];
    for (const change of unbelievable) {
      const declared = { ...capabilities, ...change } as Capabilities;
      assert.match(capabilitiesFault(declared) ?? "", /./, JSON.stringify(change));
      aNode().when(register(declared)).thenRefuses("BadCapabilities");
      aNode(registered).when(register(declared)).thenRefuses("BadCapabilities");
    }
  });

  test("may declare as much and as little as the bounds say", () => {
    for (const change of [{ slots: 1 }, { slots: 1_024 }, { backlog: 0 }, { backlog: 10_000 }])
      assert.equal(capabilitiesFault({ ...capabilities, ...change }), undefined);
  });
});

describe("a node that was convicted", () => {
  const proof = { jobHash: "ab".repeat(32), replica: 0, reason: "different-bytes" };
  const convict = { type: "ConvictNode", ...proof, ...by } as const;
  const convicted: NodeEvent = { type: "NodeConvicted", ...proof, ...fact };

  test("is expelled, once", () => aNode(registered).when(convict).thenRecords(convicted));

  test("is expelled also while it is suspended", () =>
    aNode(registered, suspended)
      .when(convict)
      .thenRecords({ ...convicted, wasSuspended: true }));

  test("is unknown if it never registered", () => aNode().when(convict).thenRefuses("NodeUnknown"));

  test("cannot register again, nor be resumed", () => {
    aNode(registered, convicted).when(register(more)).thenRefuses("NodeExpelled");
    aNode(registered, convicted).when(resume).thenRefuses("NodeExpelled");
    aNode(registered, convicted).when(suspend).thenNothing();
  });
});

describe("a node that was measured", () => {
  const executionClass = "wasm@1/v8/any/1t/deterministic";
  const measurementOf = (job: string, benchmarkMs: number) => ({
    app: "wasm",
    executionClass,
    trivial: { jobHash: `${job}0`, seed: "00".repeat(16), millis: 100 },
    benchmark: {
      ...{ jobHash: `${job}1`, seed: "11".repeat(16) },
      millis: benchmarkMs,
      instructions: 1_000_000_000,
    },
  });
  const measure = (job: string, ms: number) =>
    ({ type: "MeasureNode", measurement: measurementOf(job, ms), ...by }) as const;
  const first: NodeEvent = {
    type: "NodeMeasured",
    ...measurementOf("a", 600),
    ...{ samples: 1, mean: 2e9, variance: 0 },
    ...fact,
  };

  test("shows its speed without what a trivial task took", () =>
    aNode(registered).when(measure("a", 600)).thenRecords(first));

  test("shows the same once, however often it is said", () =>
    aNode(registered, first).when(measure("a", 600)).thenNothing());

  test("has the mean and the variance of all measurements", () =>
    aNode(registered, first)
      .when(measure("b", 350))
      .thenRecords({
        type: "NodeMeasured",
        ...measurementOf("b", 350),
        ...{ samples: 2, mean: 3e9, variance: 2e18 },
        ...fact,
      }));

  test("cannot seem faster by more than half of what it took", () =>
    aNode(registered)
      .when(measure("c", 101))
      .thenRecords({
        type: "NodeMeasured",
        ...measurementOf("c", 101),
        ...{ samples: 1, mean: Math.round(1e12 / 50.5), variance: 0 },
        ...fact,
      }));

  test("is not measured by nonsense, nor when it is unknown or expelled", () => {
    aNode(registered).when(measure("a", Number.NaN)).thenRefuses("BadMeasurement");
    aNode().when(measure("a", 600)).thenRefuses("NodeUnknown");
    const proof = { jobHash: "ab".repeat(32), replica: 0, reason: "different-bytes" };
    aNode(registered, { type: "NodeConvicted", ...proof, ...fact })
      .when(measure("a", 600))
      .thenNothing();
  });
});

test("each refusal of a node has been shown", () =>
  assertEachRefusalShown(refusals, {
    NodeUnknown: true,
    NodeOwnedByAnother: true,
    BadCapabilities: true,
    BadMeasurement: true,
    NodeExpelled: true,
  }));
