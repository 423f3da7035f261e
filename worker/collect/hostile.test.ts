import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { after, describe, test } from "node:test";
import { brotliCompressSync, gzipSync } from "node:zlib";
import type { CollectFault } from "../../domain/collection/items.ts";
import { failedAt, fetchedFrom, openTestCollect } from "../../testing/collect/run.ts";
import {
  html,
  type Names,
  openRawSite,
  openSite,
  type Page,
  redirect,
  type Site,
  siteAddress,
  testNetwork,
  trapAddress,
} from "../../testing/collect/site.ts";
import { exchangeLimits } from "./exchange.ts";
import { publicInternet } from "./network.ts";

/** Where nothing may ever arrive; null where the system has no such address. */
const trap: Site | null = await openSite({ "/": html("secret") }, { address: trapAddress }).catch(
  () => null,
);
const packed =
  (encoding: string, bytes: Uint8Array): Page =>
  (_, response) =>
    void response
      .writeHead(200, { "content-type": "text/html", "content-encoding": encoding })
      .end(bytes);
const bomb = gzipSync(Buffer.alloc(200 * 2 ** 20), { level: 9 });
const endless: Page = (_, response) => {
  response.writeHead(200, { "content-type": "text/html" });
  const more = () => {
    while (!response.destroyed && response.write("x".repeat(16_384)));
    if (!response.destroyed) response.once("drain", more);
  };
  more();
};

const site = await openSite({
  "/to-loopback": redirect("http://127.0.0.1/"),
  "/to-metadata": redirect("http://169.254.169.254/latest/meta-data/"),
  "/to-decimal": redirect("http://2130706433/"),
  "/to-mapped": redirect("http://[::ffff:127.0.0.1]/"),
  "/to-localhost": redirect("http://localhost/"),
  "/to-file": redirect("file:///etc/passwd"),
  "/to-user": redirect("http://ada:secret@www.example.org/"),
  "/to-slashes": redirect("//127.0.0.1/"),
  "/to-backslash": redirect("/\\127.0.0.1/"),
  "/to-port": redirect("http://www.example.org:22/"),
  "/to-nowhere": (_, response) => void response.writeHead(302).end(),
  "/to-other": redirect("http://example.com/"),
  "/to-inside": (request, response) =>
    redirect(`http://inside.example.org:${request.socket.localPort}/`)(request, response),
  "/1": redirect("/2"),
  "/2": redirect("/3"),
  "/3": redirect("/4", 301),
  "/4": redirect("/5", 307),
  "/5": redirect("/6", 308),
  "/6": redirect("/7", 303),
  "/7": html("far"),
  "/loop": redirect("/loop"),
  "/": html("here"),
  "/endless": endless,
  "/declared": (_, response) =>
    void response
      .writeHead(200, { "content-type": "text/html", "content-length": "999999999" })
      .write("x"),
  "/just": html("x".repeat(1_000)),
  "/bomb": packed("gzip", bomb),
  "/bomb-in-bomb": packed("gzip, gzip", gzipSync(bomb)),
  "/brotli": packed("br", brotliCompressSync("x")),
  "/not-gzip": packed("gzip", Buffer.from("plain")),
  "/torn-gzip": packed("gzip", gzipSync("x".repeat(10_000)).subarray(0, 30)),
  "/many-headers": (_, response) => {
    for (let i = 0; i < 300; i++) response.setHeader(`x-${i}`, "y".repeat(100));
    response.writeHead(200, { "content-type": "text/html" }).end("x");
  },
  "/silent": () => undefined,
});
after(async () => {
  await site.close();
  await trap?.close();
});
const limits = { ...exchangeLimits, totalMs: 1_000, idleMs: 400 };
const open = (names: Names = {}, ports: readonly number[] = [site.port]) => {
  const network = testNetwork(trap ? [...ports, trap.port] : ports, names);
  return Object.assign(openTestCollect({ network, limits }), { network });
};
const at = (path: string, host = "www.example.org") => `http://${host}:${site.port}${path}`;

