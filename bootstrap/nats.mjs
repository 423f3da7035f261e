/** A `nats-server` to start: found on the machine, or installed by the system's package manager. */
import { dirname } from "node:path";
import { BootstrapFailure } from "./failures.mjs";
import { findExecutable, installPackage, usualFolders } from "./system-packages.mjs";

/**
 * Sees to it that a NATS server can be reached or started.
 *
 * @param {{ install: boolean, folders?: readonly string[] }} options
 * @returns {Promise<string | undefined>} Folder of `nats-server`, to go on the PATH; undefined when
 *   `CNCT_NATS_URL` names a running server.
 * @throws {BootstrapFailure} `no-nats-server`
 */
export async function ensureNats({ install, folders = usualFolders }) {
  if (process.env["CNCT_NATS_URL"]) return undefined;
  const found = findExecutable("nats-server", { folders });
  if (found !== undefined) return dirname(found);
  const remedy =
    "install it (Debian, Alpine, Fedora and Homebrew call the package nats-server), or set CNCT_NATS_URL to a running server";
  if (!install) throw new BootstrapFailure("no-nats-server", `nats-server is missing: ${remedy}.`);
  const why = await installPackage("nats-server");
  const installed = findExecutable("nats-server", { folders });
  if (installed !== undefined) return dirname(installed);
  throw new BootstrapFailure(
    "no-nats-server",
    `nats-server is missing and could not be installed (${why}): ${remedy}.`,
  );
}
