/** A thread that folds the views, so that the services beside it need not wait; see `thread.ts`. */
import { parentPort, workerData } from "node:worker_threads";
import { wallClock } from "../streams/clock.ts";
import { connectEventStore } from "../streams/connect-event-store.ts";
import { relayedStore } from "../streams/relay.ts";
import { openProjections } from "./open.ts";
import type { ThreadNews, ThreadOrder, ThreadPlace } from "./thread.ts";

const lagEveryMs = 250;

const port = parentPort;
if (!port) throw new Error("run-thread.ts runs in a thread of its own");
const say = (news: ThreadNews): void => port.postMessage(news);
const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

const { directory, storeUrl } = workerData as ThreadPlace;
const connected = storeUrl === undefined ? undefined : await connectEventStore({ url: storeUrl });
const projections = await openProjections({
  store: connected ?? relayedStore(port),
  directory,
  clock: wallClock,
  onError: (error) => say({ news: "trouble", message: messageOf(error) }),
  onNotice: (text) => say({ news: "notice", text }),
});
projections.onFlush((flushed) => say({ news: "flushed", flushed }));
const reporting = wallClock.every(lagEveryMs, () => say({ news: "lag", lag: projections.lag() }));

const close = async (): Promise<void> => {
  reporting.cancel();
  await projections.close();
  await connected?.close();
  say({ news: "flushed", flushed: projections.position() });
  port.close();
};

port.on("message", (message: unknown) => {
  const order = message as ThreadOrder;
  if (order.order === "close") void close();
  else if (order.order === "wait") {
    const { id, position, timeoutMs } = order;
    projections
      .waitFor(position, timeoutMs)
      .then((reached) => say({ news: "waited", id, reached, flushed: projections.position() }));
  }
});
say({ news: "open", flushed: projections.position(), lag: projections.lag() });