describe("a redirect", () => {
  const cases: readonly [path: string, CollectFault][] = [
    ["/to-loopback", "redirect-refused"],
    ["/to-metadata", "redirect-refused"],
    ["/to-decimal", "redirect-refused"],
    ["/to-mapped", "redirect-refused"],
    ["/to-localhost", "redirect-refused"],
    ["/to-file", "redirect-refused"],
    ["/to-user", "redirect-refused"],
    ["/to-slashes", "redirect-refused"],
    ["/to-backslash", "redirect-refused"],
    ["/to-port", "redirect-refused"],
    ["/to-nowhere", "redirect-refused"],
    ["/loop", "too-many-redirects"],
    ["/1", "too-many-redirects"],
  ];
  for (const [path, code] of cases)
    test(`${path} is refused: ${code}`, async () =>
      assert.equal((await failedAt(open(), at(path))).code, code));

  test("is followed five times", async () => {
    const item = await fetchedFrom(open(), at("/2"));
    assert.equal(item.provenance.redirects.length, 5);
    assert.equal(item.finalUrl, at("/7"));
  });

  test("to a host that the owner does not allow is refused", async () => {
    const network = testNetwork([site.port, 80]);
    const executor = openTestCollect({ network });
    assert.equal((await failedAt(executor, at("/to-other"))).code, "redirect-not-allowed");
    assert.ok(!network.asked.includes("example.com"), "nobody was asked for its address");
  });

  test("to a name of the inside is refused", async () => {
    const executor = open({ "inside.example.org": [trapAddress] });
    assert.equal((await failedAt(executor, at("/to-inside"))).code, "address-not-public");
  });

  test("from https to http is refused", async () => {
    const secure = await openSite(
      { "/": redirect(at("/")), "/ok": html("safe") },
      { secure: true },
    );
    const executor = open({}, [site.port, secure.port]);
    const base = `https://secure.example.org:${secure.port}`;
    assert.equal((await failedAt(executor, `${base}/`)).code, "redirect-downgrade");
    assert.equal((await fetchedFrom(executor, `${base}/ok`)).status, 200);
    await secure.close();
  });
});

describe("a name", () => {
  test("that leads inside is refused, whatever else it leads to", async () => {
    for (const addresses of [
      [trapAddress],
      [siteAddress, trapAddress],
      ["10.0.0.1"],
      ["::1"],
      ["::ffff:127.0.0.1"],
      ["not an address"],
    ]) {
      const executor = open({ "www.example.org": addresses });
      const item = await failedAt(executor, at("/"));
      assert.deepEqual([item.code, item.robots], ["address-not-public", "not-asked"]);
    }
  });

  test("that leads elsewhere at the second question is refused then", async () => {
    let questions = 0;
    const executor = open({
      "www.example.org": () => [questions++ === 0 ? siteAddress : trapAddress],
    });
    const item = await failedAt(executor, at("/"));
    assert.deepEqual([item.code, item.robots], ["address-not-public", "no-robots"]);
    assert.equal(questions, 2, "robots.txt, then the page");
  });

  test("is asked for once a request, so that what was checked is what is talked to", async () => {
    const executor = open();
    await fetchedFrom(executor, at("/"));
    assert.deepEqual(executor.network.asked, ["www.example.org", "www.example.org"]);
  });

  test("that nobody has is not found", async () => {
    const silent = open({
      "www.example.org": () => {
        throw new Error("the name server is silent");
      },
    });
    assert.equal((await failedAt(silent, at("/"))).code, "name-not-found");
    assert.equal((await failedAt(open({ "www.example.org": [] }), at("/"))).code, "name-not-found");
  });

  test("of this very machine is refused in the real network", async () => {
    const local = { ...publicInternet, ports: [site.port], resolve: async () => [siteAddress] };
    assert.equal(
      (await failedAt(openTestCollect({ network: local }), at("/"))).code,
      "address-not-public",
    );
    const addresses = await publicInternet.resolve("localhost");
    assert.ok(addresses.length > 0);
    assert.ok(!addresses.some((address) => publicInternet.mayConnect(address)));
  });

  test("must be the certificate's", async () => {
    const secure = await openSite({ "/": html("safe") }, { secure: true });
    const executor = open({}, [secure.port]);
    const { code } = await failedAt(executor, `https://www.example.org:${secure.port}/`);
    assert.equal(code, "tls-failed");
    const { trusted: _, ...network } = testNetwork([secure.port]);
    const strict = openTestCollect({ network });
    const unknown = await failedAt(strict, `https://secure.example.org:${secure.port}/`);
    assert.equal(unknown.code, "tls-failed");
    await secure.close();
  });

  test("whose first address is dead is visited at its second", async () => {
    const network = {
      ...testNetwork([site.port], { "www.example.org": ["127.0.0.3", siteAddress] }),
      mayConnect: () => true,
    };
    const item = await fetchedFrom(openTestCollect({ network }), at("/"));
    assert.equal(item.provenance.address, siteAddress);
  });

  test("where nobody listens is not reached", async () => {
    const gone = await openSite({});
    await gone.close();
    const item = await failedAt(open({}, [gone.port]), `http://www.example.org:${gone.port}/`);
    assert.equal(item.code, "unreachable");
  });
});

