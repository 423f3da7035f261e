import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { seededRandom } from "../chance.ts";
import { type Candidate, createNodeIndex, type Need, type NodeIndex } from "./node-index.ts";
import { speedName } from "./speeds.ts";

const native = "ort-node@1.30.0/cpu/x64-avx2/1t/all";
const size = { slots: 1, backlog: 1, cpus: 1, memoryMb: 1024, platform: "linux-x64", version: "1" };
const capabilities = { apps: [{ app: "ocr", executionClass: native }], ...size };
const measured = (nodeId: string, speed: number | undefined, load = 0): Candidate => ({
  ...{ nodeId, group: nodeId, capabilities, standing: 0.5, load, isNew: false },
  ...(speed === undefined ? {} : { speeds: new Map([[speedName("ocr", native), speed]]) }),
});
const need: Need = {
  ...{ app: "ocr", engine: "", pinnedClass: undefined, exact: false, explorationShare: 0.01 },
  ...{ exclude: new Set(), excludeGroups: new Set() },
};
const names = (index: NodeIndex, wanted: Need, random: () => number) =>
  index.look(wanted, random)?.nodes.map(({ nodeId }) => nodeId) ?? [];

describe("nodes that are fast enough", () => {
  test("are those that a scan would find, whatever changed before", () => {
    const node = fc.record({
      id: fc.integer({ min: 0, max: 11 }),
      speed: fc.option(fc.integer({ min: 0, max: 4_000 }), { nil: undefined }),
      load: fc.integer({ min: 0, max: 2 }),
    });
    const nodes = fc.array(node, { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(nodes, fc.integer({ min: 1, max: 4_500 }), (changes, minSpeed) => {
        const index = createNodeIndex();
        const known = new Map<string, Candidate>();
        for (const { id, speed, load } of changes) {
          const one = measured(`node-${id}`, speed, load);
          known.set(one.nodeId, one);
          index.put(one);
        }
        const fits = [...known.values()].filter(
          ({ speeds, load }) =>
            load < 2 && (speeds?.get(speedName("ocr", native)) ?? -1) >= minSpeed,
        );
        const wanted = { ...need, minSpeed, exact: true };
        const found = names(index, wanted, seededRandom(3));
        assert.equal(found.length > 0, fits.length > 0);
        for (const nodeId of found)
          assert.ok(
            fits.some((one) => one.nodeId === nodeId),
            nodeId,
          );
        if (fits.length > 0) assert.equal(index.hasRoom(wanted), true);
        const among = index.lookAmong(known.keys(), wanted, seededRandom(3));
        const isFound = typeof among === "object";
        assert.equal(isFound, fits.length > 0);
        if (isFound)
          for (const { nodeId } of among.nodes)
            assert.ok(
              fits.some((one) => one.nodeId === nodeId),
              nodeId,
            );
      }),
    );
  });

  test("are found also when those just too slow are of the same power of two, and more", () => {
    const index = createNodeIndex();
    for (const nodeId of ["slow-1", "slow-2", "slow-3"]) index.put(measured(nodeId, 1_025));
    index.put(measured("fast", 5_000));
    const wanted = { ...need, minSpeed: 1_500, exact: true, replicas: 2 };
    assert.deepEqual(names(index, wanted, seededRandom(1)), ["fast"]);
  });

  test("leave nothing behind when they change or go", () => {
    const index = createNodeIndex();
    index.put(measured("ada", 5_000));
    index.put(measured("ada", 9));
    assert.equal(index.hasRoom({ ...need, minSpeed: 4_000 }), false);
    assert.equal(index.hasRoom({ ...need, minSpeed: 9 }), true);
    index.remove("ada");
    assert.equal(index.hasRoom({ ...need, minSpeed: 1 }), false);
    assert.equal(index.hasRoom(need), false);
  });
});
