/** What simulations of verification say, as Markdown and as a picture. */
import { type Scheme, schemes } from "../../domain/verification/simulation/settings.ts";
import type { Figures, Summary } from "../../domain/verification/simulation/tally.ts";
import { chart } from "./chart.ts";
import { type Attack, type Bar, barOf, titles } from "./settings.ts";

/** One row of all tables: an attack, and what it achieved against each scheme. */
export interface Row {
  readonly attack: Attack;
  readonly summaries: Readonly<Record<Scheme, Summary>>;
}

/** What a single run missed of its bars, one sentence each; none if all are met. */
export const missesIn = (rows: readonly Row[]): readonly string[] =>
  rows.flatMap(({ attack, summaries }) =>
    schemes.flatMap((scheme) => {
      const bar = barOf(scheme, attack);
      if (bar === undefined) return [];
      return boundsOf(bar).flatMap(([figure, most]) => {
        const value = measured(summaries[scheme], figure);
        const isMet = figure === "netGain" ? value < most : value <= most;
        return isMet
          ? []
          : [`${titles[scheme]}, ${nameOf(attack)}: ${figure} is ${value}, not ${most}`];
      });
    }),
  );

const boundsOf = (bar: Bar) => Object.entries(bar) as [keyof Bar, number][];

/** The worst run, but for what is an expectation. */
const measured = (summary: Summary, figure: keyof Bar): number =>
  (figure === "netGain" ? summary.mean[figure] : summary.greatest[figure]) ?? 0;

export const nameOf = ({ name, saboteurs, sabotage }: Attack): string =>
  `${saboteurs * 100} % ${name}, s ${sabotage}`;

/** Stands between the marks in `docs/verification.md`. */
export const shortTables = (rows: readonly Row[]): string =>
  [
    "Bars, and what was measured (the worst run; of the gain the mean):",
    "",
    barTable(rows),
    "",
    "Share of the jobs that are wrong at the end, corrections made:",
    "",
    figureTable(rows, "wrongLeft"),
    "",
    "Executions of all kinds for each job:",
    "",
    figureTable(rows, "redundancy"),
  ].join("\n");

const others: readonly (readonly [keyof Figures, string])[] = [
  ["wrongAccepted", "Share of the jobs with a wrong result that was believed, if only for a time"],
  ["wrongSettled", "Share of the jobs whose wrong result became final, its awards paid out"],
  ["audits", "Executions by arbiters or checkers for each job"],
  [
    "netGain",
    "What cheating was worth to a cheat beside honest work, in awards; a result costs its node 0.9 of them",
  ],
  [
    "jobsToDetection",
    "Tasks of a cheat from its first lie until it was convicted (for PoCo: until it lost a stake, each time)",
  ],
  ["undetected", "Cheats that are still in at the end"],
  ["honestSlashed", "Honest nodes that lost a bond, a stake or their name"],
];

/** The whole of `docs/verification-figures.md`. */
export const longDocument = (rows: readonly Row[], heading: string): string =>
  [
    heading,
    "",
    ...[
      ["wrongLeft", "Share of the jobs that are wrong at the end, corrections made"] as const,
      ["redundancy", "Executions of all kinds for each job"] as const,
      ...others,
    ].flatMap(([figure, title]) => [`## ${title}`, "", figureTable(rows, figure), ""]),
  ].join("\n");

const barTable = (rows: readonly Row[]): string =>
  table(
    ["scheme", "attack", "runs", "wrong", "bar", "executions", "bar", "honest slashed", "gain"],
    schemes.flatMap((scheme) =>
      rows.flatMap(({ attack, summaries }) => {
        const bar = barOf(scheme, attack);
        if (bar === undefined) return [];
        const summary = summaries[scheme];
        const wrong = bar.wrongLeft === undefined ? "wrongAccepted" : "wrongLeft";
        return [
          [
            titles[scheme],
            nameOf(attack),
            String(summary.seeds),
            `${shown(summary.greatest[wrong])}${wrong === "wrongLeft" ? " left" : ""}`,
            shown(bar[wrong] ?? null),
            shown(summary.greatest.redundancy),
            shown(bar.redundancy ?? null),
            shown(summary.greatest.honestSlashed),
            shown(summary.mean.netGain),
          ],
        ];
      }),
    ),
  );

const figureTable = (rows: readonly Row[], figure: keyof Figures): string =>
  table(
    ["attack", ...schemes.map((scheme) => titles[scheme])],
    rows.map(({ attack, summaries }) => [
      nameOf(attack),
      ...schemes.map((scheme) => shown(summaries[scheme].mean[figure])),
    ]),
  );

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");

const shown = (value: number | null): string => {
  if (value === null) return "";
  const size = Math.abs(value);
  if (size !== 0 && size < 0.01) return value.toExponential(1);
  return size >= 100 ? String(Math.round(value)) : String(Number(value.toPrecision(3)));
};

const colours: Readonly<Record<Scheme, string>> = {
  "ours-standard": "#0a7d4f",
  "ours-high": "#2b5fd9",
  boinc: "#d98a00",
  poco: "#b0308f",
  gonka: "#7a7a7a",
  majority: "#c0392b",
};

export const picture = (rows: readonly Row[]): string => {
  const drawn = rows.filter(({ attack }) => attack.saboteurs !== 0.1 && attack.kind !== "lazy");
  const seriesOf = (figure: "wrongLeft" | "redundancy") =>
    schemes.map((scheme) => ({
      name: titles[scheme],
      colour: colours[scheme],
      values: drawn.map(({ summaries }) => summaries[scheme].mean[figure] ?? 0),
    }));
  return chart(
    "What cheats achieve, and what it costs to stop them",
    drawn.map(
      ({ attack }) => `${shortNames[attack.kind]}|${attack.saboteurs * 100} %|s ${attack.sabotage}`,
    ),
    [
      {
        title: "Share of the jobs that are wrong at the end",
        scale: "logarithmic",
        least: 1e-6,
        most: 1,
        series: seriesOf("wrongLeft"),
      },
      {
        title: "Executions for each job",
        scale: "linear",
        least: 0,
        most: 3,
        series: seriesOf("redundancy"),
      },
    ],
  );
};

const shortNames: Readonly<Record<Attack["kind"], string>> = {
  colluding: "collude",
  careful: "careful",
  sleeping: "sleep",
  lazy: "lazy",
  copying: "copy",
};
