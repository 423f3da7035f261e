import type { OwnIdentity } from "../sdk/index.ts";

/** An identity whose keys may change while the worker runs. */
export interface WorkerIdentity {
  readonly latest: () => OwnIdentity;
  /** Reads it anew. */
  readonly current: () => Promise<OwnIdentity>;
  /** Keeps `latest` up to date; returns the end of that. */
  readonly watch?: () => () => void;
}
