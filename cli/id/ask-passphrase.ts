/** A passphrase from the environment, or typed without being shown. */

import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";
import { exitCodes } from "../exit-codes.ts";
import { CliFailure } from "../failures.ts";
import * as settings from "../settings.ts";
import { passphraseCharactersMin } from "./passphrase.ts";

/** The passphrase of a file that has one; undefined where nobody can be asked. */
export const passphraseFor =
  (path: string): (() => Promise<string | undefined>) =>
  async () =>
    settings.passphrase() ?? typed(`passphrase of ${path}: `);

/**
 * A passphrase for a file that is to have one, typed twice.
 *
 * @throws {CliFailure} `passphrase-needed`, `passphrase-too-short`, `passphrases-differ`.
 */
export const newPassphrase = async (): Promise<string> => {
  const given = settings.passphrase();
  const first = given ?? (await typed("new passphrase: "));
  if (first === undefined)
    throw failure(
      "passphrase-needed",
      "there is no terminal to type a passphrase at; set CNCT_PASSPHRASE",
    );
  if ([...first].length < passphraseCharactersMin)
    throw failure(
      "passphrase-too-short",
      `a passphrase has at least ${passphraseCharactersMin} characters; several words are better`,
    );
  if (given === undefined && (await typed("once more: ")) !== first)
    throw failure("passphrases-differ", "the two passphrases differ; nothing was written");
  return first;
};

const typed = async (question: string): Promise<string | undefined> => {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return undefined;
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const reader = createInterface({ input: process.stdin, output: nowhere, terminal: true });
  const stopped = new AbortController();
  reader.once("SIGINT", () => stopped.abort());
  process.stderr.write(question);
  try {
    return await reader.question("", { signal: stopped.signal });
  } catch (error) {
    if (!stopped.signal.aborted) throw error;
    throw new CliFailure("interrupted", "nothing was done", exitCodes.interrupted);
  } finally {
    process.stderr.write("\n");
    reader.close();
  }
};

const failure = (code: string, message: string): CliFailure =>
  new CliFailure(code, message, exitCodes.badInput);
