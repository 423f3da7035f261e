import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { seededRandom } from "../chance.ts";
import {
  type Candidate,
  createNodeIndex,
  type Need,
  type NodeIndex,
  slateMax,
} from "./node-index.ts";

const native = "ort-node@1.30.0/cpu/x64-avx2/1t/all";
const wasm = "ort-web@1.30.0/wasm/any/1t/all";

const candidate = (nodeId: string, more: Partial<Candidate> & { classes?: string[] } = {}) => {
  const { classes = [native], ...rest } = more;
  const apps = classes.map((executionClass) => ({ app: "ocr", executionClass }));
  const size = { slots: 1, backlog: 1, cpus: 1, memoryMb: 1024 };
  const capabilities = { apps, ...size, platform: "linux-x64", version: "1" };
  const own = { nodeId, group: nodeId, capabilities, standing: 0.5, load: 0, isNew: false };
  return { ...own, ...rest } satisfies Candidate;
};
const need: Need = {
  app: "ocr",
  engine: "",
  pinnedClass: undefined,
  exact: false,
  exclude: new Set(),
  excludeGroups: new Set(),
  explorationShare: 0.01,
};
/** The node that stands first on the slate. */
const first = (index: NodeIndex, wanted: Need, random: () => number) =>
  index.look(wanted, random)?.nodes[0];
const names = (index: NodeIndex, wanted: Need, random: () => number) =>
  index.look(wanted, random)?.nodes.map(({ nodeId }) => nodeId) ?? [];

