/** Web sites on this machine for the collector's tests, and a network in which they are public. */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import {
  type AddressInfo,
  createServer as createRawServer,
  type Server as RawServer,
  type Socket,
} from "node:net";
import type { CollectNetwork } from "../../worker/collect/network.ts";
import { testCertificate, testKey } from "./certificate.ts";

export type Page = (request: IncomingMessage, response: ServerResponse) => void;

export interface Visited {
  readonly host: string;
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  /** Milliseconds of a clock that only goes forward. */
  readonly startedAt: number;
  endedAt: number;
}

export interface Site {
  readonly port: number;
  /** Every request, in order, robots.txt among them. */
  readonly visits: Visited[];
  /** Paths asked for, without robots.txt. */
  paths(): readonly string[];
  close(): Promise<void>;
}

/** Where the tests' sites are: the one address that `testNetwork` takes for public. */
export const siteAddress = "127.0.0.1";
/** Stands for everything that must never be reached. */
export const trapAddress = "127.0.0.2";

export const html =
  (text: string, headers: Readonly<Record<string, string>> = {}): Page =>
  (_, response) =>
    void response.writeHead(200, { "content-type": "text/html", ...headers }).end(text);

export const redirect =
  (location: string, status = 302): Page =>
  (_, response) =>
    void response.writeHead(status, { location }).end("moved");

export const status =
  (code: number, headers: Readonly<Record<string, string>> = {}): Page =>
  (_, response) =>
    void response.writeHead(code, { "content-type": "text/html", ...headers }).end("no");

/**
 * A site whose pages are named by path, or by host and path (`one.example.org/a`). A path without a
 * page is not found, robots.txt too.
 */
export const openSite = async (
  pages: Readonly<Record<string, Page>>,
  { secure = false, address = siteAddress }: { secure?: boolean; address?: string } = {},
): Promise<Site> => {
  const visits: Visited[] = [];
  const serve = (request: IncomingMessage, response: ServerResponse) => {
    const host = (request.headers.host ?? "").replace(/:\d+$/, "");
    const path = request.url ?? "";
    const startedAt = performance.now();
    const visit: Visited = { host, path, headers: request.headers, startedAt, endedAt: Infinity };
    visits.push(visit);
    response.on("close", () => {
      visit.endedAt = performance.now();
    });
    (pages[`${host}${path}`] ?? pages[path] ?? status(404))(request, response);
  };
  const server: Server = secure
    ? createSecureServer({ cert: testCertificate, key: testKey }, serve)
    : createServer(serve);
  const port = await listen(server, address);
  return {
    port,
    visits,
    paths: () => visits.map(({ path }) => path).filter((path) => path !== "/robots.txt"),
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};

/** A server that says what it likes; robots.txt is not found there, in good HTTP. */
export const openRawSite = async (
  say: (socket: Socket) => void,
): Promise<Pick<Site, "port" | "close">> => {
  const sockets = new Set<Socket>();
  const server = createRawServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => undefined); // The collector hangs up on purpose.
    socket.once("data", (data) => {
      if (data.toString().startsWith("GET /robots.txt "))
        socket.end("HTTP/1.1 404 None\r\ncontent-length: 0\r\n\r\n");
      else say(socket);
    });
  });
  const port = await listen(server, siteAddress);
  return {
    port,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};

const listen = (server: RawServer, address: string): Promise<number> =>
  new Promise((resolve, reject) => {
    server.on("error", reject);
    server.listen(0, address, () => resolve((server.address() as AddressInfo).port));
  });

/** What a name leads to, at each question anew. */
export type Names = Readonly<Record<string, readonly string[] | (() => readonly string[])>>;

/** Every name leads to the sites, but for those given; nothing but the sites is public. */
export const testNetwork = (
  ports: readonly number[],
  names: Names = {},
): CollectNetwork & { readonly asked: string[] } => {
  const asked: string[] = [];
  return {
    asked,
    resolve: async (host) => {
      asked.push(host);
      const known = names[host] ?? [siteAddress];
      return typeof known === "function" ? known() : known;
    },
    mayConnect: (address) => address === siteAddress,
    ports,
    trusted: [testCertificate],
  };
};
