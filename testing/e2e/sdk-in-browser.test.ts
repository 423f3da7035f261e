/** The SDK runs as it is in a browser: a page submits jobs to a real network and reads the results. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from "node:http";
import { stripTypeScriptTypes } from "node:module";
import { type AddressInfo, connect as connectTcp, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join, normalize } from "node:path";
import { type TestContext, test } from "node:test";
import { openTestNetwork } from "../../gateway/testing/test-network.ts";
import { startTestNetwork } from "../../sdk/testing/network.ts";
import { signedJob, specOf } from "../../sdk/testing/receipts.ts";

const root = join(import.meta.dirname, "..", "..");

const findBrowser = (): string | undefined =>
  (process.env["PATH"] ?? "")
    .split(delimiter)
    .flatMap((folder) =>
      ["chromium", "chromium-browser", "google-chrome"].map((name) => join(folder, name)),
    )
    .find((path) => existsSync(path));

/** What a page does that acts as somebody: makes keys, logs in, submits, listens, changes its key. */
const actAsSomebody = `
    const { changed, newIdentity, openRegistry, prepareRotation } = sdk;
    let ada = newIdentity({ roles: ["client"] });
    const client = sdk.connect({ gateway: location.origin, identity: async () => ada });
    const bytes = new TextEncoder().encode("by somebody");
    const { hash } = await client.submit({ app: "echo", inputs: { data: bytes } });
    const payer = (await client.job(hash)).client;
    const rotation = prepareRotation(ada);
    await openRegistry(client.ask).state(rotation);
    ada = changed(ada, rotation);
    await client.cancel(hash);
    const heard = [];
    for await (const { events } of client.watch(hash)) heard.push(...events.map(({ type }) => type));
    await client.close();
    await report({ isOwn: payer === ada.account, heard });`;

/** What a page does where anybody may act for anybody. */
const actAsAnybody = `
    const client = sdk.connect({ gateway: location.origin, client: "client:page" });
    const bytes = new TextEncoder().encode("from a page");
    const { hash } = await client.submit({ app: "echo", inputs: { data: bytes } });
    const output = new TextDecoder().decode(await client.result(hash));
    const jobs = Array.from({ length: 50 }, (_, at) => ({ app: "noop", nonce: "page " + at }));
    const { hashes } = await client.submitMany(jobs);
    const ended = await client.awaitMany(hashes);
    await client.close();
    const file = ${JSON.stringify(signedJob(specOf({ commit: true })).file())};
    const { ok } = sdk.verifyReceipts(file);
    file.events.find(({ type }) => type === "ResultReceived").data.executionClass += "x";
    const [fault] = sdk.verifyReceipts(file).faults;
    const proven = [ok, fault.code];
    await report({ output, proven, statuses: ended.map(({ status }) => status), agent: navigator.userAgent });`;

const pageThat = (acts: string) => `<!doctype html>
<script type="importmap">{"imports":{
  "graphql-ws/client": "/node_modules/graphql-ws/dist/client.js",
  "@noble/ciphers/": "/node_modules/@noble/ciphers/",
  "@noble/curves/": "/node_modules/@noble/curves/",
  "@noble/hashes/": "/node_modules/@noble/hashes/"
}}</script>
<script type="module">
  const report = (body) => fetch("/report", { method: "POST", body: JSON.stringify(body) });
  try {
    const sdk = await import("/sdk/index.ts");
    ${acts}
  } catch (error) {
    await report({ error: String(error), stack: error.stack });
  }
</script>`;

