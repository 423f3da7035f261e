/** What a command prints: data on stdout, everything else on stderr. */

import { styleText } from "node:util";
import { formatPoints } from "../domain/points.ts";

export type Tone = "good" | "bad" | "dim" | "bold" | "busy";

const styles = {
  good: "green",
  bad: "red",
  dim: "dim",
  bold: "bold",
  busy: "yellow",
} as const satisfies Readonly<Record<Tone, Parameters<typeof styleText>[0]>>;

/** Coloured if the stream is a terminal and NO_COLOR is not set. */
export const tint = (text: string, tone: Tone, stream: NodeJS.WriteStream = process.stdout) =>
  styleText(styles[tone], text, { stream });

export const print = (text: string): void => void process.stdout.write(`${text}\n`);
export const say = (text: string): void => void process.stderr.write(`${text}\n`);

/** One JSON document, indented for those who read it. */
export const printJson = (value: unknown): void => print(JSON.stringify(value, undefined, 2));
/** One JSON document a line. */
export const printJsonLine = (value: unknown): void => print(JSON.stringify(value));

export interface Column<Row> {
  readonly title: string;
  readonly text: (row: Row) => string;
  readonly tone?: (row: Row) => Tone | undefined;
  readonly right?: boolean;
}

/** An aligned table, its head dim; the last column is not padded. */
export const table = <Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string => {
  const cells = rows.map((row) => columns.map(({ text }) => text(row)));
  const widths = columns.map(({ title }, at) =>
    Math.max(title.length, ...cells.map((row) => row[at]?.length ?? 0)),
  );
  const pad = (text: string, at: number) => {
    const width = widths[at] ?? 0;
    if (columns[at]?.right === true) return text.padStart(width);
    return at === columns.length - 1 ? text : text.padEnd(width);
  };
  const head = columns.map(({ title }, at) => tint(pad(title, at), "dim"));
  const lines = rows.map((row, line) =>
    columns.map(({ tone }, at) => {
      const padded = pad(cells[line]?.[at] ?? "", at);
      const how = tone?.(row);
      return how === undefined ? padded : tint(padded, how);
    }),
  );
  return [head, ...lines].map((line) => line.join("  ").trimEnd()).join("\n");
};

export interface Line {
  /** Empty to go on under the name before. */
  readonly name: string;
  readonly value: string;
}

/** Names and what there is to say of each, broken between words where a terminal ends. */
export const lineList = (lines: readonly Line[], width = process.stdout.columns): string => {
  const indent = Math.max(0, ...lines.map(({ name }) => name.length)) + 2;
  return lines
    .flatMap(({ name, value }) =>
      broken(value, width === undefined ? Number.POSITIVE_INFINITY : width - indent).map(
        (part, at) => `${tint((at === 0 ? name : "").padEnd(indent), "dim")}${part}`.trimEnd(),
      ),
    )
    .join("\n");
};

const broken = (text: string, width: number): readonly string[] => {
  const parts: string[] = [];
  for (const word of text.split(" ")) {
    const last = parts.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= Math.max(width, 20))
      parts[parts.length - 1] = `${last} ${word}`;
    else parts.push(word);
  }
  return parts;
};

/** The first 12 characters, which commands take back as long as they name one job. */
export const shortHash = (hash: string): string => hash.slice(0, 12);

export const points = (microPoints: string | bigint): string => formatPoints(BigInt(microPoints));

export const ago = (instant: number, now = Date.now()): string => {
  const seconds = Math.max(0, Math.round((now - instant) / 1000));
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  return seconds < 86_400
    ? `${Math.floor(seconds / 3600)} h ago`
    : `${Math.floor(seconds / 86_400)} d ago`;
};

/** Cuts a text to one line of at most `max` characters. */
export const oneLine = (text: string, max: number): string => {
  const line = text.replace(/\s+/g, " ").trim();
  return line.length <= max ? line : `${line.slice(0, max - 1)}…`;
};

export const statusTone = (status: string): Tone | undefined =>
  status === "COMPLETED" || status === "ACCEPTED" || status === "ACTIVE"
    ? "good"
    : status === "OPEN" || status === "ASSIGNED" || status === "COMMITTED" || status === "RECEIVED"
      ? "busy"
      : "bad";
