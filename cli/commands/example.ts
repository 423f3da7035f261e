/** `cnct example <file>`: a picture of a printed page, for a first job. */

import { readFile, writeFile } from "node:fs/promises";
import { extname } from "node:path";
import type { Command } from "commander";
import { flagsOf } from "../cli.ts";
import { exitCodes } from "../exit-codes.ts";
import { CliFailure } from "../failures.ts";
import { printJson, say } from "../output.ts";

export const addExample = (program: Command): void => {
  program
    .command("example")
    .description("write a picture of a printed page, to be submitted to ocr")
    .argument("<file>", "such as page.png")
    .option("--page <n>", "another page of the book, 1 to 1000", "1")
    .action(async (file: string, flags: { readonly page: string }, command: Command) => {
      if (extname(file).toLowerCase() !== ".png")
        throw new CliFailure(
          "bad-option",
          `the picture is a PNG: name it like page.png, not "${file}"`,
          exitCodes.usage,
        );
      const { makePages } = await import("../../examples/pages/pages.ts");
      const [page] = await makePages({ count: 1, seed: pageIn(flags.page) });
      if (page === undefined) throw new Error("no page was made");
      await writeNew(file, page.png);
      if (flagsOf(command).json === true) printJson({ file, text: page.text });
      else say(`${file} shows:\n${page.text}`);
    });
};

/** Writes a file that is not there, or is this very one. */
const writeNew = async (file: string, bytes: Uint8Array): Promise<void> => {
  try {
    await writeFile(file, bytes, { flag: "wx" });
  } catch (error) {
    const isThere = (error as NodeJS.ErrnoException).code === "EEXIST";
    if (!isThere) throw error;
    if ((await readFile(file)).equals(bytes)) return;
    throw new CliFailure(
      "file-exists",
      `${file} is there already, and is something else; give another name`,
      exitCodes.badInput,
      error,
    );
  }
};

const pageIn = (text: string): number => {
  const page = Number(text);
  if (!/^\d{1,4}$/.test(text) || page < 1 || page > 1_000)
    throw new CliFailure("bad-option", `--page takes 1 to 1000, not "${text}"`, exitCodes.usage);
  return page;
};
