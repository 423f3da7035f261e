/** Runs test files, each in a process of its own. */
import { relative } from "node:path";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { run } from "node:test";
import { spec, type TestEvent } from "node:test/reporters";
import { noTests, plus, type Tally, tally } from "./tally.ts";

export interface RunFilesOptions {
  readonly root: string;
  /** How many files run at a time, at least 1. */
  readonly concurrency: number;
  /** After this long a file's process is ended, and the file has failed. */
  readonly timeoutMs: number;
  /** Called as each file ends, with what to show of it. */
  readonly onEnd: (file: string, counts: Tally, report: string) => void;
}

/** Runs the files, a few at a time, in the order given. */
export const runFiles = async (
  files: readonly string[],
  options: RunFilesOptions,
): Promise<Tally> => {
  const waiting = [...files];
  let total = noTests;
  const work = async (): Promise<void> => {
    for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
      const { counts, report } = await runFile(file, options);
      total = plus(total, counts);
      options.onEnd(file, counts, report);
    }
  };
  await Promise.all(Array.from({ length: options.concurrency }, work));
  return total;
};

interface Outcome {
  readonly counts: Tally;
  readonly report: string;
}

/** Runs one file. `node:test` has a timeout for tests but none for a file, hence the signal. */
const runFile = async (
  file: string,
  { root, timeoutMs }: Pick<RunFilesOptions, "root" | "timeoutMs">,
): Promise<Outcome> => {
  const events: TestEvent[] = [];
  const startedAt = performance.now();
  const timer = AbortSignal.timeout(timeoutMs);
  const stream = run({
    files: [file],
    cwd: root,
    signal: timer,
    execArgv: ["--disable-warning=ExperimentalWarning"],
  });
  for await (const event of stream) events.push(event as TestEvent);
  const counts = tally(events, file);
  const name = relative(root, file);
  const { passed, failed, skipped } = counts;
  const marks = `${passed} passed${failed > 0 ? `, ${failed} FAILED` : ""}${skipped > 0 ? `, ${skipped} skipped` : ""}`;
  const late = timer.aborted ? ` (ended after ${timeoutMs} ms)` : "";
  const isEmpty = failed > 0 && !events.some((event) => event.type === "test:fail");
  const empty = isEmpty ? " (has no test)" : "";
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  const headline = `${failed > 0 ? "✖" : "✔"} ${name}: ${marks} (${seconds} s)${late}${empty}\n`;
  const report =
    failed > 0 || skipped > 0 ? headline + (await specOf(events, failed > 0)) : headline;
  return { counts, report };
};

/** The spec reporter's view of one file, without its own totals; of skips the lines alone. */
const specOf = async (events: readonly TestEvent[], whole: boolean): Promise<string> => {
  if (!whole)
    return events
      .flatMap((event) =>
        event.type === "test:pass" &&
        (event.data.skip !== undefined || event.data.todo !== undefined)
          ? [`    skipped: ${event.data.name} (${event.data.skip ?? event.data.todo})\n`]
          : [],
      )
      .join("");
  const shown = events.filter(({ type }) => type !== "test:diagnostic" && type !== "test:summary");
  return text(Readable.from(shown).compose(new spec()));
};