/** Hands what is the gateway's to it; the page and the gateway are one origin, as the gateway asks. */
const proxy = (gateway: URL, server: Server): RequestListener => {
  const target = { host: gateway.hostname, port: Number(gateway.port) };
  server.on("upgrade", (request: IncomingMessage, socket: Socket, head: Buffer) => {
    const upstream = connectTcp(target);
    const headers = request.rawHeaders.reduce(
      (text, part, at) => text + part + (at % 2 === 0 ? ": " : "\r\n"),
      "",
    );
    upstream.write(`GET ${request.url} HTTP/1.1\r\n${headers}\r\n`);
    upstream.write(head);
    upstream.on("error", () => socket.destroy()).pipe(socket);
    socket.on("error", () => upstream.destroy()).pipe(upstream);
  });
  return (request, response) => {
    const { method, url, headers } = request;
    const passed = httpRequest({ ...target, method, path: url, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    passed.on("error", () => response.destroy());
    request.pipe(passed);
  };
};

/** Serves the project's files, TypeScript without its types, and hears the page's report. */
const serveProject = async (acts: string) => {
  const report = Promise.withResolvers<Readonly<Record<string, unknown>>>();
  const server = createServer();
  /** Known once there is a gateway, which may have to know this site first. */
  let toGateway: RequestListener = (_, response) => response.writeHead(503).end();
  server.on("request", async (request: IncomingMessage, response: ServerResponse) => {
    const path = normalize(new URL(request.url ?? "/", "http://page.test").pathname);
    if (/^\/(graphql|blobs)/.test(path)) toGateway(request, response);
    else if (path === "/report") {
      let body = "";
      for await (const chunk of request) body += chunk;
      report.resolve(JSON.parse(body));
      response.end();
    } else if (path === "/") {
      response.setHeader("content-type", "text/html");
      response.end(pageThat(acts));
    } else if (!/^\/(sdk|domain|crypto|node_modules)\//.test(path)) {
      response.writeHead(404).end();
    } else
      try {
        const source = await readFile(join(root, path), "utf8");
        response.setHeader("content-type", "text/javascript");
        response.end(path.endsWith(".ts") ? stripTypeScriptTypes(source) : source);
      } catch {
        report.resolve({ error: `the page asks for ${path}, which there is not` });
        response.writeHead(404).end();
      }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    report: report.promise,
    ask: (gateway: string) => {
      toGateway = proxy(new URL(gateway), server);
    },
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
};

const endBrowser = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), 3_000);
  await ended;
  clearTimeout(timer);
};

/** Opens a page and answers what it reports. */
const visit = async (
  t: TestContext,
  browser: string,
  site: Awaited<ReturnType<typeof serveProject>>,
): Promise<unknown> => {
  const profile = await mkdtemp(join(tmpdir(), "cnct-browser-"));
  const child = spawn(
    browser,
    [
      ...["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
      ...["--no-first-run", `--user-data-dir=${profile}`, site.url],
    ],
    // Chromium leaves temporary files of its own: they go with the profile.
    { stdio: "ignore", env: { ...process.env, TMPDIR: profile } },
  );
  t.after(async () => {
    // What it wrote last stands when it has ended, and not before.
    await endBrowser(child);
    await rm(profile, { recursive: true, force: true, maxRetries: 5 });
  });

  const late = AbortSignal.timeout(120_000);
  return Promise.race([
    site.report,
    once(late, "abort").then(() => ({ error: "the page did not report" })),
  ]);
};

test("the SDK submits, waits and downloads from a page", { timeout: 150_000 }, async (t) => {
  const browser = findBrowser();
  if (browser === undefined) {
    t.skip("NOT CHECKED: there is no chromium on the PATH");
    return;
  }
  const network = await startTestNetwork();
  t.after(() => network.close());
  const site = await serveProject(actAsAnybody);
  t.after(() => site.close());
  site.ask(network.gateway);
  const said = await visit(t, browser, site);
  const { output, proven, statuses, error } = said as Readonly<Record<string, unknown>>;
  assert.equal(error, undefined);
  assert.equal(output, "from a page");
  assert.deepEqual(proven, [true, "statement-not-in-bundle"]);
  assert.deepEqual(
    statuses,
    Array.from({ length: 50 }, () => "COMPLETED"),
  );
});

test("a page acts as an identity that it made itself", { timeout: 150_000 }, async (t) => {
  const browser = findBrowser();
  if (browser === undefined) {
    t.skip("NOT CHECKED: there is no chromium on the PATH");
    return;
  }
  const keyDirectory = await mkdtemp(join(tmpdir(), "cnct-page-"));
  t.after(() => rm(keyDirectory, { recursive: true, force: true }));
  const site = await serveProject(actAsSomebody);
  t.after(() => site.close());
  const publicUrls = [site.url];
  const network = await openTestNetwork({ access: "identities", keyDirectory, publicUrls });
  t.after(() => network.close());
  site.ask(network.url);
  const said = await visit(t, browser, site);
  assert.deepEqual(said, { isOwn: true, heard: ["JobSubmitted", "KeysWrapped", "JobCancelled"] });
});
