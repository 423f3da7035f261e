/**
 * A program that tries to get out: `node fence-probe.ts <targets>`, with `Targets` as JSON. Prints what
 * became of each try. What could do harm is tried only inside a fence.
 */

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createSocket } from "node:dgram";
import {
  appendFileSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createConnection, type NetConnectOpts } from "node:net";
import { hostname, networkInterfaces, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { callSystem, canCallSystem } from "./syscall.ts";

/** What a test has put there to be reached. */
export interface Targets {
  readonly inside: boolean;
  readonly directory: string;
  readonly file: string;
  readonly home: string;
  readonly supervisor: number;
  /** Is in the supervisor's environment. */
  readonly secret: string;
  readonly hostname: string;
  readonly tcpPort: number;
  readonly udpPort: number;
  readonly socket: string;
  readonly abstractSocket: string;
}

export interface Try {
  readonly name: string;
  readonly reached: boolean;
  readonly says: string;
}

const targets = JSON.parse(process.argv[2] ?? "") as Targets;
const project = fileURLToPath(new URL("../../../", import.meta.url));
const tries: Try[] = [];
const megabyte = Buffer.alloc(2 ** 20);

/** What it throws is what refused it; `false` is a refusal too. */
const attempt = async (name: string, how: () => unknown): Promise<void> => {
  try {
    const found = await how();
    tries.push({ name, reached: found !== false, says: String(found ?? "done") });
  } catch (error) {
    const { code, message } = error as { readonly code?: string; readonly message: string };
    tries.push({ name, reached: false, says: code ?? message });
  }
};
/** Would do harm outside. */
const inside = (name: string, how: () => unknown): Promise<void> =>
  targets.inside ? attempt(name, how) : Promise.resolve();

const system = (name: string, ...call: Parameters<typeof callSystem>): Promise<void> =>
  canCallSystem
    ? inside(name, () => {
        const error = callSystem(...call);
        if (error === "ENOEXEC" || error === "EFAULT")
          throw new Error(`the probe is wrong: ${error}`);
        if (error !== undefined) throw new Error(error);
      })
    : Promise.resolve();

const connected = (options: NetConnectOpts): Promise<void> =>
  new Promise((resolve, reject) => {
    const socket = createConnection(options);
    const timer = setTimeout(() => reject(new Error("silence")), 2_000);
    socket.once("connect", () => resolve());
    socket.once("error", reject);
    socket.once("close", () => clearTimeout(timer));
  });

/** Resolves when there is an answer. */
const sent = (port: number, address: string): Promise<void> =>
  new Promise((resolve, reject) => {
    const socket = createSocket("udp4");
    const timer = setTimeout(() => fail(new Error("silence")), 500);
    const end = () => {
      clearTimeout(timer);
      socket.close();
    };
    const fail = (error: Error) => {
      end();
      reject(error);
    };
    socket.once("error", fail);
    socket.once("message", () => {
      end();
      resolve();
    });
    socket.send("who is there?", port, address, (error) => error && fail(error));
  });

const environments = (): boolean =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .some((pid) => {
      try {
        return readFileSync(`/proc/${pid}/environ`, "latin1").includes(targets.secret);
      } catch {
        return false;
      }
    });

/** Files that came with this process, beside what any program has. */
const inherited = (): readonly string[] =>
  readdirSync("/proc/self/fd").flatMap((fd) => {
    try {
      const to = readlinkSync(`/proc/self/fd/${fd}`);
      return /^\/(?!dev\/null|proc\/)/.test(to) ? [to] : [];
    } catch {
      return [];
    }
  });

/** @returns How many there are before the system says no, at most 300. */
const forks = async (): Promise<number> => {
  const started: ChildProcess[] = [];
  let refused = false;
  for (let at = 0; at < 300 && !refused; at++) {
    const child = spawn("/proc/self/exe", ["-e", "setTimeout(() => {}, 20000)"], {
      stdio: "ignore",
    });
    child.once("error", () => {
      refused = true;
    });
    child.once("exit", (_code, signal) => {
      refused ||= signal !== "SIGKILL"; // It could not start its threads.
    });
    started.push(child);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  for (const child of started) child.kill("SIGKILL");
  return started.length;
};

const fill = (): number => {
  let mebibytes = 0;
  const files: string[] = [];
  try {
    for (; mebibytes < 100; mebibytes++) {
      files.push(join(tmpdir(), `fill-${mebibytes}`));
      writeFileSync(files.at(-1) ?? "", megabyte);
    }
  } catch {
    // It is full.
  }
  for (const file of files) rmSync(file, { force: true });
  return mebibytes;
};

const memory = (pid: number): number => {
  const maps = readFileSync(`/proc/${pid}/maps`, "utf8");
  const from = Number.parseInt(/^([0-9a-f]+)-[0-9a-f]+ rw/m.exec(maps)?.[1] ?? "", 16);
  return readSync(openSync(`/proc/${pid}/mem`, "r"), Buffer.alloc(16), 0, 16, from);
};

await attempt("read a file of the host", () => readFileSync(targets.file, "utf8"));
await attempt("read /etc/passwd", () => readFileSync("/etc/passwd").length);
await attempt("list a home", () => readdirSync(targets.home).length);
await attempt("see the rest of the project", () => existsSync(join(project, "cli")));
await attempt("find the supervisor's environment", environments);
await attempt("see the supervisor", () => existsSync(`/proc/${targets.supervisor}`));
await attempt("signal the supervisor", () => process.kill(targets.supervisor, 0));
await attempt("read the supervisor's memory", () => memory(targets.supervisor));
await attempt("connect to a port of the host", () =>
  connected({ port: targets.tcpPort, host: "127.0.0.1" }),
);
await attempt("send to a port of the host, as to a name server", () =>
  sent(targets.udpPort, "127.0.0.1"),
);
await attempt("connect to a socket of the host", () => connected({ path: targets.socket }));
await attempt("connect to an abstract socket of the host", () =>
  connected({ path: `\0${targets.abstractSocket}` }),
);
await attempt("run a shell", () => {
  const { error } = spawnSync("/bin/sh", ["-c", "true"]);
  if (error) throw error;
});
await attempt("know the host's name", () => hostname() === targets.hostname);
await attempt("write beside a file of the host", () =>
  writeFileSync(join(targets.directory, "written"), ""),
);
await attempt("see the processes of the host", () => {
  const [count] = [readdirSync("/proc").filter((name) => /^\d+$/.test(name)).length];
  return count > 8 && count;
});

await inside("reach another machine", () => connected({ port: 9, host: "192.0.2.1" }));
await inside("ask a name server", () => sent(53, "192.0.2.1"));
await inside("have a network", () => {
  const names = Object.keys(networkInterfaces()).filter((name) => name !== "lo");
  return names.length > 0 && names.join();
});
for (const path of [
  "/run/dbus/system_bus_socket",
  "/var/run/docker.sock",
  "/run/user",
  "/root",
  "/var",
  "/sys/fs/cgroup",
  "/dev/kmsg",
  "/dev/mem",
  "/dev/sda",
  "/dev/kvm",
])
  await inside(`see ${path}`, () => existsSync(path));
for (const path of ["package.json", "worker/x", "node_modules/x"])
  await inside(`write to ${path} of the project`, () => appendFileSync(join(project, path), ""));
await inside("write to Node itself", () => openSync(process.execPath, "r+"));
for (const path of [
  "/x",
  "/dev/shm/x",
  "/proc/sys/kernel/core_pattern",
  "/proc/sysrq-trigger",
  "/sys/devices/system/cpu/cpu0/online",
])
  await inside(`write to ${path}`, () => writeFileSync(path, ""));
await inside("fill /tmp with more than 17 MiB", () => {
  const mebibytes = fill();
  return mebibytes > 17 && mebibytes;
});
await inside("write a file of 2 MiB", () =>
  writeFileSync(join(tmpdir(), "large"), Buffer.alloc(2 ** 21)),
);
await inside("have 200 processes", async () => {
  const count = await forks();
  return count >= 200 && count;
});
await inside("keep a file of who started it", () => {
  const files = inherited();
  return files.length > 0 && files.join();
});
await inside("become root", () => process.setuid?.(0));
await inside("have a capability", () => {
  const sets = readFileSync("/proc/self/status", "utf8").match(/^Cap(?:Prm|Eff|Bnd|Amb):\t.*$/gm);
  const some = (sets ?? ["none were said"]).filter((line) => !/:\t0+$/.test(line));
  return some.length > 0 && some.join();
});
await inside(
  "gain rights by a program",
  () => !/^NoNewPrivs:\t1$/m.test(readFileSync("/proc/self/status", "utf8")),
);
await inside("raise its limits", () => {
  const tool = ["/usr/bin/prlimit", "/bin/prlimit"].find((path) => existsSync(path));
  if (tool === undefined) return false;
  return spawnSync(tool, [`--pid=${process.pid}`, "--nproc=100000:100000"]).status === 0;
});

await system("mount", 165, "none", "/tmp", "tmpfs", 0, 0);
await system("bind the root elsewhere", 165, "/", "/tmp", "none", 4_096, 0);
await system("unmount what hides", 166, dirname(targets.file), 2);
await system("unmount /proc", 166, "/proc", 2);
await system("make a user namespace", 272, 0x1000_0000);
await system("make a mount namespace", 272, 0x2_0000);
await system("make a network namespace", 272, 0x4000_0000);
await system("change the root", 161, "/tmp");
await system("make a device", 133, "/tmp/sda", 0o60600, 0x800);
await system("trace the supervisor", 101, 16, targets.supervisor, 0, 0);
await system("set the host's name", 170, "x", 1);
await system("set the clock", 227, 0, "\0".repeat(16));
await system("open a raw packet socket", 41, 17, 3, 0x300);
await system("open a raw IP socket", 41, 2, 3, 1);
await system(
  "load a program into the kernel",
  321,
  0,
  "\x02\0\0\0\x04\0\0\0\x04\0\0\0\x01\0\0\0",
  16,
);
await system("read the log of the kernel", 103, 3, "        ", 8);
await system("set the group of groups", 116, 1, "0000");

console.log(JSON.stringify(tries));
process.exit();
