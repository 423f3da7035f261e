/** Where things are: a flag wins over the environment, the environment over the default. */

import { existsSync } from "node:fs";
import { homedir, hostname } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { CnctId } from "../domain/identity/inception.ts";
import { isNodeId } from "../domain/ids.ts";
import packageJson from "../package.json" with { type: "json" };
import { exitCodes } from "./exit-codes.ts";
import { CliFailure } from "./failures.ts";

export const version = packageJson.version;

export const defaultPort = 4000;
const projectRoot = dirname(dirname(fileURLToPath(import.meta.url)));

/** Every variable that CNCT reads, and what it stands for. There is no other. */
export const variables = {
  CNCT_DATA: "the data directory",
  CNCT_PORT: "of the gateway; 0 for any free one",
  CNCT_GATEWAY: "where the gateway is",
  CNCT_CLIENT: "who pays",
  CNCT_ID: "the key file of your identity",
  CNCT_PASSPHRASE: "of the key file, if it has one",
  CNCT_SERVICE_KEY: "acts instead of a key file, for CNCT_CLIENT",
  CNCT_EVENTSTORE_URL: "an EventStoreDB instead of the embedded log",
  CNCT_NATS_URL: "a running nats-server",
  CNCT_NATS_SERVER: "the nats-server program",
  CNCT_ALLOW_PUBLIC: "1: the gateway may listen where others reach it",
  CNCT_FENCE: "whether workers need a fence around their children",
  CNCT_NO_INSTALL: "1: the bootstrap installs nothing",
  CNCT_DEBUG: "1: the stack of a failure",
} as const;

const fromEnvironment = (name: keyof typeof variables): string | undefined => {
  const value = process.env[name];
  return value === undefined || value === "" ? undefined : value;
};

export const gatewayUrl = (flag: string | undefined): string => {
  const url = flag ?? fromEnvironment("CNCT_GATEWAY") ?? `http://127.0.0.1:${defaultPort}`;
  if (!/^https?:\/\//.test(url) || !URL.canParse(url))
    throw new CliFailure(
      "bad-gateway-url",
      `"${url}" is no address of a gateway; write it like http://127.0.0.1:4000`,
      exitCodes.usage,
    );
  return url;
};

export const eventStoreUrl = (flag?: string): string | undefined =>
  flag ?? fromEnvironment("CNCT_EVENTSTORE_URL");

export const natsUrl = (flag?: string): string | undefined =>
  flag ?? fromEnvironment("CNCT_NATS_URL");

const fenceWishes = ["require", "auto", "off"] as const;

/** @throws {CliFailure} `bad-option`. */
export const fenceWish = (flag?: string): (typeof fenceWishes)[number] => {
  const text = flag ?? fromEnvironment("CNCT_FENCE") ?? "auto";
  const found = fenceWishes.find((wish) => wish === text);
  if (found !== undefined) return found;
  throw new CliFailure(
    "bad-option",
    `--fence (CNCT_FENCE) takes ${fenceWishes.join(", ")}, not "${text}"`,
    exitCodes.usage,
  );
};

/** The nats-server program; found by itself if it is not named. */
export const natsBinary = (): string | undefined => fromEnvironment("CNCT_NATS_SERVER");

/**
 * A checkout keeps its data in `.cnct/data`; an installed package, which may not be written to, in
 * the user's own data directory.
 */
export const dataDirectory = (flag?: string): string => {
  const given = flag ?? fromEnvironment("CNCT_DATA");
  if (given !== undefined) return resolve(given);
  if (existsSync(join(projectRoot, "tsconfig.json"))) return join(projectRoot, ".cnct", "data");
  const home = process.env["XDG_DATA_HOME"] || join(homedir(), ".local", "share");
  return join(home, "cnct");
};

/** Where the roles of a coordinator note what they refused. */
export const refusalsFile = (directory: string): string => join(directory, "refusals.sqlite");

/** Where the user's own identity lives. */
export const keyFilePath = (flag?: string): string => {
  const given = flag ?? fromEnvironment("CNCT_ID");
  if (given !== undefined) return resolve(given);
  const home = process.env["XDG_CONFIG_HOME"] || join(homedir(), ".config");
  return join(home, "cnct", "id.json");
};

/** Kept nowhere: read when a key file is opened. */
export const passphrase = (): string | undefined => fromEnvironment("CNCT_PASSPHRASE");

/** A secret by which a program acts for the identity that issued it. */
export const serviceKey = (): string | undefined => fromEnvironment("CNCT_SERVICE_KEY");

/** Characters of its owner's id in a node's name: two strangers' machines may have one name. */
const ownerCharacters = 8;

/**
 * The machine's name as that of a node, the same at every start: `Ada's PC.local` is `ada-s-pc-local`,
 * and of an identity `cnct:3k7qmzxa…` it is `ada-s-pc-local-3k7qmzxa`. In a container that is the
 * container's id, so that replicas are distinct nodes.
 */
export const nodeName = ({
  machine = hostname(),
  id,
}: {
  readonly machine?: string;
  readonly id?: CnctId;
} = {}): string => {
  const owner = id === undefined ? "" : `-${id.slice("cnct:".length).slice(0, ownerCharacters)}`;
  const name = `${machine
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "")
    .slice(0, 64 - owner.length)}${owner}`.replace(/^-/, "");
  return isNodeId(name) ? name : `node-${name}`.replace(/-$/, "");
};

/** Stack traces are for those who ask for them. */
export const isDebugging = (): boolean => fromEnvironment("CNCT_DEBUG") !== undefined;

/** @throws {CliFailure} `bad-option` for what is no origin of a web page. */
export const webOrigin = (text: string): string => {
  if (/^https?:\/\//.test(text) && URL.parse(text)?.origin === text) return text;
  throw new CliFailure(
    "bad-option",
    `--origin takes the origin of a web page, such as http://localhost:5173, not "${text}"`,
    exitCodes.usage,
  );
};

/** @throws {CliFailure} `bad-option` for what is no address of a gateway. */
export const publicUrl = (text: string): string => {
  const url = URL.parse(text);
  if (url !== null && /^https?:$/.test(url.protocol) && url.href === `${url.origin}/`)
    return url.origin;
  throw new CliFailure(
    "bad-option",
    `--public-url takes an address such as https://gateway.example:4000, not "${text}"`,
    exitCodes.usage,
  );
};

export const clientAccount = (flag?: string): string => givenClient(flag) ?? "client:local";

/** Who was named as the client, if anybody was. */
export const givenClient = (flag?: string): string | undefined => {
  const name = flag ?? fromEnvironment("CNCT_CLIENT");
  return name === undefined || name.startsWith("client:") ? name : `client:${name}`;
};

/** A port from a flag or CNCT_PORT; 0 stands for any free one. */
export const portNumber = (flag: string | undefined, fallback = defaultPort): number => {
  const text = flag ?? fromEnvironment("CNCT_PORT") ?? String(fallback);
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535)
    throw new CliFailure("bad-port", `"${text}" is no port; give 0 to 65535`, exitCodes.usage);
  return port;
};
