/**
 * ONNX models that mean harm, or are broken, with what must become of each. One list, so that it is
 * seen at a glance what has been thought of.
 */

import {
  type Constant,
  linearModel,
  type Model,
  message,
  type Node,
  nested,
  number,
  onnxModel,
  text,
  type Value,
  varint,
} from "../../../testing/fixtures/onnx-model.ts";

export interface HostileModel {
  readonly name: string;
  readonly model: () => Uint8Array;
  /** Codes that it may end with; `timed-out` is what only its limit ends. */
  readonly becomes: readonly (
    | "bad-model"
    | "bad-tensor"
    | "shape-mismatch"
    | "output-too-large"
    | "out-of-memory"
    | "timed-out"
  )[];
  /** Also on the other engine: what is beyond the scan. */
  readonly both?: true;
}

type Graph = Omit<Model, "opset">;

const x: Value = { name: "x", type: "float32", shape: ["n"] };
const y: Value = { name: "y", type: "float32", shape: ["n"] };
const io = { inputs: [x], outputs: [y] };
const relu: Node = { operator: "Relu", inputs: ["x"], outputs: ["y"] };
const whole = (name: string, ...data: readonly bigint[]): Constant => ({
  name,
  shape: [data.length],
  data,
});

/** A model of raw bytes for its graph. */
const raw = (...graph: readonly Uint8Array[]): Uint8Array =>
  message([number(1, 8), nested(7, message(graph)), nested(8, message([number(2, 13)]))]);

const many = (count: number, bytes: Uint8Array): Uint8Array => {
  const all = new Uint8Array(count * bytes.length);
  for (let at = 0; at < all.length; at += bytes.length) all.set(bytes, at);
  return all;
};

/** A tensor of raw fields. */
const tensor = (dims: readonly (number | bigint)[], ...more: readonly Uint8Array[]): Uint8Array =>
  nested(5, message([...dims.map((size) => number(1, size)), number(2, 1), text(8, "c"), ...more]));
const withTensor = (...bytes: readonly Uint8Array[]): Uint8Array =>
  message([
    number(1, 8),
    nested(7, message([...bytes, ...plainGraph])),
    nested(8, message([number(2, 13)])),
  ]);
/** x + c = y, without c. */
const plainGraph: readonly Uint8Array[] = (() => {
  const node = message([text(1, "x"), text(1, "c"), text(2, "y"), text(4, "Add")]);
  const shape = nested(2, nested(1, message([number(1, 1), nested(2, nested(1, text(2, "n")))])));
  return [
    nested(1, node),
    text(2, "g"),
    nested(11, message([text(1, "x"), shape])),
    nested(12, message([text(1, "y"), shape])),
  ];
})();

const external = (location: string): Uint8Array =>
  onnxModel({
    ...io,
    constants: [{ name: "c", shape: [1], data: [1], externalFile: location }],
    nodes: [{ operator: "Add", inputs: ["x", "c"], outputs: ["y"] }],
  });

/** y = x changed by one node with these constants. */
const grows = (node: Omit<Node, "outputs">, constants: readonly Constant[]): Uint8Array =>
  onnxModel({
    inputs: [x],
    // Reduced, so that only what is in between is large.
    outputs: [{ name: "y", type: "float32", shape: [] }],
    constants,
    nodes: [
      { ...node, outputs: ["big"] },
      {
        operator: "ReduceSum",
        inputs: ["big"],
        outputs: ["y"],
        attributes: { keepdims: 0 },
      },
    ],
  });

/** Repeats a body so many times. */
const loop = (trips: bigint, body: Graph): Uint8Array =>
  onnxModel({
    inputs: [x],
    outputs: [y],
    constants: [{ name: "trips", shape: [], data: [trips] }],
    nodes: [
      {
        operator: "Loop",
        inputs: ["trips", "", "x"],
        outputs: ["y"],
        attributes: { body },
      },
    ],
  });
/** What a loop's body takes and gives; no name may be there twice, also not in graphs around it. */
const bodyOf = (level: string, last: Omit<Node, "inputs" | "outputs">, copies = 1): Graph => ({
  inputs: [
    { name: `i${level}`, type: "int64", shape: [] },
    { name: `c${level}`, type: "bool", shape: [] },
    { name: `v${level}`, type: "float32", shape: ["n"] },
  ],
  outputs: [
    { name: `d${level}`, type: "bool", shape: [] },
    { name: `w${level}`, type: "float32", shape: ["n"] },
  ],
  nodes: [
    { operator: "Identity", inputs: [`c${level}`], outputs: [`d${level}`] },
    { ...last, inputs: Array(copies).fill(`v${level}`), outputs: [`w${level}`] },
  ],
});
const spin = bodyOf("", { operator: "Relu" });
const double = bodyOf("", { operator: "Concat", attributes: { axis: 0 } }, 2);

