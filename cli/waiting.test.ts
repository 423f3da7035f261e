import assert from "node:assert/strict";
import { test } from "node:test";
import type { JobView, NodeView } from "../sdk/index.ts";
import { usable, whyOpen } from "./waiting.ts";

const node = (id: string, { classes = ["ort-node@1/x"], held = 0 } = {}): NodeView =>
  ({
    id,
    held,
    capabilities: {
      apps: classes.map((executionClass) => ({ app: "ocr", executionClass })),
      slots: 1,
      backlog: 1,
    },
  }) as unknown as NodeView;

type TaskGiven = readonly [nodeId: string, status: string];
const job = ({
  tasks = [],
  funded = true,
  disagree = false,
  kind = "text",
}: {
  tasks?: readonly TaskGiven[];
  funded?: boolean;
  disagree?: boolean;
  kind?: string;
} = {}): JobView =>
  ({
    app: "ocr",
    engine: "",
    quorum: 2,
    spec: { comparator: { kind } },
    escrow: funded ? { funded: "4", refunded: null } : null,
    disagreement: disagree ? { groups: [[0], [1]] } : null,
    tasks: tasks.map(([nodeId, status]) => ({ nodeId, status })),
  }) as unknown as JobView;

const two = [node("ada"), node("bob")];

test("an open job says why it waits", () => {
  const busy = [node("ada", { held: 2 }), node("bob", { held: 2 }), node("eve")];
  const cases: readonly (readonly [JobView, readonly NodeView[], RegExp])[] = [
    [job({ funded: false }), two, /until its points are set aside/],
    [job(), [], /2 more must offer ocr, and 0 of the live ones/],
    [job(), two.slice(1), /2 more must offer ocr, and 1 of the live ones/],
    [job(), busy, /waits its turn: 2 of the 3 live nodes that offer ocr are busy/],
    [job(), two, /about to be given to nodes/],
    [
      job({ tasks: [["ada", "ASSIGNED"]] }),
      two.slice(0, 1),
      /^computed now by ada; it waits for nodes: 1 more/,
    ],
    [
      job({
        tasks: [
          ["ada", "ASSIGNED"],
          ["bob", "RECEIVED"],
        ],
      }),
      two,
      /^computed now by ada$/,
    ],
    [
      job({
        tasks: [
          ["ada", "RECEIVED"],
          ["bob", "RECEIVED"],
        ],
      }),
      two,
      /being compared/,
    ],
    [
      job({
        tasks: [
          ["ada", "COMMITTED"],
          ["bob", "COMMITTED"],
        ],
      }),
      two,
      /being shown/,
    ],
    [
      job({
        tasks: [
          ["ada", "ASSIGNED"],
          ["bob", "COMMITTED"],
        ],
      }),
      two,
      /^computed now by ada$/,
    ],
    [
      job({
        tasks: [
          ["ada", "RECEIVED"],
          ["bob", "RECEIVED"],
        ],
        disagree: true,
      }),
      two,
      /1 more must offer ocr, and 0 of the live ones that have not tried it/,
    ],
    [
      job({
        tasks: [
          ["ada", "EXPIRED"],
          ["bob", "ASSIGNED"],
        ],
      }),
      two,
      /1 more must offer ocr, and 0/,
    ],
  ];
  for (const [given, nodes, says] of cases) assert.match(whyOpen(given, nodes), says);
});

test("results that must be the same bytes need nodes of one class", () => {
  const nodes = [node("ada"), node("bob", { classes: ["ort-web@1/x", "ort-node@1/x"] })];
  const mixed = [...nodes, node("eve", { classes: ["ort-web@1/y"] })];
  const demand = { app: "ocr", engine: "", oneClass: true };
  assert.equal(usable(mixed, { ...demand, oneClass: false }).length, 3);
  assert.deepEqual(usable(mixed, demand), nodes);
  assert.deepEqual(usable(mixed, { ...demand, engine: "ort-web" }).length, 1);
  assert.match(
    whyOpen(job({ kind: "exact" }), [node("ada"), ...mixed.slice(2)]),
    /and 1 of the live/,
  );
});
