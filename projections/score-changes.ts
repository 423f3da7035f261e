/**
 * The last lines of the history of each node's scores, so many a node. They are no fold of their
 * own: each is left behind by a change of a row of `reputation`.
 */
import type { ScoreChange } from "../domain/reputation/changes.ts";
import type { Projection } from "./projection.ts";

/** Lines kept of each node; the log has all (`cnct node <id> --explain`). */
export const changesKept = 128;

export const scoreChanges: Projection<ScoreChange> = {
  name: "scoreChanges",
  version: 1,
  on: {},
};
