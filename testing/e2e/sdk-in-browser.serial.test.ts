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
import { test } from "node:test";
import { startTestNetwork } from "../../sdk/testing/network.ts";

const root = join(import.meta.dirname, "..", "..");

const findBrowser = (): string | undefined =>
  (process.env["PATH"] ?? "")
    .split(delimiter)
    .flatMap((folder) =>
      ["chromium", "chromium-browser", "google-chrome"].map((name) => join(folder, name)),
    )
    .find((path) => existsSync(path));

const page = `<!doctype html>
<script type="importmap">{"imports":{
  "graphql-ws/client": "/node_modules/graphql-ws/dist/client.js",
  "@noble/hashes/": "/node_modules/@noble/hashes/"
}}</script>
<script type="module">
  const report = (body) => fetch("/report", { method: "POST", body: JSON.stringify(body) });
  try {
    const { connect } = await import("/sdk/index.ts");
    const client = connect({ gateway: location.origin, client: "client:page" });
    const bytes = new TextEncoder().encode("from a page");
    const { hash } = await client.submit({ app: "echo", inputs: { data: bytes } });
    const output = new TextDecoder().decode(await client.result(hash));
    const jobs = Array.from({ length: 50 }, (_, at) => ({ app: "noop", nonce: "page " + at }));
    const { hashes } = await client.submitMany(jobs);
    const ended = await client.awaitMany(hashes);
    await client.close();
    await report({ output, statuses: ended.map(({ status }) => status), agent: navigator.userAgent });
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
const serveProject = async (gateway: string) => {
  const report = Promise.withResolvers<Readonly<Record<string, unknown>>>();
  const server = createServer();
  const toGateway = proxy(new URL(gateway), server);
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
      response.end(page);
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

test("the SDK submits, waits and downloads from a page", { timeout: 150_000 }, async (t) => {
  const browser = findBrowser();
  if (browser === undefined) {
    t.skip("NOT CHECKED: there is no chromium on the PATH");
    return;
  }
  const network = await startTestNetwork();
  t.after(() => network.close());
  const site = await serveProject(network.gateway);
  t.after(() => site.close());
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
  const said = await Promise.race([
    site.report,
    once(late, "abort").then(() => ({ error: "the page did not report" })),
  ]);
  const { output, statuses, error } = said as Readonly<Record<string, unknown>>;
  assert.equal(error, undefined);
  assert.equal(output, "from a page");
  assert.deepEqual(
    statuses,
    Array.from({ length: 50 }, () => "COMPLETED"),
  );
});
