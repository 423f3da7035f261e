/** Says whether the files that `npm run generate` writes are what it would write now; writes nothing. */
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { generatedFiles } from "../gateway/generate-types.ts";

const files = generatedFiles();
const stale = files.filter(
  ({ url, content }) => !existsSync(url) || readFileSync(url, "utf8") !== content,
);
for (const { url } of stale) console.log(`stale: ${fileURLToPath(url)}`);
if (files.length === 0) console.log("nothing is generated, so nothing was checked");
process.exitCode = files.length > 0 && stale.length === 0 ? 0 : 1;
