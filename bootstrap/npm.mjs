/** Calls npm, whichever way we were started. */
import { existsSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { runTool, withPath } from "./child.mjs";
import { BootstrapFailure } from "./failures.mjs";

/**
 * Runs npm to its end.
 *
 * @param {readonly string[]} args
 * @param {{ cwd: string, node?: string }} options `node` runs npm, and stands first on the PATH for
 *   what npm starts; the running Node unless told.
 * @returns {Promise<{ code: number, output: string }>}
 * @throws {BootstrapFailure} `no-npm` if there is none.
 */
export async function npm(args, { cwd, node = process.execPath }) {
  const env = withPath({ first: [dirname(node)], last: [dirname(process.execPath)] });
  const cli = npmCli();
  const done =
    cli === undefined
      ? await runTool("npm", args, { cwd, env, shell: process.platform === "win32" })
      : await runTool(node, [cli, ...args], { cwd, env });
  if (done.code === 127)
    throw new BootstrapFailure("no-npm", "npm is missing: install it with Node and start again.");
  return done;
}

/** npm's own entry file: named by the npm that started us, or beside the running Node. */
function npmCli() {
  const named = process.env["npm_execpath"];
  if (named !== undefined && basename(named) === "npm-cli.js" && existsSync(named)) return named;
  const beside = dirname(process.execPath);
  return [
    join(beside, "node_modules/npm/bin/npm-cli.js"),
    join(beside, "../lib/node_modules/npm/bin/npm-cli.js"),
  ].find((file) => existsSync(file));
}
