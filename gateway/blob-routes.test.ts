import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { open } from "node:fs/promises";
import { request } from "node:http";
import { after, before, describe, test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { packParcel, parcelBytesMax, parcelType } from "../domain/blob/parcel.ts";
import { BlobError } from "../streams/blob-store.ts";
import { type Disk, nodeDisk } from "../streams/blobs/disk.ts";
import { httpBlobs, platformSha256 } from "../streams/blobs/http.ts";
import { blobStream } from "../streams/names.ts";
import { blobStoreContract } from "../testing/contracts/blob-store.ts";
import { openTestNetwork, type TestNetwork } from "./testing/test-network.ts";

blobStoreContract("a gateway over HTTP", async () => {
  const blobMax = 2_000_000;
  const network = await openTestNetwork({ limits: { blobBytes: blobMax } });
  return { blobs: httpBlobs({ gateway: network.url }), blobMax, close: network.close };
});

const blobBytes = 1_000_000;
let network: TestNetwork;
let isFull = false;
const opened: string[] = [];
/** Files that are open for reading now. */
let held = 0;
let slowRead: (() => Promise<void>) | undefined;
const disk: Disk = {
  ...nodeDisk,
  open: async (path) => {
    opened.push(path);
    const file = await nodeDisk.open(path);
    if (!file) return undefined;
    held++;
    return {
      ...file,
      read: async (target, position) => {
        await slowRead?.();
        return file.read(target, position);
      },
      close: async () => {
        held--;
        await file.close();
      },
    };
  },
  create: async (path) => {
    const file = await nodeDisk.create(path);
    return {
      ...file,
      write: async (bytes) => {
        if (isFull) throw Object.assign(new Error("no space left"), { code: "ENOSPC" });
        await file.write(bytes);
      },
    };
  },
};
before(async () => {
  network = await openTestNetwork({ limits: { blobBytes }, disk });
});
after(() => network.close());

const put = (digest: string, body: string | Uint8Array<ArrayBuffer>, type = "text/plain") =>
  fetch(`${network.url}/blobs/${digest}`, {
    method: "PUT",
    body,
    headers: { "content-type": type },
  });
const get = (digest: string, headers: Record<string, string> = {}) =>
  fetch(`${network.url}/blobs/${digest}`, { headers });
const digestOf = (text: string | Uint8Array): string => hash("sha256", text);
const codeOf = async (response: Response): Promise<string> => {
  const { code, message } = (await response.json()) as { code: string; message: string };
  assert.ok(message.length > 0);
  return code;
};

describe("PUT /blobs/<digest>", () => {
  test("stores the bytes and says so in the log, once", async () => {
    const digest = digestOf("hello");
    const first = await put(digest, "hello");
    assert.equal(first.status, 201);
    const answer = (await first.json()) as { position: string };
    assert.deepEqual(answer, { digest, size: 5, position: answer.position });
    const again = await put(digest, "hello");
    assert.equal(again.status, 200);
    assert.deepEqual(await again.json(), answer);
    const events = [];
    for await (const event of network.store.readStream(blobStream(digest), "start"))
      events.push(event);
    assert.equal(events.length, 1);
    assert.equal(events[0]!.position.toString(), answer.position);
    const { data } = await network.ask(
      `query ($digest: Digest!, $p: Position) { blob(digest: $digest, atLeast: $p) {
        digest size mediaType path places { place expiresAt } } }`,
      { digest, p: answer.position },
    );
    assert.equal(data.blob.mediaType, "text/plain");
    assert.equal(data.blob.path, `/blobs/${digest}`);
    assert.deepEqual(
      data.blob.places.map(({ place }: { place: string }) => place),
      ["gateway-1"],
    );
  });

  test("refuses bytes of another digest and stores nothing", async () => {
    const digest = digestOf("announced");
    const response = await put(digest, "something else");
    assert.equal(response.status, 422);
    assert.equal(await codeOf(response), "digest-mismatch");
    assert.equal((await get(digest)).status, 404);
    assert.equal((await get(digestOf("something else"))).status, 404);
  });

  test("refuses one byte too many, also when the length is not announced", async () => {
    const bytes = new Uint8Array(blobBytes + 1).fill(3);
    const response = await put(digestOf(bytes), bytes);
    assert.equal(response.status, 413);
    assert.equal(await codeOf(response), "blob-too-large");
    const { status, body } = await chunked(`/blobs/${digestOf(bytes)}`, bytes);
    assert.equal(status, 413);
    assert.equal((JSON.parse(body) as { code: string }).code, "blob-too-large");
    assert.equal((await put(digestOf(bytes.subarray(1)), bytes.subarray(1))).status, 201);
  });

  test("says that the disk is full, keeps nothing, and goes on when there is room", async () => {
    isFull = true;
    const digest = digestOf("no room");
    const response = await put(digest, "no room");
    isFull = false;
    assert.equal(response.status, 507);
    assert.equal(await codeOf(response), "disk-full");
    assert.equal((await get(digest)).status, 404);
    assert.equal((await put(digest, "no room")).status, 201);
  });

  test("refuses a name that is no digest and a type that is none", async () => {
    assert.equal(await codeOf(await put("abc", "x")), "bad-digest");
    const endless = `text/${"x".repeat(100)}`;
    assert.equal(await codeOf(await put(digestOf("x"), "x", endless)), "bad-media-type");
    assert.equal(await codeOf(await put(digestOf("x"), "x", "nonsense")), "unsupported-media-type");
  });

  test("leaves nothing of an upload that breaks off", async () => {
    const digest = digestOf("broken off");
    const { port, hostname } = new URL(network.url);
    const before = network.blobs.usage();
    await new Promise<void>((resolve) => {
      const upload = request({
        port,
        hostname,
        path: `/blobs/${digest}`,
        method: "PUT",
        headers: { "content-length": 1000 },
      });
      upload.on("error", () => resolve());
      upload.write("broken", () => setTimeout(() => upload.destroy(), 30));
    });
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.deepEqual(network.blobs.usage(), before);
    assert.equal((await put(digest, "broken off")).status, 201);
  });
});

const chunked = (path: string, bytes: Uint8Array) =>
  new Promise<{ readonly status: number | undefined; readonly body: string }>((resolve, reject) => {
    const { port, hostname } = new URL(network.url);
    const upload = request({ port, hostname, path, method: "PUT" }, (response) => {
      let body = "";
      response.on("data", (piece) => {
        body += piece;
      });
      response.on("end", () => resolve({ status: response.statusCode, body }));
    });
    upload.on("error", reject);
    for (let at = 0; at < bytes.length; at += 100_000)
      upload.write(bytes.subarray(at, at + 100_000));
    upload.end();
  });

describe("a parcel", () => {
  const send = (body: Uint8Array<ArrayBuffer>, type: string = parcelType) =>
    fetch(`${network.url}/blobs/parcel`, {
      method: "POST",
      body,
      headers: { "content-type": type },
    });
  const texts = ["first of a parcel", "second", "", "second"];
  const blobs = texts.map((text) => ({ bytes: Buffer.from(text), mediaType: "text/plain" }));

  test("stores many blobs, each as if it had come alone", async () => {
    const response = await send(packParcel(blobs));
    assert.equal(response.status, 200);
    const { blobs: stored } = (await response.json()) as { blobs: readonly { digest: string }[] };
    assert.deepEqual(
      stored.map(({ digest }) => digest),
      texts.map(digestOf),
    );
    for (const text of texts) {
      const found = await get(digestOf(text));
      assert.equal(await found.text(), text);
      let events = 0;
      for await (const _ of network.store.readStream(blobStream(digestOf(text)), "start")) events++;
      assert.equal(events, 1);
    }
    const again = await httpBlobs({ gateway: network.url }).putParcel(blobs);
    assert.deepEqual(again, stored);
  });

  test("is refused if it is none, or has a blob of no type, and stores nothing", async () => {
    const before = network.blobs.usage();
    const whole = packParcel(blobs.slice(0, 1));
    assert.equal(await codeOf(await send(whole.slice(0, -1))), "bad-parcel");
    assert.equal(await codeOf(await send(new Uint8Array())), "bad-parcel");
    assert.equal(await codeOf(await send(whole, "text/plain")), "unsupported-media-type");
    const nameless = packParcel([{ bytes: Buffer.from("of no type"), mediaType: "" }]);
    assert.equal(await codeOf(await send(nameless)), "bad-media-type");
    const endless = new Uint8Array(parcelBytesMax + 1);
    assert.equal(await codeOf(await send(endless)), "body-too-large");
    assert.deepEqual(network.blobs.usage(), before);
  });
});

test("POST /blobs names the bytes itself", async () => {
  const response = await fetch(`${network.url}/blobs`, { method: "POST", body: "posted" });
  assert.equal(response.status, 201);
  assert.equal(((await response.json()) as { digest: string }).digest, digestOf("posted"));
  assert.equal(response.headers.get("location"), `/blobs/${digestOf("posted")}`);
});

describe("GET /blobs/<digest>", () => {
  const text = "0123456789";
  const digest = digestOf(text);
  before(async () => {
    assert.equal((await put(digest, text)).status, 201);
  });

  test("gives the bytes with headers that let them be kept and never run", async () => {
    const { data } = await network.ask("{ network { head } }");
    await network.projections.waitFor(BigInt(data.network.head), 5_000);
    const response = await get(digest);
    assert.equal(response.status, 200);
    assert.equal(await response.text(), text);
    const { headers } = response;
    assert.equal(headers.get("etag"), `"${digest}"`);
    assert.equal(headers.get("content-type"), "text/plain");
    assert.match(headers.get("cache-control") ?? "", /immutable/);
    assert.equal(headers.get("x-content-type-options"), "nosniff");
    assert.match(headers.get("content-security-policy") ?? "", /sandbox/);
    assert.equal((await get(digest, { "if-none-match": `"${digest}"` })).status, 304);
  });

  test("answers HEAD without reading", async () => {
    const response = await fetch(`${network.url}/blobs/${digest}`, { method: "HEAD" });
    assert.equal(response.status, 200);
    assert.equal(response.headers.get("content-length"), "10");
    assert.equal(await response.text(), "");
  });

  for (const [range, part, contentRange] of [
    ["bytes=0-0", "0", "bytes 0-0/10"],
    ["bytes=3-", "3456789", "bytes 3-9/10"],
    ["bytes=-2", "89", "bytes 8-9/10"],
    ["bytes=-20", text, "bytes 0-9/10"],
    ["bytes=8-99", "89", "bytes 8-9/10"],
  ] as const)
    test(`gives a part for ${range}`, async () => {
      const response = await get(digest, { range });
      assert.equal(response.status, 206);
      assert.equal(await response.text(), part);
      assert.equal(response.headers.get("content-range"), contentRange);
    });

  for (const range of ["bytes=10-", "bytes=10-20", "bytes=-0"])
    test(`has nothing for ${range}`, async () => {
      const response = await get(digest, { range });
      assert.equal(response.status, 416);
      assert.equal(response.headers.get("content-range"), "bytes */10");
      assert.equal(await codeOf(response), "bad-range");
    });

  for (const range of ["bytes=0-1,3-4", "lines=1-2", "bytes=5-2"])
    test(`gives everything for ${range}`, async () => {
      const response = await get(digest, { range });
      assert.equal(response.status, 200);
      assert.equal(await response.text(), text);
    });

  test("gives everything when If-Range names something else", async () => {
    const range = "bytes=0-1";
    assert.equal((await get(digest, { range, "if-range": '"old"' })).status, 200);
    assert.equal((await get(digest, { range, "if-range": `"${digest}"` })).status, 206);
  });

  test("closes the file when the client leaves before the first byte", async () => {
    const large = new Uint8Array(600_000).fill(1);
    assert.equal((await put(digestOf(large), large)).status, 201);
    const begun = Promise.withResolvers<void>();
    const left = Promise.withResolvers<void>();
    slowRead = () => {
      begun.resolve();
      return left.promise;
    };
    const { port, hostname } = new URL(network.url);
    const download = request({ port, hostname, path: `/blobs/${digestOf(large)}` });
    download.on("error", () => undefined);
    download.end();
    await begun.promise;
    assert.equal(held, 1);
    download.destroy();
    await fetch(`${network.url}/livez`); // The gateway has heard of it by then.
    left.resolve();
    slowRead = undefined;
    const limit = performance.now() + 10_000;
    while (held > 0 && performance.now() < limit) await setImmediate();
    assert.equal(held, 0);
  });

  test("never completes an answer whose bytes changed on disk", async () => {
    for (const size of [1_000, 900_000]) {
      const bytes = new Uint8Array(size).fill(size % 251);
      const name = digestOf(bytes);
      assert.equal((await put(name, bytes)).status, 201);
      await (await get(name)).arrayBuffer();
      const path = opened.findLast((one) => one.endsWith(name));
      const file = await open(path!, "r+");
      await file.write(Buffer.from([99]), 0, 1, size - 1);
      await file.close();
      const blobs = httpBlobs({ gateway: network.url });
      await assert.rejects(blobs.get(name), (error) => {
        assert.ok(error instanceof BlobError);
        assert.ok(["blob-corrupt", "unavailable"].includes(error.code), error.code);
        return true;
      });
      await assert.rejects(
        blobs.get(name),
        (error) => error instanceof BlobError && error.code === "blob-unknown",
      );
    }
  });
});

describe("blobs over HTTP", () => {
  test("do not believe the gateway", async () => {
    const lying: typeof fetch = async () => new Response("not what was asked for");
    const blobs = httpBlobs({ gateway: "http://gateway", fetch: lying });
    await assert.rejects(
      blobs.get(digestOf("asked")),
      (error) => error instanceof BlobError && error.code === "blob-corrupt",
    );
  });

  test("say that nobody answers, and that what answers is no gateway", async () => {
    const unavailable = (error: unknown): boolean =>
      error instanceof BlobError && error.code === "unavailable";
    const nobody = httpBlobs({ gateway: "http://127.0.0.1:1" });
    await assert.rejects(nobody.get(digestOf("x")), unavailable);
    const proxy: typeof fetch = async () => new Response("<html>", { status: 502 });
    await assert.rejects(
      httpBlobs({ gateway: "http://gateway", fetch: proxy }).put(new Uint8Array(3), "text/plain"),
      unavailable,
    );
  });

  test("hash as everyone does", async () => {
    for (const text of ["", "abc", "x".repeat(1000)])
      assert.equal(await platformSha256(new TextEncoder().encode(text)), digestOf(text));
  });
});
