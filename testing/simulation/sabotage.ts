/**
 * Wrappers around parts of the network, each of which plants one bug; the simulation has to find it.
 * `honest` plants none.
 */
import type { job } from "../../domain/job/job.ts";
import type { Listener } from "../../services/facts.ts";
import type { JobBook } from "../../services/job-book.ts";
import type { Files } from "../../streams/embedded/files.ts";
import type { EventStore } from "../../streams/event-store.ts";
import type { TaskDesk } from "../../streams/task-queue.ts";
import type { ServiceName } from "./services.ts";
import type { World } from "./world.ts";

export interface Sabotage {
  readonly store: (service: ServiceName, store: EventStore, world: World) => EventStore;
  readonly book: (service: ServiceName, book: JobBook) => JobBook;
  readonly dispatcherBook: (book: JobBook, desk: TaskDesk) => JobBook;
  readonly rules: (service: ServiceName) => { readonly decider?: typeof job };
  readonly desk: (service: ServiceName, desk: TaskDesk) => TaskDesk;
  /** The disk below the event log. */
  readonly files: (files: Files) => Files;
  readonly listener: <L extends Listener>(service: ServiceName, listener: L) => L;
}

export const honest: Sabotage = {
  store: (_, store) => store,
  book: (_, book) => book,
  dispatcherBook: (book) => book,
  rules: () => ({}),
  desk: (_, desk) => desk,
  files: (files) => files,
  listener: (_, listener) => listener,
};
