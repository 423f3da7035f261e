/** The catalogue's models on this machine's disk, checked against their digests. */

import { readFile } from "node:fs/promises";
import { type AppName, catalogue } from "../../domain/catalogue.ts";
import { packageFile } from "./package-files.ts";
import { sha256Hex } from "./session-cache.ts";

/**
 * @throws {Error} When the file is not installed, or is not the one that the catalogue names: this
 * machine's fault, because another model would give other results.
 */
export const readModelFile = async (app: AppName, role: string): Promise<Uint8Array> => {
  const model = catalogue[app].models.find((each) => each.role === role);
  if (model === undefined) throw new Error(`the catalogue names no ${role} for ${app}`);
  const path = await packageFile(model.package, model.file);
  const bytes = await readFile(path);
  const digest = sha256Hex(bytes);
  if (digest !== model.sha256)
    throw new Error(`${model.file} has digest ${digest}, the catalogue says ${model.sha256}`);
  return bytes;
};
