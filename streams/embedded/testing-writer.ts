/** A process for the kill test: appends from many callers and prints each acknowledgement. */

import { randomUUID } from "node:crypto";
import { writeSync } from "node:fs";
import { openEmbeddedStore } from "./store.ts";

const callers = 32;
const appendsMax = 200_000;

const directory = process.argv[2];
if (directory === undefined) throw new Error("expected a directory");
const store = await openEmbeddedStore({ directory, segmentBytes: 1 << 18 });
let appends = 0;
await Promise.all(
  Array.from({ length: callers }, async (_, caller) => {
    while (appends++ < appendsMax) {
      const id = randomUUID();
      const stream = `job-${caller}`;
      const result = await store.append(stream, [{ id, type: "Noted", data: { caller } }], "any");
      if (result.ok) writeSync(1, `${id} ${stream} ${result.revision}\n`);
    }
  }),
);
