/**
 * Takes real time, real chance and real I/O away from the code under test: whoever reaches for them
 * during a run is caught. `setImmediate`, which promises no time, becomes an event of now.
 */
import { createHook } from "node:async_hooks";
import type { Scheduler } from "./scheduler.ts";

/** Resources of Node that come from real timers, files, sockets, processes and entropy. */
const real = /^(Timeout|FS|FILEHANDLE|TCP|PIPE|UDP|TTY|TLS|HTTP|GETADDRINFO|PROCESS|RANDOM|ZLIB)/;

/**
 * @param onBreach - Hears what was used, and where.
 * @returns Puts everything back.
 */
export const sealGlobals = (
  scheduler: Scheduler,
  onBreach: (what: string) => void,
): (() => void) => {
  const breach = (what: string): never => {
    const error = new Error(`${what} was used in a simulation`);
    onBreach(error.stack ?? error.message);
    throw error;
  };
  const forbidden = (name: string) => () => breach(name);
  const { setTimeout, setInterval, setImmediate, clearTimeout } = globalThis;
  const { now } = Date;
  const { random } = Math;
  const { randomUUID } = crypto;
  const hook = createHook({
    init: (_, type) => {
      if (real.test(type)) onBreach(new Error(`a real ${type} was made`).stack ?? type);
    },
    trackPromises: false,
  });

  globalThis.setTimeout = forbidden("setTimeout") as unknown as typeof setTimeout;
  globalThis.setInterval = forbidden("setInterval") as unknown as typeof setInterval;
  globalThis.setImmediate = ((run: (...args: unknown[]) => void, ...args: unknown[]) =>
    scheduler.after(0, "immediate", () => run(...args))) as unknown as typeof setImmediate;
  Date.now = forbidden("Date.now");
  Math.random = forbidden("Math.random");
  crypto.randomUUID = forbidden("randomUUID");
  hook.enable();

  return () => {
    hook.disable();
    Object.assign(globalThis, { setTimeout, setInterval, setImmediate, clearTimeout });
    Date.now = now;
    Math.random = random;
    crypto.randomUUID = randomUUID;
  };
};
