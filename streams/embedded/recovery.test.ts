import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { EventStoreError, type RecordedEvent } from "../event-store.ts";
import { type EmbeddedStore, openEmbeddedStore } from "./store.ts";

let root: string;
before(() => {
  root = fs.mkdtempSync(join(tmpdir(), "cnct-recovery-"));
});
after(() => fs.rmSync(root, { recursive: true }));

const fresh = (): string => fs.mkdtempSync(join(root, "store-"));
const event = (n: number) => ({
  id: randomUUID(),
  type: "Noted",
  data: { n, text: "ü".repeat(n % 7) },
});

const readBack = async (store: EmbeddedStore): Promise<RecordedEvent[]> => {
  const all: RecordedEvent[] = [];
  for await (const recorded of store.readAll("start")) all.push(recorded);
  return all;
};
const logFiles = (directory: string): string[] =>
  fs
    .readdirSync(directory)
    .filter((name) => name.endsWith(".log"))
    .sort()
    .map((name) => join(directory, name));

/** Two copies of a directory share nothing; the lock is not copied. */
const copy = (from: string): string => {
  const to = fresh();
  for (const name of fs.readdirSync(from))
    if (!name.startsWith("lock")) fs.copyFileSync(join(from, name), join(to, name));
  return to;
};

/** A pseudo-random sequence from a seed (mulberry32), so that a failure can be repeated. */
const chance = (seed: number) => () => {
  seed = (seed + 0x6d2b79f5) | 0;
  let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed);
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
};

const isPrefix = (part: readonly RecordedEvent[], whole: readonly RecordedEvent[]): boolean => {
  try {
    assert.deepEqual(part, whole.slice(0, part.length));
    return true;
  } catch {
    return false;
  }
};

