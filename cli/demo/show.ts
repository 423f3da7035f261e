/** The demo for those who watch it. */

import { entryTable } from "../commands/network.ts";
import { endedTable } from "../job-report.ts";
import { points, print, tint } from "../output.ts";
import type { DemoShown } from "./play.ts";

const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;

/** Of a statement, so many movements are shown. */
const entriesShown = 3;

export const showDemo = ({ reports, statements, proof, figures }: DemoShown): void => {
  print(endedTable(reports));
  for (const { account, entries } of statements) {
    const earned = entries.reduce((sum, { amount }) => sum + BigInt(amount), 0n);
    print("");
    print(
      tint(
        `${account} earned ${points(earned)} points in ${entries.length} movements, the last:`,
        "bold",
      ),
    );
    print(entryTable(entries.slice(0, entriesShown), account));
  }
  print("");
  const rows = proof.tables.reduce((sum, table) => sum + table.rows, 0);
  const lines: readonly (readonly [boolean, string])[] = [
    [
      figures.completed === figures.jobs,
      `${figures.completed} of ${figures.jobs} jobs completed, ${figures.rejected} results rejected; median ${seconds(figures.p50Ms)} from submission, all at once`,
    ],
    [true, `${(figures.charAccuracy * 100).toFixed(2)} % of the characters read right`],
    [figures.ledgerBalanced, `${figures.pointsAwarded} points awarded, the books balance`],
    [
      figures.rebuildIdentical,
      `${proof.events} events folded anew give the same ${rows} rows in ${proof.tables.length} views`,
    ],
  ];
  for (const [isWell, text] of lines)
    print(`${isWell ? tint("ok", "good") : tint("WRONG", "bad")}  ${text}`);
};
