/**
 * A supervisor for `inherited.test.ts`: starts a child as a worker does, and says as JSON what it and
 * the child have open.
 */
import { readdirSync, readlinkSync } from "node:fs";
import { openFence } from "../fence.ts";
import { launch } from "../launch.ts";

const open = (process: number): readonly string[] =>
  readdirSync(`/proc/${process}/fd`).flatMap((descriptor) => {
    try {
      return readlinkSync(`/proc/${process}/fd/${descriptor}`);
    } catch {
      return []; // Closed meanwhile.
    }
  });

const { process: child, kill } = launch(
  {
    programs: new URL("./programs.ts", import.meta.url).href,
    engine: "ort-node",
    apps: [],
    v8Options: [],
    memoryBytes: 2 ** 30,
  },
  await openFence("off"),
);
console.log(JSON.stringify({ own: open(process.pid), childs: open(child.pid ?? 0) }));
kill();
