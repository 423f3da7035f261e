/** Lays out and repairs what Biome can repair: all files, or the paths given. `npm run format [-- paths]` */
import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";

const root = dirname(import.meta.dirname);
const biome = join(root, "node_modules/@biomejs/biome/bin/biome");
const [...paths] = process.argv.slice(2);
const args = [biome, "check", "--write", ...(paths.length > 0 ? paths : ["."])];
const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: "inherit" });
process.exitCode = status ?? 1;
