import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { InferenceEngine, InferenceSession } from "./inference.ts";
import { openSessionCache } from "./session-cache.ts";

/** An engine that only remembers what was loaded and released. */
const recorder = () => {
  const log: string[] = [];
  const engine: InferenceEngine = {
    executionClass: "recorder@1/none/any/1t/none",
    load: async (model) => {
      const name = new TextDecoder().decode(model);
      log.push(`load ${name}`);
      if (name === "bad") throw new Error("no model");
      const session: InferenceSession = {
        inputs: [],
        outputs: [],
        run: async () => ({}),
        release: async () => {
          log.push(`release ${name}`);
        },
      };
      return session;
    },
  };
  return { log, engine };
};

const model = (name: string) => new TextEncoder().encode(name);
const nothing = async () => {};

describe("the session cache", () => {
  test("loads a model once, also for two at a time", async () => {
    const { log, engine } = recorder();
    const cache = openSessionCache(engine, 2);
    await Promise.all([
      cache.withSession(model("a"), nothing),
      cache.withSession(model("a"), nothing),
    ]);
    await cache.withSession(model("a"), nothing);
    assert.deepEqual(log, ["load a"]);
  });

  test("lets the least recently used go first", async () => {
    const { log, engine } = recorder();
    const cache = openSessionCache(engine, 2);
    for (const name of ["a", "b", "a", "c"]) await cache.withSession(model(name), nothing);
    assert.deepEqual(log, ["load a", "load b", "load c", "release b"]);
    assert.equal(cache.size, 2);
    await cache.close();
    assert.deepEqual(log.slice(4), ["release a", "release c"]);
  });

  test("never releases a session in use", async () => {
    const { log, engine } = recorder();
    const cache = openSessionCache(engine, 1);
    await cache.withSession(model("a"), async () => {
      await cache.withSession(model("b"), nothing);
      assert.deepEqual(log, ["load a", "load b"]);
    });
    assert.deepEqual(log, ["load a", "load b", "release a"]);
  });

  test("tries a model that failed to load again", async () => {
    const { log, engine } = recorder();
    const cache = openSessionCache(engine, 1);
    await assert.rejects(cache.withSession(model("bad"), nothing), /no model/);
    await assert.rejects(cache.withSession(model("bad"), nothing), /no model/);
    assert.deepEqual(log, ["load bad", "load bad"]);
    assert.equal(cache.size, 0);
  });
});