/** Loops in loops, a thousand turns each. */
const nest = (depth: number): Graph => {
  const level = String(depth);
  const body = bodyOf(level, { operator: "Relu" });
  if (depth === 0) return body;
  const [condition] = body.nodes;
  const inner: Node = {
    operator: "Loop",
    inputs: [`t${level}`, "", `v${level}`],
    outputs: [`w${level}`],
    attributes: { body: nest(depth - 1) },
  };
  return {
    ...body,
    constants: [{ name: `t${level}`, shape: [], data: [1_000n] }],
    nodes: condition ? [condition, inner] : [inner],
  };
};

const good = linearModel({ a: 1, b: 1 });
const huge = 2n ** 62n;

const bad = (
  name: string,
  model: () => Uint8Array,
  becomes: HostileModel["becomes"] = ["bad-model"],
): HostileModel => ({ name, model, becomes });

/** What only shows when it is computed, so that both engines must hold. */
const computed = (...of: Parameters<typeof bad>): HostileModel => ({ ...bad(...of), both: true });

export const hostileModels: readonly HostileModel[] = [
  // Not whole.
  bad("nothing", () => new Uint8Array(0)),
  bad("a text", () => new TextEncoder().encode("#!/bin/sh\ncat /etc/passwd\n")),
  ...[0.25, 0.5, 0.9].map((part) =>
    bad(`cut off at ${part}`, () => good.slice(0, Math.floor(good.length * part))),
  ),
  bad("a length beyond the end", () => message([varint(7 * 8 + 2), varint(2 ** 31)])),
  bad("a length of 2^63", () => message([varint(7 * 8 + 2), varint(2n ** 63n)])),
  bad("a number without end", () => new Uint8Array(4_096).fill(0xff)),
  bad("a million numbers without end", () => many(100_000, new Uint8Array(10).fill(0xff))),
  bad("groups that are never closed", () => new Uint8Array(100_000).fill(0x0b)),
  bad("a gzip bomb", () => Uint8Array.from([0x1f, 0x8b, 8, 0, ...new Uint8Array(2_000)])),
  bad("a zip", () => Uint8Array.from([0x50, 0x4b, 3, 4, ...new Uint8Array(2_000)])),
  // Too much of something.
  bad("3 million empty nodes", () => raw(many(3_000_000, Uint8Array.of(0x0a, 0))), [
    "out-of-memory",
  ]),
  bad("3 million empty tensors", () => raw(many(3_000_000, Uint8Array.of(0x2a, 0))), [
    "out-of-memory",
    "bad-model",
  ]),
  bad(
    "3 million unknown fields",
    () => message([raw(), many(3_000_000, Uint8Array.of(0xa0, 0x06))]),
    ["out-of-memory", "bad-model"],
  ),
  bad(
    "3 million nodes in training",
    () => message([raw(), nested(20, nested(1, many(3_000_000, Uint8Array.of(0x0a, 0))))]),
    ["out-of-memory"],
  ),
  bad("a name of 16 MiB", () => raw(text(2, "n".repeat(2 ** 24)), ...plainGraph), [
    "bad-model",
    "out-of-memory",
  ]),
  bad("graphs in graphs, 60 deep", () => {
    let graph = message([]);
    for (let depth = 0; depth < 60; depth++)
      graph = nested(
        1,
        message([
          text(4, "If"),
          nested(5, message([text(1, "then_branch"), nested(6, graph), number(20, 5)])),
        ]),
      );
    return raw(graph);
  }),
  bad("graphs in graphs, 10,000 deep", () => {
    let graph = message([]);
    for (let depth = 0; depth < 10_000; depth++) graph = nested(1, nested(5, nested(6, graph)));
    return raw(graph);
  }),
  bad("types in types, 10,000 deep", () => {
    let type = message([]);
    for (let depth = 0; depth < 10_000; depth++) type = nested(4, nested(1, type));
    return raw(...plainGraph, nested(13, message([text(1, "z"), nested(2, type)])));
  }),
  // Tensors that are not what they claim.
  bad("weights of 2^62 elements", () => withTensor(tensor([huge]))),
  bad("weights of 2^62 by 2^62", () => withTensor(tensor([huge, huge]))),
  bad("weights of -1 elements", () => withTensor(tensor([-1]))),
  bad("weights whose size wraps around", () =>
    withTensor(tensor([2n ** 32n, 2n ** 32n], nested(9, new Uint8Array(4)))),
  ),
  bad(
    "2,000 sizes of 0 and 2^62",
    () => withTensor(tensor([0, ...Array<bigint>(2_000).fill(huge)])),
    ["bad-model", "shape-mismatch"],
  ),
  bad("fewer bytes than elements", () => withTensor(tensor([1_000], nested(9, new Uint8Array(4))))),
  bad("more bytes than elements", () => withTensor(tensor([1], nested(9, new Uint8Array(4_000))))),
  bad("an element type that does not exist", () =>
    withTensor(
      nested(
        5,
        message([number(1, 1), number(2, 999), text(8, "c"), nested(9, new Uint8Array(4))]),
      ),
    ),
  ),
  bad("texts as weights", () =>
    withTensor(
      nested(5, message([number(1, 2), number(2, 8), text(8, "c"), text(6, "a"), text(6, "b")])),
    ),
  ),
  bad(
    "sparse weights of 2^40 elements",
    () =>
      withTensor(
        nested(
          15,
          message([
            nested(
              1,
              message([number(1, 1), number(2, 1), text(8, "c"), nested(9, new Uint8Array(4))]),
            ),
            nested(
              2,
              message([number(1, 1), number(2, 7), text(8, "i"), nested(9, new Uint8Array(8))]),
            ),
            number(3, 2n ** 40n),
          ]),
        ),
      ),
    ["out-of-memory"],
  ),
  bad("sparse weights with an index outside", () =>
    withTensor(
      nested(
        15,
        message([
          nested(
            1,
            message([number(1, 1), number(2, 1), text(8, "c"), nested(9, new Uint8Array(4))]),
          ),
          nested(
            2,
            message([
              number(1, 1),
              number(2, 7),
              text(8, "i"),
              nested(9, new Uint8Array([255, 255, 255, 127, 0, 0, 0, 0])),
            ]),
          ),
          number(3, 4),
        ]),
      ),
    ),
  ),
  bad("a million unpacked sizes", () => withTensor(nested(5, many(1_000_000, number(1, 1))))),
  // Files of this machine.
  ...[
    "../../../../../../etc/passwd",
    "/etc/passwd",
    "/proc/self/environ",
    "/proc/1/environ",
    "file:///etc/passwd",
    "package.json",
    "\\\\\\\\server\\\\share",
    "/dev/zero",
    "a\0b",
  ].map((location) => bad(`weights in ${JSON.stringify(location)}`, () => external(location))),
  bad("weights in a file, by a Constant within an If", () =>
    onnxModel({
      ...io,
      constants: [{ name: "one", shape: [], data: [1] }],
      nodes: [
        { operator: "Cast", inputs: ["one"], outputs: ["t"], attributes: { to: 9 } },
        {
          operator: "If",
          inputs: ["t"],
          outputs: ["y"],
          attributes: Object.fromEntries(
            ["then_branch", "else_branch"].map((branch) => [
              branch,
              {
                inputs: [],
                outputs: [{ name: "k", type: "float32", shape: [1] }],
                nodes: [
                  {
                    operator: "Constant",
                    inputs: [],
                    outputs: ["k"],
                    value: { name: "k", shape: [1], data: [1], externalFile: "/etc/passwd" },
                  },
                ],
              } satisfies Graph,
            ]),
          ),
        },
      ],
    }),
  ),
  // Operators.
  bad("an operator of its own", () =>
    onnxModel({ ...io, nodes: [{ ...relu, operator: "Exec", domain: "evil.corp" }] }),
  ),
  bad("an operator that does not exist", () =>
    onnxModel({ ...io, nodes: [{ ...relu, operator: "System" }] }),
  ),
  bad("Python", () =>
    onnxModel({ ...io, nodes: [{ ...relu, operator: "PyOp", domain: "pyopmulti_1" }] }),
  ),
  bad("a compiled context from a file", () =>
    onnxModel({ ...io, nodes: [{ ...relu, operator: "EPContext", domain: "com.microsoft" }] }),
  ),
  bad("operator set 999", () => onnxModel({ ...io, nodes: [relu], opset: 999 })),
  bad("operator set 0", () => onnxModel({ ...io, nodes: [relu], opset: 0 })),
  // Graphs.
  bad("a circle", () =>
    onnxModel({
      ...io,
      nodes: [
        { operator: "Add", inputs: ["x", "b"], outputs: ["a"] },
        { operator: "Relu", inputs: ["a"], outputs: ["b"] },
        { operator: "Relu", inputs: ["b"], outputs: ["y"] },
      ],
    }),
  ),
  bad("a node that needs itself", () => onnxModel({ ...io, nodes: [{ ...relu, inputs: ["y"] }] })),
  bad("two nodes of one output", () => onnxModel({ ...io, nodes: [relu, relu] })),
  bad("an output that nobody makes", () =>
    onnxModel({ ...io, nodes: [{ ...relu, outputs: ["z"] }] }),
  ),
  bad("an input twice", () => onnxModel({ inputs: [x, x], outputs: [y], nodes: [relu] })),
  bad("a constant with a node's name", () =>
    onnxModel({ ...io, constants: [{ name: "y", shape: [1], data: [1] }], nodes: [relu] }),
  ),
  // Growth.
  bad(
    "ConstantOfShape 2^62",
    () => grows({ operator: "ConstantOfShape", inputs: ["s"] }, [whole("s", huge)]),
    ["bad-model", "bad-tensor", "out-of-memory", "shape-mismatch"],
  ),
  bad(
    "ConstantOfShape -1",
    () => grows({ operator: "ConstantOfShape", inputs: ["s"] }, [whole("s", -1n)]),
    ["bad-model", "bad-tensor", "shape-mismatch"],
  ),
  bad(
    "ConstantOfShape 16 GiB",
    () => grows({ operator: "ConstantOfShape", inputs: ["s"] }, [whole("s", 2n ** 32n)]),
    ["out-of-memory", "shape-mismatch"],
  ),
  computed(
    "ConstantOfShape 1 GiB",
    () => grows({ operator: "ConstantOfShape", inputs: ["s"] }, [whole("s", 2n ** 28n)]),
    ["out-of-memory"],
  ),
  bad(
    "Expand to 2^62",
    () => grows({ operator: "Expand", inputs: ["x", "s"] }, [whole("s", 2n ** 60n, 4n)]),
    ["bad-model", "bad-tensor", "out-of-memory", "shape-mismatch"],
  ),
  computed(
    "Expand to 1 GiB",
    () => grows({ operator: "Expand", inputs: ["x", "s"] }, [whole("s", 2n ** 26n, 4n)]),
    ["out-of-memory"],
  ),
  bad(
    "Tile to 4 GiB",
    () => grows({ operator: "Tile", inputs: ["x", "s"] }, [whole("s", 2n ** 28n)]),
    ["out-of-memory"],
  ),
  bad(
    "Tile that wraps around",
    () => grows({ operator: "Tile", inputs: ["x", "s"] }, [whole("s", huge)]),
    ["bad-model", "bad-tensor", "out-of-memory", "shape-mismatch"],
  ),
  bad(
    "Pad by 2^40",
    () => grows({ operator: "Pad", inputs: ["x", "s"] }, [whole("s", 2n ** 40n, 0n)]),
    ["bad-tensor", "out-of-memory", "bad-model", "shape-mismatch"],
  ),
  bad(
    "outputs of 9 million elements",
    () =>
      onnxModel({
        ...io,
        constants: [whole("s", 2_250_000n)],
        nodes: [{ operator: "Tile", inputs: ["x", "s"], outputs: ["y"] }],
      }),
    ["output-too-large"],
  ),
  computed("thirty concatenations that double", () => {
    const nodes = Array.from(
      { length: 30 },
      (_, at): Node => ({
        operator: "Concat",
        inputs: [at === 0 ? "x" : `d${at - 1}`, at === 0 ? "x" : `d${at - 1}`],
        outputs: [`d${at}`],
        attributes: { axis: 0 },
      }),
    );
    return onnxModel({
      inputs: [x],
      outputs: [{ name: "y", type: "float32", shape: [] }],
      nodes: [
        ...nodes,
        { operator: "ReduceSum", inputs: ["d29"], outputs: ["y"], attributes: { keepdims: 0 } },
      ],
    });
  }, ["out-of-memory"]),
  computed("a loop that grows what it carries", () => loop(2n ** 40n, double), ["out-of-memory"]),
  // Time.
  computed("a loop of 2^62 turns", () => loop(huge, spin), ["timed-out"]),
  bad("loops in loops, 1,000 turns each", () => loop(1_000n, nest(4)), ["timed-out"]),
  bad(
    "a loop in what is computed when it is loaded",
    () =>
      onnxModel({
        ...io,
        constants: [
          { name: "trips", shape: [], data: [huge] },
          { name: "k", shape: [4], data: [1, 2, 3, 4] },
        ],
        nodes: [
          {
            operator: "Loop",
            inputs: ["trips", "", "k"],
            outputs: ["l"],
            attributes: { body: spin },
          },
          { operator: "Add", inputs: ["x", "l"], outputs: ["y"] },
        ],
      }),
    ["timed-out"],
  ),
  bad(
    "a product of matrices for hours",
    () =>
      onnxModel({
        inputs: [x],
        outputs: [{ name: "y", type: "float32", shape: [] }],
        constants: [whole("s", 4_000n, 4_000n)],
        nodes: [
          { operator: "ConstantOfShape", inputs: ["s"], outputs: ["m0"] },
          ...Array.from(
            { length: 40 },
            (_, at): Node => ({
              operator: "MatMul",
              inputs: [`m${at}`, "m0"],
              outputs: [`m${at + 1}`],
            }),
          ),
          { operator: "ReduceSum", inputs: ["m40"], outputs: ["r"], attributes: { keepdims: 0 } },
          { operator: "Add", inputs: ["r", "r"], outputs: ["y"] },
        ],
      }),
    ["timed-out"],
  ),
];