describe("after a crash", () => {
  test("a log cut at any byte opens with the appends that are whole", async () => {
    const directory = fresh();
    const store = await openEmbeddedStore({ directory });
    const ends: number[] = [];
    const [file] = [0].map(() => join(directory, "0000000000000000.log")) as [string];
    let written = 0;
    // The last append has two events: half of it must never be seen.
    for (const count of [1, 2, 1, 1, 2]) {
      await store.append(
        `job-${count}`,
        Array.from({ length: count }, () => event(written++)),
        "any",
      );
      ends.push(fs.statSync(file).size);
    }
    const whole = await readBack(store);
    await store.close();
    const bytes = fs.readFileSync(file);
    const wholeAt = (size: number): number => {
      let events = 0;
      for (const [at, count] of [1, 2, 1, 1, 2].entries()) if (ends[at]! <= size) events += count;
      return events;
    };
    const target = copy(directory);
    const [targetFile] = logFiles(target) as [string];
    let tried = 0;
    for (let size = ends[1]!; size <= bytes.length; size++) {
      fs.writeFileSync(targetFile, bytes.subarray(0, size));
      const reopened = await openEmbeddedStore({ directory: target });
      const read = await readBack(reopened);
      assert.deepEqual(read, whole.slice(0, wholeAt(size)), `cut at byte ${size}`);
      if (size % 16 === 0) {
        const result = await reopened.append("after", [event(99)], "no-stream");
        assert.ok(result.ok && result.revision === 0n);
        assert.equal((await readBack(reopened)).length, read.length + 1);
      }
      await reopened.close();
      tried++;
    }
    assert.ok(tried > 300, `tried ${tried} cuts`);
  });

  test("a log that was cut inside the header of its first segment opens empty", async () => {
    const directory = fresh();
    await (await openEmbeddedStore({ directory })).close();
    for (const size of [0, 1, 31]) {
      fs.writeFileSync(join(directory, "0000000000000000.log"), Buffer.alloc(size));
      const store = await openEmbeddedStore({ directory });
      assert.deepEqual(await readBack(store), []);
      assert.ok((await store.append("a", [event(1)], "no-stream")).ok);
      await store.close();
      fs.rmSync(join(directory, "0000000000000000.log"));
    }
  });

  test("every acknowledged append of a killed process is there", async () => {
    const directory = fresh();
    const child: ChildProcess = spawn(
      process.execPath,
      [fileURLToPath(new URL("./testing-writer.ts", import.meta.url)), directory],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    assert.ok(child.stdout !== null);
    let output = "";
    child.stdout.setEncoding("utf8");
    const enough = new Promise<void>((resolve) => {
      child.stdout?.on("data", (text: string) => {
        output += text;
        if (output.length > 200_000) resolve();
      });
    });
    await Promise.race([enough, once(child, "exit")]);
    child.kill("SIGKILL");
    await once(child, "close");
    const acknowledged = output.split("\n").slice(0, -1);
    assert.ok(acknowledged.length > 2_000, `only ${acknowledged.length} acknowledgements`);
    const store = await openEmbeddedStore({ directory });
    const found = new Map((await readBack(store)).map((recorded) => [recorded.id, recorded]));
    for (const line of acknowledged) {
      const [id, stream, revision] = line.split(" ");
      const recorded = found.get(id!);
      assert.ok(recorded !== undefined, `${line} was acknowledged and is gone`);
      assert.equal(`${recorded.stream} ${recorded.revision}`, `${stream} ${revision}`);
    }
    await store.close();
  });
});

describe("a damaged log", () => {
  test("never gives a wrong answer: hundreds of flipped bits are cut off or named", async () => {
    const directory = fresh();
    const store = await openEmbeddedStore({ directory, segmentBytes: 6_000 });
    for (let n = 0; n < 60; n++)
      await store.append(`job-${n % 9}`, n % 5 === 0 ? [event(n), event(n)] : [event(n)], "any");
    const whole = await readBack(store);
    await store.close();
    const files = logFiles(directory);
    assert.ok(files.length >= 3, `${files.length} segments`);
    const target = copy(directory);
    const originals = logFiles(target).map((path) => [path, fs.readFileSync(path)] as const);
    const random = chance(20_260_727);
    const outcomes = { corrupt: 0, cut: 0, unchanged: 0 };
    for (let round = 0; round < 400; round++) {
      const which = Math.floor(random() * originals.length);
      const [path, bytes] = originals[which]!;
      const bit = Math.floor(random() * bytes.length * 8);
      const damaged = Buffer.from(bytes);
      damaged[bit >>> 3]! ^= 1 << (bit & 7);
      fs.writeFileSync(path, damaged);
      const isLast = which === originals.length - 1;
      const where = `bit ${bit} of ${path}`;
      try {
        const reopened = await openEmbeddedStore({ directory: target, segmentBytes: 6_000 });
        try {
          const read = await readBack(reopened);
          assert.ok(isPrefix(read, whole), `${where}: a wrong answer`);
          if (read.length < whole.length) {
            assert.ok(isLast, `${where}: a sealed segment lost events silently`);
            outcomes.cut++;
          } else outcomes.unchanged++;
        } finally {
          await reopened.close();
        }
      } catch (error) {
        assert.ok(error instanceof EventStoreError, `${where}: ${error}`);
        assert.equal(error.code, "corrupt");
        assert.match(error.message, /\d{16}\.log is damaged at byte \d+/);
        outcomes.corrupt++;
      }
      fs.writeFileSync(path, bytes);
    }
    assert.ok(outcomes.corrupt > 240 && outcomes.cut > 0, JSON.stringify(outcomes));
    assert.equal(outcomes.unchanged, 0, "every bit is covered");
  });

  test("loses no acknowledged event in the middle of its last segment without saying so", async () => {
    const directory = fresh();
    const store = await openEmbeddedStore({ directory });
    for (let n = 0; n < 5; n++) await store.append("a", [event(n)], "any");
    await store.close();
    const [path] = logFiles(directory) as [string];
    const bytes = fs.readFileSync(path);
    bytes[60]! ^= 1;
    fs.writeFileSync(path, bytes);
    await assert.rejects(
      openEmbeddedStore({ directory }),
      /damaged at byte 32: .* durable data at/,
    );
  });

  test("opens without its index files, by reading the segments", async () => {
    const directory = fresh();
    const store = await openEmbeddedStore({ directory, segmentBytes: 4_000 });
    for (let n = 0; n < 60; n++) await store.append(`job-${n % 9}`, [event(n)], "any");
    await store.tombstoneStream("job-3", "any");
    await store.deleteStream("job-4", "any");
    for (let n = 0; n < 20; n++) await store.append(`job-5`, [event(n)], "any");
    const whole = await readBack(store);
    await store.close();
    const indexes = fs.readdirSync(directory).filter((name) => name.endsWith(".idx"));
    assert.ok(indexes.length >= 2);
    for (const how of ["kept", "removed", "damaged"] as const) {
      const target = copy(directory);
      for (const name of indexes) {
        if (how === "removed") fs.rmSync(join(target, name));
        if (how === "damaged") fs.truncateSync(join(target, name), 50);
      }
      const reopened = await openEmbeddedStore({ directory: target, segmentBytes: 4_000 });
      assert.deepEqual(await readBack(reopened), whole, how);
      await assert.rejects(reopened.append("job-3", [event(1)], "any"), { code: "stream-deleted" });
      const four = await reopened.append("job-4", [event(1)], "no-stream");
      assert.ok(four.ok && four.revision > 0n);
      assert.deepEqual(await reopened.append("job-5", [event(1)], 0n), {
        ok: false,
        actual: BigInt(whole.filter(({ stream }) => stream === "job-5").length - 1),
      });
      await reopened.close();
    }
  });
});

describe("a directory", () => {
  test("is refused to a second store while the first is open", async () => {
    const directory = fresh();
    const first = await openEmbeddedStore({ directory });
    await assert.rejects(openEmbeddedStore({ directory }), { code: "locked" });
    const program = `import { openEmbeddedStore } from ${JSON.stringify(new URL("./store.ts", import.meta.url).href)};
      await openEmbeddedStore({ directory: process.argv[1] }).then(() => console.log("open"), (error) => console.log(error.code));`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", program, directory]);
    let output = "";
    child.stdout.on("data", (text) => {
      output += text;
    });
    await once(child, "close");
    assert.equal(output.trim(), "locked");
    await first.close();
    await (await openEmbeddedStore({ directory })).close();
  });

  test("of a newer format is refused", async () => {
    const directory = fresh();
    await (await openEmbeddedStore({ directory })).close();
    fs.writeFileSync(join(directory, "format.json"), '{"eventLog":2}');
    await assert.rejects(openEmbeddedStore({ directory }), { code: "newer-version" });
    fs.writeFileSync(join(directory, "format.json"), "nonsense");
    await assert.rejects(openEmbeddedStore({ directory }), { code: "corrupt" });
  });
});
