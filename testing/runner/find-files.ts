/** Finds the project's own files. */
import { readdirSync } from "node:fs";
import { join } from "node:path";

/** Folders that hold no source of ours. */
const foreign = new Set(["node_modules", ".git", ".cnct", "dist", "coverage"]);

/**
 * All files below a folder that the test lets through, as absolute paths, sorted.
 *
 * @param wanted - Gets the file's name without its folder.
 */
export const findFiles = (root: string, wanted: (name: string) => boolean): readonly string[] => {
  const entries = readdirSync(root, { withFileTypes: true });
  return entries
    .filter(({ name }) => !foreign.has(name))
    .flatMap((entry) => {
      const path = join(root, entry.name);
      if (entry.isDirectory()) return findFiles(path, wanted);
      return entry.isFile() && wanted(entry.name) ? [path] : [];
    })
    .sort();
};
