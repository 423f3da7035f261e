/**
 * A thread of the child that still runs while a computation blocks the main one. It ends the process
 * when the supervisor is gone, or when the process takes too much memory.
 *
 * Linux could do the first by itself (PR_SET_PDEATHSIG), but Node cannot ask for it.
 */

import { Socket } from "node:net";
import { workerData } from "node:worker_threads";

/** Everything it needs: each module that it imported would be read again for this thread. */
export interface WatchdogSettings {
  /** File descriptor of the pipe that the supervisor holds open. */
  readonly lifeline: number;
  readonly memoryBytes: number;
}

const periodMs = 100;

const settings = workerData as WatchdogSettings;
const end = () => process.kill(process.pid, "SIGKILL");

const lifeline = new Socket({ fd: settings.lifeline });
lifeline.on("error", end);
lifeline.on("close", end);
lifeline.resume(); // Nothing ever comes but its end.

const watching = setInterval(() => {
  const resident = process.memoryUsage.rss();
  if (resident <= settings.memoryBytes) return;
  clearInterval(watching);
  lifeline.write(`memory ${resident}\n`, end);
}, periodMs);
