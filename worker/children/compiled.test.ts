import assert from "node:assert/strict";
import { chmod, mkdir, mkdtemp, readdir, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { parseJson } from "../../testing/fixtures/execute.ts";
import { gather, withCompiled } from "./compiled.ts";
import { startChild } from "./computing-child.ts";
import type { Fence } from "./fence.ts";
import type { ChildSettings } from "./messages.ts";
import { fenceUnderTest } from "./testing/fence-under-test.ts";

const settings: ChildSettings = {
  programs: new URL("./testing/programs.ts", import.meta.url).href,
  engine: "ort-node",
  apps: ["poison"],
  v8Options: [],
  memoryBytes: 2 ** 29,
};

describe("what children's Node has compiled", () => {
  let directory: string;
  /** Where a process would keep its own. */
  let own: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "cnct-compiled-"));
    await chmod(directory, 0o755);
    own = join(directory, "of-this-process");
  });
  afterEach(() => rm(directory, { recursive: true }));

  /** A fence that counts the children. */
  const counting = () => {
    const counted = { starts: 0 };
    const command: Fence["command"] = (nodeArguments, ...rest) => {
      if (nodeArguments.length > 0) counted.starts++;
      return fenceUnderTest.command(nodeArguments, ...rest);
    };
    return { counted, fence: { ...fenceUnderTest, command } };
  };
  const compute = async (fence: Fence) => {
    const child = startChild(settings, { outputBytesMax: 1_000, fence });
    try {
      await child.opened;
      const answer = await child.run({ app: "poison", params: {}, inputs: {} });
      assert.ok(answer.type === "done");
      return parseJson(answer.output);
    } finally {
      child.kill();
      await child.gone;
    }
  };

  test("is made once by a child without a task; a task sees it and cannot touch it", async () => {
    const { counted, fence } = counting();
    const shown = await withCompiled(fence, settings, { own, makes: true });
    assert.equal(counted.starts, 1);
    const { kept, ...tried } = (await compute(shown)) as { readonly kept: number };
    assert.ok(kept >= 5, `${kept} modules`);
    if (fence.kind === "bubblewrap") {
      const readOnly = "EROFS";
      assert.deepEqual(tried, {
        changes: readOnly,
        adds: readOnly,
        removes: readOnly,
        beside: readOnly,
      });
    }
    await withCompiled(fence, settings, { own, makes: true });
    assert.equal(counted.starts, 2, "the second time nothing is to be made");
    await withCompiled(fence, { ...settings, apps: ["name"] }, { own, makes: true });
    assert.equal(counted.starts, 3, "other apps load other modules");
  });

  test("is made by one at a time, and not for those who only take what there is", async () => {
    const { counted, fence } = counting();
    assert.equal(await withCompiled(fence, settings, { own, makes: false }), fence);
    const both = await Promise.all(
      [1, 2].map(() => withCompiled(fence, settings, { own, makes: true })),
    );
    assert.equal(counted.starts, 1);
    assert.equal(both.filter((each) => each === fence).length, 1, "the other goes without");
    assert.notEqual(await withCompiled(fence, settings, { own, makes: false }), fence);
    assert.equal(counted.starts, 1);

    // Of a worker that was killed: it is in the way until it is old.
    const [shared = ""] = (await readdir(directory)).filter((name) => name.startsWith("children-"));
    const [mark = ""] = (await readdir(join(directory, shared))).filter((name) =>
      name.endsWith(".made"),
    );
    await rm(join(directory, shared, mark));
    const making = join(directory, shared, `making-${mark.replace(".made", "")}`);
    await mkdir(making);
    assert.equal(await withCompiled(fence, settings, { own, makes: true }), fence);
    const ago = new Date(Date.now() - 3_600_000);
    await utimes(making, ago, ago);
    assert.notEqual(await withCompiled(fence, settings, { own, makes: true }), fence);
    assert.equal(counted.starts, 2);
  });

  test("is not shown where this process keeps nothing, or where nothing can be made", async () => {
    const { counted, fence } = counting();
    assert.equal(await withCompiled(fence, settings, { own: undefined, makes: true }), fence);
    assert.equal(counted.starts, 0);
    const absent = { ...settings, programs: "file:///absent.ts" };
    assert.equal(await withCompiled(fence, absent, { own, makes: true }), fence);
    await writeFile(join(directory, "file"), "in the way");
    assert.equal(
      await withCompiled(fence, settings, { own: join(directory, "file", "own"), makes: true }),
      fence,
    );
    assert.deepEqual(await compute(fence), {});
  });

  test("is taken over as plain files by their usual names, and nothing else is", async () => {
    const [from, to] = [join(directory, "from"), join(directory, "to")];
    await mkdir(join(from, "v24"), { recursive: true });
    await mkdir(to);
    await writeFile(join(from, "v24", "0123abcd"), "compiled");
    await writeFile(join(from, "v24", "0123abcd.tmp"), "half of it");
    await writeFile(join(from, "loose"), "");
    await symlink("/etc/hostname", join(from, "v24", "deadbeef"));
    await symlink(directory, join(from, "v25"));
    assert.equal(await gather(from, to), 1);
    const found = await readdir(to, { recursive: true });
    assert.deepEqual(found.toSorted(), ["v24", join("v24", "0123abcd")]);
  });
});
