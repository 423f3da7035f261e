/**
 * Builds the example modules of the app `wasm`: `npm run build:examples [-- folder]`. Each `<name>.as`
 * is AssemblyScript, named so that TypeScript's own compiler leaves it alone.
 */

import { mkdir, readFile, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { main } from "assemblyscript/asc";

export const exampleModules = ["aggregate", "pixels"] as const;
export type ExampleModule = (typeof exampleModules)[number];

/**
 * The bytes of one module; the same each time.
 *
 * @throws {Error} With what the compiler says.
 */
export const buildModule = (name: ExampleModule): Promise<Uint8Array> =>
  compileModule(join(import.meta.dirname, `${name}.as`));

/**
 * As `buildModule`, from a file anywhere. What it imports is beside it, or here.
 *
 * @param features - Of AssemblyScript, such as `simd`.
 */
export const compileModule = async (
  file: string,
  features: readonly string[] = [],
): Promise<Uint8Array> => {
  const name = basename(file, ".as");
  const options = ["-O3", "--runtime", "stub", "--maximumMemory", "4096", "--noColors"];
  const enabled = features.flatMap((feature) => ["--enable", feature]);
  const text = (folder: string, path: string) =>
    readFile(join(folder, `${basename(path, ".ts")}.as`), "utf8").catch(() => null);
  let built: Uint8Array | undefined;
  const { error, stderr } = await main(
    [`${name}.ts`, ...options, ...enabled, "--outFile", "module.wasm"],
    {
      readFile: async (path) =>
        (await text(dirname(file), path)) ?? (await text(import.meta.dirname, path)),
      writeFile: (_file, contents) => {
        if (typeof contents !== "string") built = contents;
      },
      listFiles: () => [],
    },
  );
  if (error)
    throw new Error(`${name}.as does not compile:\n${stderr.toString()}`, { cause: error });
  if (built === undefined) throw new Error(`the compiler gave no bytes for ${name}.as`);
  return built;
};

if (import.meta.main) {
  const folder = resolve(
    process.argv[2] ?? join(dirname(import.meta.dirname), "..", "dist", "wasm"),
  );
  await mkdir(folder, { recursive: true });
  for (const name of exampleModules) {
    const bytes = await buildModule(name);
    await writeFile(join(folder, `${name}.wasm`), bytes);
    console.log(`${join(folder, `${name}.wasm`)}: ${bytes.length} bytes`);
  }
}
