/** Two machines on one: network namespaces joined by a cable, where the system allows them. */

import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);

/** The collector's end of the cable, and the site's: addresses for documentation (RFC 5737). */
export const collectorAddress = "198.51.100.1";
export const publicAddress = "198.51.100.2";
/** Also at the site's end, and as reachable: the inside that must not be visited. */
export const insideAddress = "10.77.0.2";

export interface Namespaces {
  /** Starts a program of this folder in one of the two; it is ended by `close`. */
  start(where: "collector" | "site", program: string): Started;
  close(): Promise<void>;
}

export interface Started {
  /** Resolves with the next line that it prints. */
  line(): Promise<string>;
}

/** @returns Why there are none, where the system does not allow them. */
export const openNamespaces = async (): Promise<Namespaces | string> => {
  const names = { collector: `cnct-c-${process.pid}`, site: `cnct-s-${process.pid}` } as const;
  const [near, far] = [`cc${process.pid}`, `cs${process.pid}`];
  const children: ReturnType<typeof spawn>[] = [];
  const close = async () => {
    for (const child of children) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill("SIGKILL");
      await once(child, "exit");
    }
    // A cable ends with the namespaces of its ends.
    for (const name of Object.values(names))
      await run("ip", ["netns", "delete", name]).catch(() => undefined);
  };

  const inside = (name: string, ...args: readonly string[]) => ["-n", name, ...args];
  const steps = [
    ["netns", "add", names.collector],
    ["netns", "add", names.site],
    [
      "link",
      "add",
      near,
      "netns",
      names.collector,
      "type",
      "veth",
      "peer",
      "name",
      far,
      "netns",
      names.site,
    ],
    inside(names.collector, "addr", "add", `${collectorAddress}/24`, "dev", near),
    inside(names.collector, "addr", "add", "10.77.0.1/24", "dev", near),
    inside(names.site, "addr", "add", `${publicAddress}/24`, "dev", far),
    inside(names.site, "addr", "add", `${insideAddress}/24`, "dev", far),
    inside(names.collector, "link", "set", "lo", "up"),
    inside(names.collector, "link", "set", near, "up"),
    inside(names.site, "link", "set", "lo", "up"),
    inside(names.site, "link", "set", far, "up"),
  ];
  try {
    for (const step of steps) await run("ip", [...step]);
  } catch (error) {
    await close();
    return `network namespaces are not allowed here (${error instanceof Error ? error.message.trim() : error})`;
  }

  return {
    start: (where, program) => {
      const path = fileURLToPath(new URL(program, import.meta.url));
      const child = spawn("ip", ["netns", "exec", names[where], process.execPath, path], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      children.push(child);
      const lines = linesOf(child.stdout as NodeJS.ReadableStream);
      return {
        line: async () => {
          const { value, done } = await lines.next();
          if (done) throw new Error(`${program} ended without a word`);
          return value;
        },
      };
    },
    close,
  };
};

async function* linesOf(stream: NodeJS.ReadableStream): AsyncGenerator<string> {
  let rest = "";
  for await (const chunk of stream) {
    const parts = (rest + String(chunk)).split("\n");
    rest = parts.pop() ?? "";
    yield* parts;
  }
}
