import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { mkdtemp, open, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { blobStoreContract } from "../../testing/contracts/blob-store.ts";
import { BlobError } from "../blob-store.ts";
import { type Disk, nodeDisk } from "./disk.ts";
import { openLocalBlobStore } from "./local.ts";

const isBlobError = (code: string) => (error: unknown) =>
  error instanceof BlobError && error.code === code;

let root: string;
before(async () => {
  root = await mkdtemp(join(tmpdir(), "cnct-blobs-"));
});
after(() => rm(root, { recursive: true, force: true }));

const maxBytes = 100 * 1024 * 1024;
let stores = 0;
const newDirectory = (): string => join(root, String(stores++));

blobStoreContract("the local store", async () => {
  const blobMax = 2_000_000;
  const blobs = await openLocalBlobStore({ directory: newDirectory(), maxBytes, blobMax });
  return { blobs, blobMax, close: () => blobs.close() };
});

const filesIn = async (directory: string): Promise<readonly string[]> =>
  (await readdir(directory, { recursive: true })).filter((name) => !/^[a-z0-9]+$/.test(name));

describe("the local blob store", () => {
  test("has after a restart what it had before", async () => {
    const directory = newDirectory();
    const first = await openLocalBlobStore({ directory, maxBytes });
    const { digest } = await first.put(Buffer.from("kept"), "text/plain");
    await first.close();
    await writeFile(join(directory, "new", "17"), "left by a crash");
    const second = await openLocalBlobStore({ directory, maxBytes });
    assert.equal(Buffer.from(await second.get(digest)).toString(), "kept");
    assert.deepEqual(second.usage(), { count: 1, bytes: 4 });
    assert.deepEqual(await filesIn(directory), [join(digest.slice(0, 2), digest)]);
    const listed = [];
    for await (const stat of second.list()) listed.push(stat);
    assert.deepEqual(listed, [{ digest, size: 4 }]);
  });

  test("reads ranges, and refuses those beyond the end", async () => {
    const store = await openLocalBlobStore({ directory: newDirectory(), maxBytes });
    const { digest } = await store.put(Buffer.from("0123456789"), "text/plain");
    const read = async (start: number, end: number): Promise<string> => {
      const parts = [];
      for await (const piece of (await store.getStream(digest, { start, end })).pieces)
        parts.push(piece);
      return Buffer.concat(parts).toString();
    };
    assert.equal(await read(0, 0), "0");
    assert.equal(await read(3, 9), "3456789");
    await assert.rejects(read(3, 10), isBlobError("bad-range"));
    await assert.rejects(read(4, 3), isBlobError("bad-range"));
    await assert.rejects(read(-1, 3), isBlobError("bad-range"));
  });

  test("refuses bytes that do not have the digest that was announced", async () => {
    const directory = newDirectory();
    const store = await openLocalBlobStore({ directory, maxBytes });
    const pieces = (async function* () {
      yield Buffer.from("something");
    })();
    const expected = hash("sha256", "something else");
    await assert.rejects(store.putStream(pieces, { expected }), isBlobError("digest-mismatch"));
    assert.deepEqual(await filesIn(directory), []);
  });

  test("never gives out bytes that changed on disk, and takes them anew", async () => {
    const directory = newDirectory();
    const store = await openLocalBlobStore({ directory, maxBytes });
    const bytes = Buffer.alloc(600_000, 7);
    const { digest } = await store.put(bytes, "text/plain");
    const file = await open(join(directory, digest.slice(0, 2), digest), "r+");
    await file.write(Buffer.from([8]), 0, 1, 100);
    await file.close();
    const { pieces } = await store.getStream(digest);
    let given = 0;
    await assert.rejects(async () => {
      for await (const piece of pieces) given += piece.length;
    }, isBlobError("blob-corrupt"));
    assert.ok(given < bytes.length, "the last piece must be held back");
    assert.equal(await store.has(digest), false);
    await store.put(bytes, "text/plain");
    assert.deepEqual(Buffer.from(await store.get(digest)), bytes);
  });

  test("leaves bytes alone that were stored anew while the corrupt ones were being read", async () => {
    const directory = newDirectory();
    const store = await openLocalBlobStore({ directory, maxBytes });
    const bytes = Buffer.alloc(600_000, 7);
    const { digest } = await store.put(bytes, "text/plain");
    const file = await open(join(directory, digest.slice(0, 2), digest), "r+");
    await file.write(Buffer.from([8]), 0, 1, 100);
    await file.close();
    const begun = async () => {
      const reader = (await store.getStream(digest)).pieces[Symbol.asyncIterator]();
      await reader.next(); // Its file is open now.
      return async (): Promise<void> => {
        while (!(await reader.next()).done);
      };
    };
    const [first, second] = [await begun(), await begun()];
    await assert.rejects(first(), isBlobError("blob-corrupt"));
    await store.put(bytes, "text/plain");
    await assert.rejects(second(), isBlobError("blob-corrupt"));
    assert.deepEqual(Buffer.from(await store.get(digest)), bytes);
    assert.deepEqual(store.usage(), { count: 1, bytes: bytes.length });
  });

  test("does not answer for a name that did not last", async () => {
    const renamed = Promise.withResolvers<void>();
    let isSlow = false;
    let isFailing = false;
    const disk: Disk = {
      ...nodeDisk,
      size: async (path) => {
        if (isSlow) {
          isSlow = false;
          await Promise.race([renamed.promise, new Promise((next) => setTimeout(next, 200))]);
        }
        return nodeDisk.size(path);
      },
      rename: async (from, to) => {
        await nodeDisk.rename(from, to);
        renamed.resolve();
      },
      syncDirectory: async (path) => {
        if (isFailing) {
          await asked; // Whoever looks sees the name before it goes.
          throw Object.assign(new Error("input/output error"), { code: "EIO" });
        }
        await nodeDisk.syncDirectory(path);
      },
    };
    const store = await openLocalBlobStore({ directory: newDirectory(), maxBytes, disk });
    const bytes = Buffer.from("hardly there");
    isSlow = true;
    const asked = store.has(hash("sha256", bytes));
    isFailing = true;
    await assert.rejects(store.put(bytes, "text/plain"), isBlobError("unavailable"));
    isFailing = false;
    const { digest } = await store.put(bytes, "text/plain");
    assert.deepEqual(Buffer.from(await store.get(digest)), bytes);
  });

  test("says so when it is full, by its own limit", async () => {
    const directory = newDirectory();
    const store = await openLocalBlobStore({ directory, maxBytes: 10 });
    await store.put(Buffer.from("123456"), "text/plain");
    await assert.rejects(store.put(Buffer.from("78901"), "text/plain"), isBlobError("disk-full"));
    await store.put(Buffer.from("7890"), "text/plain");
    assert.deepEqual(store.usage(), { count: 2, bytes: 10 });
  });

  for (const failing of ["write", "sync", "rename", "syncDirectory"] as const)
    test(`leaves nothing half-written when the disk is full at ${failing}`, async () => {
      const directory = newDirectory();
      let isFull = false;
      const full = (): void => {
        if (isFull) throw Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
      };
      const disk: Disk = {
        ...nodeDisk,
        create: async (path) => {
          const file = await nodeDisk.create(path);
          return {
            ...file,
            write: async (bytes) => {
              if (failing === "write" && isFull) await file.write(bytes.subarray(0, 3));
              if (failing === "write") full();
              await file.write(bytes);
            },
            sync: async () => {
              if (failing === "sync") full();
              await file.sync();
            },
          };
        },
        rename: async (from, to) => {
          if (failing === "rename") full();
          await nodeDisk.rename(from, to);
        },
        syncDirectory: async (path) => {
          if (failing === "syncDirectory") full();
          await nodeDisk.syncDirectory(path);
        },
      };
      const store = await openLocalBlobStore({ directory, maxBytes, disk });
      isFull = true;
      const bytes = Buffer.from("does not fit");
      await assert.rejects(store.put(bytes, "text/plain"), isBlobError("disk-full"));
      assert.deepEqual(await filesIn(directory), []);
      assert.equal(await store.has(hash("sha256", bytes)), false);
      isFull = false;
      const { digest } = await store.put(bytes, "text/plain");
      assert.deepEqual(Buffer.from(await store.get(digest)), bytes);
      assert.deepEqual(await filesIn(directory), [join(digest.slice(0, 2), digest)]);
      assert.deepEqual(store.usage(), { count: 1, bytes: bytes.length });
    });

  test("waits for the name to be on disk before anyone is told of the blob", async () => {
    let release = (): void => undefined;
    let isSlow = false;
    const disk: Disk = {
      ...nodeDisk,
      syncDirectory: async (path) => {
        if (isSlow)
          await new Promise<void>((resolve) => {
            release = resolve;
          });
        await nodeDisk.syncDirectory(path);
      },
    };
    const store = await openLocalBlobStore({ directory: newDirectory(), maxBytes, disk });
    isSlow = true;
    const told: string[] = [];
    const first = store.put(Buffer.from("same"), "text/plain").then(() => told.push("first"));
    await new Promise((resolve) => setTimeout(resolve, 50));
    const second = store.put(Buffer.from("same"), "text/plain").then(() => told.push("second"));
    const asked = store.has(hash("sha256", "same")).then(() => told.push("asked"));
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.deepEqual(told, []);
    release();
    await Promise.all([first, second, asked]);
    assert.equal(told.length, 3);
  });
});