describe("a slate of nodes", () => {
  test("has only nodes that compute the app", () => {
    const index = createNodeIndex();
    index.put(candidate("ada"));
    assert.equal(index.look({ ...need, app: "faces" }, seededRandom(1)), undefined);
    assert.equal(first(index, need, seededRandom(1))?.nodeId, "ada");
  });

  test("takes no node that has no room, and takes it again once it has", () => {
    const index = createNodeIndex();
    index.put(candidate("ada", { load: 2 }));
    assert.equal(index.look(need, seededRandom(1)), undefined);
    assert.equal(index.hasRoom(need), false);
    index.put(candidate("ada", { load: 1 }));
    assert.equal(first(index, need, seededRandom(1))?.nodeId, "ada");
  });

  test("passes over nodes that already have the job", () => {
    const index = createNodeIndex();
    for (const nodeId of ["ada", "bob"]) index.put(candidate(nodeId));
    const wanted = { ...need, exclude: new Set(["ada"]) };
    assert.deepEqual(names(index, wanted, seededRandom(1)), ["bob"]);
    assert.equal(
      index.look({ ...need, exclude: new Set(["ada", "bob"]) }, seededRandom(1)),
      undefined,
    );
  });

  test("keeps to the engine or the one class that a job needs", () => {
    const index = createNodeIndex();
    index.put(candidate("ada", { classes: [native] }));
    index.put(candidate("bob", { classes: [wasm] }));
    for (let seed = 0; seed < 20; seed++) {
      const random = seededRandom(seed);
      assert.equal(first(index, { ...need, engine: "ort-web" }, random)?.nodeId, "bob");
      assert.equal(first(index, { ...need, pinnedClass: native }, random)?.nodeId, "ada");
    }
  });

  test("gives a job that compares bytes to no class that could not be measured", () => {
    const index = createNodeIndex();
    index.put(candidate("ada", { classes: ["ort-node@1.30.0/cpu/x64-unmeasured/1t/all"] }));
    assert.equal(index.look({ ...need, exact: true }, seededRandom(1)), undefined);
    assert.equal(first(index, need, seededRandom(1))?.nodeId, "ada");
  });

  test("holds the best there are, and one row after the other until it is full", () => {
    const index = createNodeIndex();
    for (let n = 0; n < 5; n++) index.put(candidate(`good-${n}`, { standing: 0.9 }));
    for (let n = 0; n < 5; n++) index.put(candidate(`poor-${n}`, { standing: 0.25 }));
    for (let seed = 0; seed < 50; seed++) {
      const found = names(index, need, seededRandom(seed));
      assert.equal(new Set(found).size, slateMax);
      assert.ok(found.every((nodeId) => nodeId.startsWith("good")));
      const rest = { ...need, exclude: new Set(["good-0", "good-1", "good-2", "good-3"]) };
      const [one, ...others] = names(index, rest, seededRandom(seed));
      assert.equal(one, "good-4");
      assert.ok(others.length === 2 && others.every((nodeId) => nodeId.startsWith("poor")));
    }
  });

  test("is of nodes with a free slot as long as there is one, whatever their standing", () => {
    const index = createNodeIndex();
    index.put(candidate("busy", { standing: 0.9, load: 1 }));
    index.put(candidate("idle", { standing: 0.1 }));
    for (let seed = 0; seed < 50; seed++)
      assert.deepEqual(names(index, need, seededRandom(seed)), ["idle"]);
    index.put(candidate("idle", { standing: 0.1, load: 1 }));
    assert.deepEqual(names(index, need, seededRandom(1)), ["busy", "idle"]);
  });

  test("is of new nodes alone in the share that is set aside for them, by a chi-square test", () => {
    const index = createNodeIndex();
    for (let n = 0; n < 20; n++) index.put(candidate(`good-${n}`, { standing: 0.9 }));
    for (let n = 0; n < 4; n++) index.put(candidate(`new-${n}`, { standing: 0.25, isNew: true }));
    const random = seededRandom(7);
    const draws = 40_000;
    const share = 0.05;
    const firsts = new Map<string, number>();
    for (let i = 0; i < draws; i++) {
      const slate = index.look({ ...need, explorationShare: share }, random);
      const [one] = slate?.nodes ?? [];
      assert.ok(slate && one);
      assert.equal(slate.explores, one.nodeId.startsWith("new"));
      const name = slate.explores ? one.nodeId : "good";
      firsts.set(name, (firsts.get(name) ?? 0) + 1);
    }
    const expected = new Map([["good", draws * (1 - share)]]);
    for (let n = 0; n < 4; n++) expected.set(`new-${n}`, (draws * share) / 4);
    const chi = [...expected].reduce(
      (sum, [name, count]) => sum + ((firsts.get(name) ?? 0) - count) ** 2 / count,
      0,
    );
    // 99.9th percentile of chi-square with 4 degrees of freedom.
    assert.ok(chi < 18.47, `chi-square ${chi}: ${JSON.stringify([...firsts])}`);
  });

  test("is as ever when no new node has a free slot", () => {
    const index = createNodeIndex();
    index.put(candidate("good"));
    index.put(candidate("new", { isNew: true, load: 1 }));
    const slate = index.look({ ...need, explorationShare: 1 }, seededRandom(1));
    assert.deepEqual([slate?.explores, slate?.nodes[0]?.nodeId], [false, "good"]);
  });

  test("finds the one node of another owner behind a hundred of one that has the job", () => {
    for (let seed = 0; seed < 50; seed++) {
      const index = createNodeIndex();
      for (let n = 0; n < 100; n++) index.put(candidate(`eve-${n}`, { group: "eve" }));
      index.put(candidate("ada", { standing: 0.1 }));
      const random = seededRandom(seed);
      assert.ok(first(index, need, random)?.nodeId.startsWith("eve"));
      const rest = { ...need, excludeGroups: new Set(["eve"]) };
      assert.deepEqual(names(index, rest, random), ["ada"]);
      assert.equal(index.look({ ...rest, exclude: new Set(["ada"]) }, random), undefined);
      const among = index.lookAmong(["eve-1", "ada", "eve-2"], rest, random);
      assert.ok(typeof among === "object" && among.nodes[0]?.nodeId === "ada");
    }
  });

  test("is drawn by owner: a hundred nodes of one come up as often as one of another", () => {
    const index = createNodeIndex();
    for (let n = 0; n < 100; n++) index.put(candidate(`eve-${n}`, { group: "eve" }));
    for (const nodeId of ["ada", "bob", "cyd"]) index.put(candidate(nodeId));
    const random = seededRandom(5);
    let eves = 0;
    for (let i = 0; i < 4_000; i++)
      if (first(index, need, random)?.nodeId.startsWith("eve")) eves++;
    assert.ok(Math.abs(eves - 1_000) < 100, `${eves} of 4,000`);
  });

  test("is the same for the same seed", () => {
    const choose = () => {
      const index = createNodeIndex();
      for (let i = 0; i < 100; i++) index.put(candidate(`node-${i}`));
      return index.look(need, seededRandom(42));
    };
    assert.deepEqual(choose(), choose());
  });

  describe("among named ones", () => {
    const wanted = { ...need, replicas: 2 };
    const indexOf = (...nodes: readonly Candidate[]) => {
      const index = createNodeIndex();
      for (const node of nodes) index.put(node);
      return index;
    };

    test("takes one of them that fits, and says whether waiting could help", () => {
      const index = indexOf(candidate("ada"), candidate("bob", { load: 2 }), candidate("cyd"));
      const among = (nodeIds: readonly string[], more = {}) =>
        index.lookAmong(nodeIds, { ...wanted, ...more }, seededRandom(1));
      for (const nodeIds of [["cyd"], ["nobody", "cyd", "bob"]]) {
        const choice = among(nodeIds);
        assert.ok(choice && choice !== "no-room");
        assert.deepEqual(choice.nodes, [{ nodeId: "cyd", executionClass: native }]);
        assert.equal(choice.candidates, nodeIds.length);
      }
      assert.equal(among(["bob"]), "no-room");
      assert.equal(among(["nobody"]), undefined);
      assert.equal(among(["cyd"], { exclude: new Set(["cyd"]) }), undefined);
      assert.equal(among(["cyd"], { app: "faces" }), undefined);
      assert.equal(among(["cyd"], { pinnedClass: wasm }), undefined);
      assert.equal(among(["cyd"], { engine: "ort-web" }), undefined);
    });

    test("takes a class that has as many nodes as are wanted", () => {
      const index = indexOf(
        candidate("ada", { classes: [wasm], standing: 0.9 }),
        candidate("bob"),
        candidate("cyd"),
      );
      const all = ["ada", "bob", "cyd"];
      for (let seed = 0; seed < 30; seed++) {
        const random = seededRandom(seed);
        const choice = index.lookAmong(all, { ...wanted, exact: true }, random);
        assert.ok(choice && choice !== "no-room");
        assert.ok(choice.nodes.every(({ executionClass }) => executionClass === native));
        const three = index.lookAmong(all, { ...wanted, exact: true, replicas: 3 }, random);
        assert.ok(three && three !== "no-room" && three.nodes[0]?.executionClass === native);
      }
    });

    test("takes the better ones with a free slot", () => {
      const index = indexOf(
        candidate("new", { standing: 0.2, isNew: true }),
        candidate("busy", { standing: 0.9, load: 1 }),
        candidate("idle", { standing: 0.9 }),
      );
      const all = ["new", "busy", "idle"];
      const firstOf = (explorationShare: number) => {
        const slate = index.lookAmong(all, { ...wanted, explorationShare }, seededRandom(3));
        assert.ok(typeof slate === "object");
        return slate.nodes.map(({ nodeId }) => nodeId);
      };
      assert.deepEqual(firstOf(0), ["idle", "new"]);
      assert.deepEqual(firstOf(1), ["new"]);
    });
  });

  test("finds a node whenever a scan of all would, whatever was put and removed before", () => {
    const nodeIds = ["n-0", "n-1", "n-2", "n-3", "n-4"];
    const step = fc.record({
      nodeId: fc.constantFrom(...nodeIds),
      remove: fc.boolean(),
      load: fc.integer({ min: 0, max: 2 }),
      standing: fc.double({ min: 0, max: 1, noNaN: true }),
      isNew: fc.boolean(),
      group: fc.constantFrom("one", "two"),
      classes: fc.subarray([native, wasm], { minLength: 1 }),
    });
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 40 }),
        fc.subarray(nodeIds),
        fc.nat(),
        (steps, exclude, seed) => {
          const index = createNodeIndex();
          const all = new Map<string, Candidate>();
          for (const { nodeId, remove, ...rest } of steps) {
            if (remove) {
              index.remove(nodeId);
              all.delete(nodeId);
            } else {
              index.put(candidate(nodeId, rest));
              all.set(nodeId, candidate(nodeId, rest));
            }
          }
          const fits = [...all.values()].filter(
            ({ nodeId, load, capabilities }) =>
              load < 2 &&
              !exclude.includes(nodeId) &&
              capabilities.apps.some(({ executionClass }) => executionClass === wasm),
          );
          const wanted = { ...need, pinnedClass: wasm, exclude: new Set(exclude) };
          const found = names(index, wanted, seededRandom(seed));
          assert.equal(found.length > 0, fits.length > 0);
          assert.equal(new Set(found).size, found.length);
          for (const nodeId of found) assert.ok(fits.some((one) => one.nodeId === nodeId));
        },
      ),
      { numRuns: 2_000 },
    );
  });
});