describe("a body", () => {
  const within = async (path: string, params: object, code: CollectFault) => {
    const startedAt = performance.now();
    assert.equal((await failedAt(open(), at(path), params)).code, code);
    const tookMs = performance.now() - startedAt;
    assert.ok(tookMs < 3_000, `${path} took ${tookMs} ms`);
  };

  test("may have as many bytes as the job allows, and no more", async () => {
    assert.equal((await fetchedFrom(open(), at("/just"), { maxBytes: 1_000 })).size, 1_000);
    await within("/just", { maxBytes: 999 }, "too-large");
  });

  test("without end is cut off", () => within("/endless", {}, "too-large"));

  test("that declares too much is not begun", () => within("/declared", {}, "too-large"));

  test("that unfolds to too much is stopped while it unfolds", async () => {
    assert.ok(bomb.length < 256 * 1024, "it would pass by its own size");
    const before = process.memoryUsage().arrayBuffers;
    let most = 0;
    const watch = setInterval(() => {
      most = Math.max(most, process.memoryUsage().arrayBuffers - before);
    }, 1);
    await within("/bomb", {}, "too-large");
    clearInterval(watch);
    assert.ok(most < 16 * 2 ** 20, `${most} bytes were held`);
  });

  test("folded twice, or in a way that was not asked for, is refused", async () => {
    await within("/bomb-in-bomb", {}, "encoding-unknown");
    await within("/brotli", {}, "encoding-unknown");
  });

  test("that is not what its encoding says is refused", async () => {
    await within("/not-gzip", {}, "bad-encoding");
    await within("/torn-gzip", {}, "bad-encoding");
  });
});

describe("a server", () => {
  const raw = async (say: (socket: Socket) => void, code: CollectFault, leastMs = 0) => {
    const server = await openRawSite(say);
    const startedAt = performance.now();
    const url = `http://www.example.org:${server.port}/`;
    const item = await failedAt(open({}, [server.port]), url).finally(() => server.close());
    const tookMs = performance.now() - startedAt;
    assert.equal(item.code, code);
    assert.ok(tookMs >= leastMs && tookMs < limits.totalMs + 1_000, `${tookMs} ms`);
  };
  const head = "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n";
  const drip = (socket: Socket, text: string) => {
    const timer = setInterval(() => socket.write(text), 50);
    socket.on("close", () => clearInterval(timer));
  };

  test("that drips its body is left when the time is over", () =>
    raw(
      (socket) => {
        socket.write(`${head}\r\n`);
        drip(socket, "x");
      },
      "timed-out",
      limits.totalMs - 50,
    ));

  test("that drips its headers is left when the time is over", () =>
    raw(
      (socket) => {
        socket.write(head);
        drip(socket, "a: b\r\n");
      },
      "timed-out",
      limits.totalMs - 50,
    ));

  test("that gives hints without end is left when the time is over", () =>
    raw(
      (socket) => drip(socket, "HTTP/1.1 103 Early Hints\r\n\r\n"),
      "timed-out",
      limits.totalMs - 50,
    ));

  test("that falls silent is left early", async () => {
    await raw(() => undefined, "timed-out", limits.idleMs - 50);
    await raw((socket) => socket.write(`${head}\r\nx`), "timed-out", limits.idleMs - 50);
    assert.equal((await failedAt(open(), at("/silent"))).code, "timed-out");
  });

  test("that sends huge headers is refused", async () => {
    assert.equal((await failedAt(open(), at("/many-headers"))).code, "headers-too-large");
    await raw((socket) => {
      socket.write(`${head}x: `);
      const more = () => {
        while (!socket.destroyed && socket.write("y".repeat(16_384)));
      };
      socket.on("drain", more);
      more();
    }, "headers-too-large");
  });

  test("that speaks no HTTP, or breaks off, has given a bad response", async () => {
    await raw((socket) => socket.end("SSH-2.0-OpenSSH_9.2\r\n"), "bad-response");
    await raw((socket) => socket.end(), "bad-response");
    await raw((socket) => socket.end(`${head}content-length: 100\r\n\r\nhalf`), "bad-response");
    await raw(
      (socket) => socket.end(`${head}transfer-encoding: chunked\r\n\r\nzz\r\n`),
      "bad-response",
    );
    await raw(
      (socket) => socket.end(`${head}content-length: 1\r\ntransfer-encoding: chunked\r\n\r\nx`),
      "bad-response",
    );
    await raw(
      (socket) => socket.end(`${head}content-length: 1\r\ncontent-length: 2\r\n\r\nxy`),
      "bad-response",
    );
    await raw((socket) => socket.resetAndDestroy(), "bad-response");
    await raw(
      (socket) => socket.end("HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n"),
      "bad-response",
    );
  });
});

test("nothing of all this ever reached the trap", (t) => {
  if (!trap) return t.skip(`SKIPPED: this system has no ${trapAddress}`);
  assert.equal(trap.visits.length, 0);
});

test("the trap is one: it would have been reached", async (t) => {
  if (!trap) return t.skip(`SKIPPED: this system has no ${trapAddress}`);
  const names = { "www.example.org": [trapAddress] };
  const careless = { ...testNetwork([trap.port], names), mayConnect: () => true };
  await fetchedFrom(openTestCollect({ network: careless }), `http://www.example.org:${trap.port}/`);
  assert.ok(trap.visits.length > 0);
});
