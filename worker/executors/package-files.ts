/** Finds files that installed packages ship, wherever the package manager put them. */

import { access, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";

/**
 * The path of a file in an installed package, also of one that its `exports` do not list.
 *
 * @throws {Error} When the package or the file is not installed.
 */
export const packageFile = async (packageName: string, file: string): Promise<string> => {
  const places = createRequire(import.meta.url).resolve.paths(packageName) ?? [];
  for (const place of places) {
    const path = join(place, packageName, file);
    const exists = await access(path).then(
      () => true,
      () => false,
    );
    if (exists) return path;
  }
  throw new Error(`the package ${packageName} with its file ${file} is not installed`);
};

export const packageVersion = async (packageName: string): Promise<string> => {
  const text = await readFile(await packageFile(packageName, "package.json"), "utf8");
  const { version } = JSON.parse(text) as { readonly version: string };
  return version;
};