describe("classes that nodes make up", () => {
  const counted = (seed: number) => {
    const random = seededRandom(seed);
    let drawn = 0;
    const draw = () => {
      drawn++;
      return random();
    };
    return { drawn: () => drawn, random: draw };
  };

  test("leave nothing behind when a node names others", () => {
    const index = createNodeIndex();
    index.put(candidate("ada"));
    for (let change = 0; change < 500; change++) {
      const classes = Array.from({ length: 4 }, (_, i) => `made-up@${change}.${i}`);
      index.remove("eve");
      index.put(candidate("eve", { classes }));
    }
    const changed = candidate("eve", { classes: ["made-up@last"] });
    index.put(changed);
    const { random, drawn } = counted(1);
    assert.ok(index.look({ ...need, exclude: new Set(["eve"]) }, random));
    // One draw for each class in each bucket, besides the first: 2,000 classes took 32,000.
    assert.ok(drawn() < 100, `${drawn()} draws`);
    index.remove("eve");
    assert.equal(index.hasRoom({ app: "ocr", engine: "made-up" }), false);
  });

  test("by the thousand make no choice dear, and seldom get the work", () => {
    const index = createNodeIndex();
    for (let n = 0; n < 1_000; n++) index.put(candidate(`eve-${n}`, { classes: [`made-up@${n}`] }));
    for (let n = 0; n < 1_000; n++) index.put(candidate(`node-${n}`));
    let honest = 0;
    for (let seed = 0; seed < 200; seed++) {
      const { random, drawn } = counted(seed);
      const choice = index.look(need, random);
      if (choice?.nodes[0]?.nodeId.startsWith("node-")) honest++;
      assert.ok(drawn() < 1_000, `${drawn()} draws`);
    }
    assert.ok(honest > 0);
    // A job that compares bytes goes where enough nodes are.
    for (let seed = 0; seed < 50; seed++) {
      const choice = index.look({ ...need, exact: true, replicas: 2 }, seededRandom(seed));
      assert.equal(choice?.nodes[0]?.executionClass, native);
    }
  });
});
