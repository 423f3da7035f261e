/** What a child must be able to read to run at all; inside a fence there is nothing else. */

import { existsSync, lstatSync, realpathSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** Something of this machine that is there inside a fence too, at the same path and read-only. */
export type Shown =
  | { readonly path: string }
  /** A symbolic link is made anew: Node follows it to the real path, which is shown as well. */
  | { readonly link: string; readonly to: string };

const project = fileURLToPath(new URL("../../", import.meta.url));

/** Folders whose code a child loads. No data lies in them, and nothing that opens a seal. */
const codeFolders = ["worker", "domain"];

/** A `node_modules` counts only if it has one of these: a user's home may hold another. */
const ourPackages = ["onnxruntime-common", "@noble/hashes", "sharp"];

/** Of the system's C library and of the tool that sets limits; Node itself has no need of them. */
const moreLibraries = ["librt.so.1", "libresolv.so.2", "libsmartcols.so.1"];

/**
 * The Node binary, the system libraries that it has loaded and those that packages and tools load
 * later, this project's code, its packages, and what the processor is (ONNX Runtime reads that).
 *
 * @param tools - Further programs that run inside.
 */
export const shownPaths = (tools: readonly string[]): readonly Shown[] => [
  ...[process.execPath, ...tools, ...libraries()].map((path) => ({ path })),
  ...["package.json", ...codeFolders]
    .map((name) => join(project, name))
    .filter((path) => existsSync(path))
    .map((path) => ({ path })),
  ...packages(),
  ...["/sys/devices/system/cpu"].filter((path) => existsSync(path)).map((path) => ({ path })),
];

const libraries = (): readonly string[] => {
  const loaded = loadedLibraries();
  const folders = [...new Set(loaded.map((path) => dirname(path)))];
  const more = folders
    .flatMap((folder) => moreLibraries.map((name) => join(folder, name)))
    .filter((path) => existsSync(path));
  return [...new Set([...loaded, ...more])];
};

const loadedLibraries = (): readonly string[] => {
  const report = process.report as typeof process.report & { excludeNetwork: boolean };
  const before = report.excludeNetwork;
  report.excludeNetwork = true; // It would ask for the names of all who are connected.
  const { sharedObjects } = report.getReport() as unknown as {
    readonly sharedObjects: readonly string[];
  };
  report.excludeNetwork = before;
  // Add-ons are in packages, which are shown whole; `linux-vdso` is no file.
  return sharedObjects.filter((path) => path.startsWith("/") && /\.so(\.|$)/.test(path));
};

const packages = (): readonly Shown[] => {
  const places = createRequire(import.meta.url).resolve.paths("sharp") ?? [];
  return places
    .filter((place) => ourPackages.some((name) => existsSync(join(place, name))))
    .flatMap((place): readonly Shown[] =>
      lstatSync(place).isSymbolicLink()
        ? [{ path: realpathSync(place) }, { link: place, to: realpathSync(place) }]
        : [{ path: place }],
    );
};
