import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { seededRandom } from "../chance.ts";
import { type Candidate, createNodeIndex, explorationShare } from "./node-index.ts";

const native = "ort-node@1.30.0/cpu/x64-avx2/1t/all";
const wasm = "ort-web@1.30.0/wasm/any/1t/all";

const candidate = (nodeId: string, more: Partial<Candidate> & { classes?: string[] } = {}) => {
  const { classes = [native], ...rest } = more;
  const apps = classes.map((executionClass) => ({ app: "ocr", executionClass }));
  const size = { slots: 1, backlog: 1, cpus: 1, memoryMb: 1024 };
  const capabilities = { apps, ...size, platform: "linux-x64", version: "1" };
  return { nodeId, capabilities, standing: 0.5, load: 0, ...rest } satisfies Candidate;
};
const need = { app: "ocr", engine: "", pinnedClass: undefined, exact: false, exclude: [] };

describe("a choice among nodes", () => {
  test("takes only a node that computes the app", () => {
    const index = createNodeIndex();
    index.put(candidate("ada"));
    assert.equal(index.choose({ ...need, app: "faces" }, seededRandom(1)), undefined);
    assert.equal(index.choose(need, seededRandom(1))?.nodeId, "ada");
  });

  test("takes no node that has no room, and takes it again once it has", () => {
    const index = createNodeIndex();
    index.put(candidate("ada", { load: 2 }));
    assert.equal(index.choose(need, seededRandom(1)), undefined);
    assert.equal(index.hasRoom(need), false);
    index.put(candidate("ada", { load: 1 }));
    assert.equal(index.choose(need, seededRandom(1))?.nodeId, "ada");
  });

  test("passes over nodes that already have the job", () => {
    const index = createNodeIndex();
    for (const nodeId of ["ada", "bob"]) index.put(candidate(nodeId));
    const choice = index.choose({ ...need, exclude: ["ada"] }, seededRandom(1));
    assert.equal(choice?.nodeId, "bob");
    assert.equal(
      index.choose({ ...need, exclude: new Set(["ada", "bob"]) }, seededRandom(1)),
      undefined,
    );
  });

  test("keeps to the engine or the one class that a job needs", () => {
    const index = createNodeIndex();
    index.put(candidate("ada", { classes: [native] }));
    index.put(candidate("bob", { classes: [wasm] }));
    for (let seed = 0; seed < 20; seed++) {
      const random = seededRandom(seed);
      assert.equal(index.choose({ ...need, engine: "ort-web" }, random)?.nodeId, "bob");
      assert.equal(index.choose({ ...need, pinnedClass: native }, random)?.nodeId, "ada");
    }
  });

  test("gives a job that compares bytes to no class that could not be measured", () => {
    const index = createNodeIndex();
    index.put(candidate("ada", { classes: ["ort-node@1.30.0/cpu/x64-unmeasured/1t/all"] }));
    assert.equal(index.choose({ ...need, exact: true }, seededRandom(1)), undefined);
    assert.equal(index.choose(need, seededRandom(1))?.nodeId, "ada");
  });

  test("prefers better standing, but for a small share that is given to anyone", () => {
    const index = createNodeIndex();
    index.put(candidate("good", { standing: 0.9 }));
    index.put(candidate("new", { standing: 0.25 }));
    const random = seededRandom(7);
    const draws = 20_000;
    let explored = 0;
    for (let i = 0; i < draws; i++) if (index.choose(need, random)?.nodeId === "new") explored++;
    // Three standard deviations of a binomial draw around the share.
    const spread = 3 * Math.sqrt(draws * explorationShare * (1 - explorationShare));
    assert.ok(Math.abs(explored - draws * explorationShare) < spread, `${explored} explored`);
  });

  test("prefers the less loaded of equals", () => {
    const index = createNodeIndex();
    index.put(candidate("busy", { load: 1 }));
    index.put(candidate("idle", { load: 0 }));
    for (let seed = 0; seed < 50; seed++)
      assert.equal(index.choose(need, seededRandom(seed))?.nodeId, "idle");
  });

  test("is the same for the same seed", () => {
    const choose = () => {
      const index = createNodeIndex();
      for (let i = 0; i < 100; i++) index.put(candidate(`node-${i}`));
      return index.choose(need, seededRandom(42));
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
        index.chooseAmong(nodeIds, { ...wanted, ...more }, seededRandom(1));
      for (const nodeIds of [["cyd"], ["nobody", "cyd", "bob"]]) {
        const choice = among(nodeIds);
        assert.ok(choice && choice !== "no-room");
        assert.deepEqual([choice.nodeId, choice.candidates], ["cyd", nodeIds.length]);
      }
      assert.equal(among(["bob"]), "no-room");
      assert.equal(among(["nobody"]), undefined);
      assert.equal(among(["cyd"], { exclude: ["cyd"] }), undefined);
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
        const choice = index.chooseAmong(all, { ...wanted, exact: true }, random);
        assert.ok(choice && choice !== "no-room");
        assert.equal(choice.executionClass, native);
        const three = index.chooseAmong(all, { ...wanted, exact: true, replicas: 3 }, random);
        assert.ok(three && three !== "no-room" && three.executionClass === native);
      }
    });

    test("prefers better standing, then the less loaded", () => {
      const index = indexOf(
        candidate("new", { standing: 0.2 }),
        candidate("busy", { standing: 0.9, load: 1 }),
        candidate("idle", { standing: 0.9 }),
      );
      const chosen = new Map<string, number>();
      const random = seededRandom(3);
      for (let i = 0; i < 1_000; i++) {
        const choice = index.chooseAmong(["new", "busy", "idle"], wanted, random);
        assert.ok(choice && choice !== "no-room");
        chosen.set(choice.nodeId, (chosen.get(choice.nodeId) ?? 0) + 1);
      }
      assert.ok((chosen.get("idle") ?? 0) > 980, JSON.stringify([...chosen]));
    });
  });

  test("finds a node whenever a scan of all would, whatever was put and removed before", () => {
    const nodeIds = ["n-0", "n-1", "n-2", "n-3", "n-4"];
    const step = fc.record({
      nodeId: fc.constantFrom(...nodeIds),
      remove: fc.boolean(),
      load: fc.integer({ min: 0, max: 2 }),
      standing: fc.double({ min: 0, max: 1, noNaN: true }),
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
          const choice = index.choose({ ...need, pinnedClass: wasm, exclude }, seededRandom(seed));
          assert.equal(choice !== undefined, fits.length > 0);
          if (choice) assert.ok(fits.some(({ nodeId }) => nodeId === choice.nodeId));
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
    assert.ok(index.choose({ ...need, exclude: ["eve"] }, random));
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
      const choice = index.choose(need, random);
      if (choice?.nodeId.startsWith("node-")) honest++;
      assert.ok(drawn() < 1_000, `${drawn()} draws`);
    }
    assert.ok(honest > 0);
    // A job that compares bytes goes where enough nodes are.
    for (let seed = 0; seed < 50; seed++) {
      const choice = index.choose({ ...need, exact: true, replicas: 2 }, seededRandom(seed));
      assert.equal(choice?.executionClass, native);
    }
  });
});
