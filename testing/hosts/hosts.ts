/** Two machines on one: network namespaces joined by a cable, where the system allows them. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Addresses for documentation (RFC 5737). */
export const operatorAddress = "203.0.113.1";
const strangerAddress = "203.0.113.2";

export interface Hosts {
  /** What runs a program on one of them. */
  readonly on: Readonly<Record<"operator" | "stranger", readonly string[]>>;
  /** Whatever runs there must have ended. */
  close(): Promise<void>;
}

/** @returns Why there are none, where the system does not allow them. */
export const openHosts = async (): Promise<Hosts | string> => {
  const [operator, stranger] = [`cnct-o-${process.pid}`, `cnct-x-${process.pid}`];
  const [near, far] = [`co${process.pid}`, `cx${process.pid}`];
  const close = async (): Promise<void> => {
    for (const name of [operator, stranger])
      await run("ip", ["netns", "delete", name]).catch(() => undefined);
  };
  const steps = [
    `netns add ${operator}`,
    `netns add ${stranger}`,
    `link add ${near} netns ${operator} type veth peer name ${far} netns ${stranger}`,
    `-n ${operator} addr add ${operatorAddress}/24 dev ${near}`,
    `-n ${stranger} addr add ${strangerAddress}/24 dev ${far}`,
    ...[operator, stranger].map((name) => `-n ${name} link set lo up`),
    `-n ${operator} link set ${near} up`,
    `-n ${stranger} link set ${far} up`,
  ];
  try {
    for (const step of steps) await run("ip", step.split(" "));
  } catch (error) {
    await close();
    return `network namespaces are not allowed here (${error instanceof Error ? error.message.trim() : error})`;
  }
  const on = (name: string): readonly string[] => ["ip", "netns", "exec", name];
  return { on: { operator: on(operator), stranger: on(stranger) }, close };
};
