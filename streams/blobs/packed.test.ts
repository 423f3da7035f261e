import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { mkdtemp, open, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { blobStoreContract } from "../../testing/contracts/blob-store.ts";
import { BlobError, type BlobStore } from "../blob-store.ts";
import { type Disk, nodeDisk } from "./disk.ts";
import { openBlobStore } from "./packed.ts";

const isBlobError = (code: string) => (error: unknown) =>
  error instanceof BlobError && error.code === code;

let root: string;
before(async () => {
  root = await mkdtemp(join(tmpdir(), "cnct-packs-"));
});
after(() => rm(root, { recursive: true, force: true }));

const maxBytes = 100 * 1024 * 1024;
let stores = 0;
const newDirectory = (): string => join(root, String(stores++));
const packsIn = async (directory: string) => (await readdir(join(directory, "packs"))).sort();

blobStoreContract("the store with packs", async () => {
  const blobMax = 2_000_000;
  const blobs = await openBlobStore({ directory: newDirectory(), maxBytes, blobMax });
  return { blobs, blobMax, close: () => blobs.close() };
});

const texts = ["one", "two two", "", "one", "three three three"];
const bytesOf = (text: string): Buffer => Buffer.from(text);
const digestOf = (text: string): string => hash("sha256", text);
const textOf = async (store: BlobStore, text: string): Promise<string> =>
  Buffer.from(await store.get(digestOf(text))).toString();

describe("blobs that come together", () => {
  test("are in one file, and there after a restart", async () => {
    const directory = newDirectory();
    const first = await openBlobStore({ directory, maxBytes });
    const stored = await first.putMany(texts.map(bytesOf));
    assert.deepEqual(
      stored,
      texts.map((text) => ({ digest: digestOf(text), size: text.length })),
    );
    assert.deepEqual(await packsIn(directory), ["1.1"]);
    await first.putMany([bytesOf("two two"), bytesOf("four")]);
    await first.putMany([bytesOf("four")]);
    assert.deepEqual(await packsIn(directory), ["1.1", "2.1"]);
    await first.close();
    await writeFile(join(directory, "packs", "3.1.new"), "left by a crash");

    const second = await openBlobStore({ directory, maxBytes });
    for (const text of [...texts, "four"]) assert.equal(await textOf(second, text), text);
    assert.deepEqual(second.usage(), { count: 5, bytes: 31 });
    const listed = [];
    for await (const { digest } of second.list()) listed.push(digest);
    assert.deepEqual(listed.sort(), [...new Set([...texts, "four"])].map(digestOf).sort());
    assert.deepEqual(await packsIn(directory), ["1.1", "2.1"]);
    await second.putMany([bytesOf("five")]);
    assert.deepEqual(await packsIn(directory), ["1.1", "2.1", "3.1"]);
  });

  test("are read by ranges", async () => {
    const store = await openBlobStore({ directory: newDirectory(), maxBytes });
    await store.putMany([bytesOf("before"), bytesOf("0123456789")]);
    const read = async (start: number, end: number): Promise<string> => {
      const { pieces } = await store.getStream(digestOf("0123456789"), { start, end });
      const parts = [];
      for await (const piece of pieces) parts.push(piece);
      return Buffer.concat(parts).toString();
    };
    assert.equal(await read(3, 9), "3456789");
    assert.equal(await read(0, 0), "0");
    await assert.rejects(read(3, 10), isBlobError("bad-range"));
  });

  test("are removed one by one, also while others are read, and stay removed", async () => {
    const directory = newDirectory();
    const before = await openBlobStore({ directory, maxBytes });
    await before.putMany(texts.map(bytesOf));
    await before.close();
    const store = await openBlobStore({ directory, maxBytes });
    const reading = Array.from({ length: 50 }, () => textOf(store, "three three three"));
    await Promise.all([store.remove(digestOf("one")), store.remove(digestOf("two two"))]);
    for (const text of await Promise.all(reading)) assert.equal(text, "three three three");
    await assert.rejects(store.get(digestOf("one")), isBlobError("blob-unknown"));
    assert.deepEqual(store.usage(), { count: 2, bytes: 17 });
    assert.deepEqual(await packsIn(directory), ["1.3"]);
    await store.close();

    const again = await openBlobStore({ directory, maxBytes });
    assert.equal(await again.has(digestOf("one")), false);
    assert.equal(await textOf(again, "three three three"), "three three three");
    for (const text of texts) await again.remove(digestOf(text));
    assert.deepEqual(await packsIn(directory), []);
  });

  test("are those of the newest edition when a crash has left two", async () => {
    const directory = newDirectory();
    const crashing: Disk = {
      ...nodeDisk,
      remove: async (path) => {
        if (path.endsWith("1.1")) throw new Error("the power failed");
        await nodeDisk.remove(path);
      },
    };
    const store = await openBlobStore({ directory, maxBytes, disk: crashing });
    await store.putMany(texts.map(bytesOf));
    await assert.rejects(store.remove(digestOf("one")), isBlobError("unavailable"));
    assert.deepEqual(await packsIn(directory), ["1.1", "1.2"]);

    const again = await openBlobStore({ directory, maxBytes });
    assert.deepEqual(await packsIn(directory), ["1.2"]);
    assert.equal(await again.has(digestOf("one")), false);
    assert.equal(await textOf(again, "two two"), "two two");
  });

  test("are never given out changed, and can be stored anew", async () => {
    const directory = newDirectory();
    const before = await openBlobStore({ directory, maxBytes });
    await before.putMany(texts.map(bytesOf));
    await before.close();
    const store = await openBlobStore({ directory, maxBytes });
    const file = await open(join(directory, "packs", "1.1"), "r+");
    await file.write("O", 36);
    await file.close();
    await assert.rejects(store.get(digestOf("one")), isBlobError("blob-corrupt"));
    await assert.rejects(store.get(digestOf("one")), isBlobError("blob-unknown"));
    assert.deepEqual(await readdir(join(directory, "corrupt")), [digestOf("one")]);
    assert.equal(await textOf(store, "two two"), "two two");
    await store.putMany([bytesOf("one")]);
    assert.equal(await textOf(store, "one"), "one");
  });

  for (const [what, failing] of [
    ["written", "write"],
    ["synced", "sync"],
    ["named for good", "syncDirectory"],
  ] as const)
    test(`leave nothing when they cannot be ${what}, and go in when they can`, async () => {
      const directory = newDirectory();
      let isFull = false;
      const fault = async () => {
        if (isFull) throw Object.assign(new Error("no space left"), { code: "ENOSPC" });
      };
      const disk: Disk = {
        ...nodeDisk,
        create: async (path) => {
          const file = await nodeDisk.create(path);
          const failed = (bytes?: Uint8Array) =>
            fault().then(() => (bytes === undefined ? file.sync() : file.write(bytes)));
          return failing === "syncDirectory" ? file : { ...file, [failing]: failed };
        },
        syncDirectory: (path) =>
          (failing === "syncDirectory" ? fault() : Promise.resolve()).then(() =>
            nodeDisk.syncDirectory(path),
          ),
      };
      const store = await openBlobStore({ directory, maxBytes, disk });
      isFull = true;
      await assert.rejects(store.putMany(texts.map(bytesOf)), isBlobError("disk-full"));
      assert.deepEqual(await packsIn(directory), []);
      assert.deepEqual(store.usage(), { count: 0, bytes: 0 });
      isFull = false;
      await store.putMany(texts.map(bytesOf));
      assert.equal(await textOf(store, "one"), "one");
    });

  test("have the same room as those that come alone", async () => {
    const store = await openBlobStore({ directory: newDirectory(), maxBytes: 20 });
    await store.putMany([bytesOf("0123456789")]);
    await assert.rejects(
      store.put(bytesOf("eleven bytes"), "text/plain"),
      isBlobError("disk-full"),
    );
    await store.put(bytesOf("abcdefgh"), "text/plain");
    await assert.rejects(store.putMany([bytesOf("ABC")]), isBlobError("disk-full"));
    await store.putMany([bytesOf("AB")]);
    await store.put(bytesOf("0123456789"), "text/plain");
    assert.deepEqual(store.usage(), { count: 3, bytes: 20 });
  });
});
