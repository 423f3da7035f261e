#!/usr/bin/env -S node --disable-warning=ExperimentalWarning
/**
 * The `cnct` command. Under Node 24 it is `main.ts`; an older Node hands over to the Node 24 that
 * `npm start` put into `.cnct/runtime`, and installs nothing itself.
 */
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { handOver, withPath } from "../bootstrap/child.mjs";
import { BootstrapFailure, report } from "../bootstrap/failures.mjs";
import { findRuntime, majorOf, nodeMajor } from "../bootstrap/runtime.mjs";

const here = dirname(fileURLToPath(import.meta.url));

if (majorOf(process.versions.node) >= nodeMajor) await import("./main.ts");
else
  try {
    const node = findRuntime(dirname(here));
    if (node === undefined)
      throw new BootstrapFailure(
        "node-24-missing",
        `this is Node ${process.versions.node} and CNCT needs ${nodeMajor}: run npm start once, which installs it into .cnct/runtime.`,
      );
    const args = ["--disable-warning=ExperimentalWarning", join(here, "main.ts")];
    process.exitCode = await handOver(node, [...args, ...process.argv.slice(2)], {
      cwd: process.cwd(),
      env: withPath({ first: [dirname(node)] }),
    });
  } catch (failure) {
    process.exitCode = report(failure);
  }
