/**
 * Reads pages with the `ocr` app and prints how well and how fast:
 * `node examples/pages/measure.ts [pages] [seed] [ort-node|ort-web]`.
 */

import { openExecutors } from "../../worker/executors/open.ts";
import { characterAccuracy } from "./accuracy.ts";
import { makePages } from "./pages.ts";

const [count = "24", seed = "1", engine = "ort-node"] = process.argv.slice(2);
if (engine !== "ort-node" && engine !== "ort-web") throw new Error(`no engine ${engine}`);

const pages = await makePages({ count: Number(count), seed: Number(seed) });
const [ocr] = await openExecutors(["ocr"], { engine });
if (!ocr) throw new Error("no ocr executor");

const accuracies: number[] = [];
const cpuMs: number[] = [];
for (const { name, png, text } of pages) {
  const before = process.cpuUsage();
  const { signal } = new AbortController();
  const { output } = await ocr.execute({ app: "ocr", params: {}, inputs: { image: png }, signal });
  const { user, system } = process.cpuUsage(before);
  const read = (JSON.parse(new TextDecoder().decode(output)) as { readonly text: string }).text;
  const accuracy = characterAccuracy(text, read);
  accuracies.push(accuracy);
  cpuMs.push((user + system) / 1000);
  if (read === text) continue;
  console.log(`${name} ${accuracy.toFixed(4)}`);
  const lines = read.split("\n");
  text.split("\n").forEach((line, index) => {
    if (line !== lines[index]) console.log(`  printed ${line}\n  read    ${lines[index] ?? ""}`);
  });
}
await ocr.close();

const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
const perfect = accuracies.filter((accuracy) => accuracy === 1).length;
console.log(`${ocr.executionClass}: ${pages.length} pages, ${perfect} without a fault`);
console.log(`character accuracy ${mean(accuracies).toFixed(4)}`);
console.log(`CPU per page ${mean(cpuMs).toFixed(0)} ms`);
