/**
 * A supervisor to be killed by a test: `node orphaning.ts <programs>` starts two children, one of
 * them hanging, and prints their process ids as JSON.
 */

import { openExecutorPool } from "../pool.ts";
import { pidNamed } from "./processes.ts";

const { signal } = new AbortController();
const [pool] = await openExecutorPool({
  apps: ["name", "hang"],
  engine: "ort-node",
  children: 2,
  programs: process.argv[2] ?? "",
  onTrouble: (what, error) => console.error(what, error),
});
if (!pool) throw new Error("no executor");
const ask = async () => {
  const { output } = await pool.execute({ app: "name", params: {}, inputs: {}, signal });
  return pidNamed(JSON.parse(new TextDecoder().decode(output)));
};
const busy = await ask();
void pool.execute({ app: "hang", params: {}, inputs: {}, signal });
const idle = await ask(); // The first child hangs, so that the other one answers.
console.log(JSON.stringify([busy, idle]));
