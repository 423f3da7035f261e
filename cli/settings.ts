/** Where things are: a flag wins over the environment, the environment over the default. */

import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import packageJson from "../package.json" with { type: "json" };
import { exitCodes } from "./exit-codes.ts";
import { CliFailure } from "./failures.ts";

export const version = packageJson.version;

export const defaultPort = 4000;
const projectRoot = dirname(dirname(fileURLToPath(import.meta.url)));

const fromEnvironment = (name: string): string | undefined => {
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
  const home = fromEnvironment("XDG_DATA_HOME") ?? join(homedir(), ".local", "share");
  return join(home, "cnct");
};

export const clientAccount = (flag?: string): string => {
  const name = flag ?? fromEnvironment("CNCT_CLIENT") ?? "local";
  return name.startsWith("client:") ? name : `client:${name}`;
};

/** A port from a flag or CNCT_PORT; 0 stands for any free one. */
export const portNumber = (flag: string | undefined, fallback = defaultPort): number => {
  const text = flag ?? fromEnvironment("CNCT_PORT") ?? String(fallback);
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535)
    throw new CliFailure("bad-port", `"${text}" is no port; give 0 to 65535`, exitCodes.usage);
  return port;
};
