/**
 * Runs jobs on a real network of this machine, then makes every assignment again from its log, and
 * looks whether one flipped byte is found:
 *
 *     npm run check:explain -- [--jobs 10000] [--workers 6] [--quorum 2]
 *
 * Exit code 1 if an assignment comes out another, or the flipped byte is not found.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { startNetwork } from "../bench/network.ts";
import type { Throughput } from "../bench/loads.ts";
import type { TaskAssigned } from "../domain/job/events.ts";
import { explainLog } from "../services/dispatcher/explain-log.ts";
import { connectEventStore } from "../streams/connect-event-store.ts";
import type { RecordedEvent } from "../streams/event-store.ts";
import { sha256 } from "./dispatch-run.ts";
