/**
 * A program that appends jobs and projects them until it is killed:
 *
 *     node projections/testing/load.ts <directory> <first job>
 *
 * It prints a line with the views' position at every flush.
 */
import { join } from "node:path";
import { wallClock } from "../../streams/clock.ts";
import { openEmbeddedStore } from "../../streams/embedded/store.ts";
import { openProjections } from "../open.ts";
import { beginning, lives, write } from "./history.ts";

const [, , directory = "", first = "0"] = process.argv;
const store = await openEmbeddedStore({ directory: join(directory, "log") });
const projections = await openProjections({
  store,
  directory: join(directory, "views"),
  clock: wallClock,
  onError: (error) => {
    throw error;
  },
});
projections.onFlush((position) => process.stdout.write(`${position}\n`));
if (first === "0") await write(store, beginning());
let written = await store.head();
for (let n = Number(first); ; n += 20) {
  const prefix = (n + 1000).toString().padStart(12, "0");
  const position = await write(store, lives(n, n + 20), prefix);
  // Whoever waits has the views written soon and often, and the log grows no faster than they do.
  await projections.waitFor(written, 10_000);
  written = position;
}
