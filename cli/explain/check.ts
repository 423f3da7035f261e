/** Every assignment of the log, made again. */

import type { Explained } from "../../domain/dispatch/explain.ts";
import type { CnctClient } from "../../sdk/index.ts";
import { explainLog } from "../../services/dispatcher/explain-log.ts";
import { nativeSha256 } from "../native-proofs.ts";
import { print, shortHash } from "../output.ts";
import { assignmentJson } from "./job.ts";
import { readLog } from "./log.ts";
import { faultText } from "./words.ts";

const shownMax = 20;

export interface Checked {
  readonly at: bigint;
  readonly counts: Readonly<Record<Explained["outcome"], number>>;
  /** The first that come out another. */
  readonly differing: readonly Explained[];
}

export const checkAll = async (client: CnctClient, upTo: bigint): Promise<Checked> => {
  const counts = { matches: 0, differs: 0, untold: 0 };
  const differing: Explained[] = [];
  await explainLog(() => readLog(client, upTo), {
    sha256: nativeSha256,
    onExplained: (explained) => {
      counts[explained.outcome]++;
      if (explained.outcome === "differs" && differing.length < shownMax) differing.push(explained);
    },
  });
  return { at: upTo, counts, differing };
};

export const checkedJson = ({ at, counts, differing }: Checked) => ({
  at: String(at),
  ...counts,
  differing: differing.map(assignmentJson),
});

export const tellChecked = ({ counts, differing }: Checked): void => {
  const { matches, differs, untold } = counts;
  print(`${matches + differs + untold} assignments: ${matches} match, ${differs} do not match`);
  if (untold > 0)
    print(`${untold} were made by the first rules, which did not record what they weighed`);
  for (const one of differing) {
    const { jobHash, replica, attempt, nodeId } = one.task;
    print(
      `  ${shortHash(jobHash)}/${replica}/${attempt} ${nodeId}: ${one.faults.map(faultText).join("; ")}`,
    );
  }
};
