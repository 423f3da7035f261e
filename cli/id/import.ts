/** Bringing an identity into its file: where there is none, or an older state of the same one. */

import { native } from "../../crypto/primitives-native.ts";
import { type OwnIdentity, ownIdentity, secretsOf } from "../../sdk/index.ts";
import { exitCodes } from "../exit-codes.ts";
import { CliFailure } from "../failures.ts";
import { say } from "../output.ts";
import { passphraseFor } from "./ask-passphrase.ts";
import { holding } from "./change.ts";
import { createKeyFile, type KeyFileData, openKeyFile, readKeyText } from "./key-file.ts";

export interface ImportOptions {
  readonly path: string;
  /** Of the copy. */
  readonly text: string;
  /** What messages call the copy. */
  readonly name: string;
  /** Keeps a new file under the passphrase of the copy, if that has one. */
  readonly keepPassphrase: boolean;
  readonly getPassphrase?: (path: string) => () => Promise<string | undefined>;
}

/**
 * @throws {CliFailure} `key-file-exists` for a file of another identity, `key-file-newer` for one
 *   that has gone on since the copy; and as `openKeyFile`.
 */
export const importKeyFile = async (options: ImportOptions): Promise<OwnIdentity> => {
  const { path, text, name, keepPassphrase, getPassphrase = passphraseFor } = options;
  let passphrase: string | undefined;
  const data = await readKeyText(text, name, async () => {
    passphrase = await getPassphrase(name)();
    return passphrase;
  });
  try {
    await createKeyFile(path, data, keepPassphrase ? { passphrase } : {});
    return data.own;
  } catch (error) {
    if (!(error instanceof CliFailure) || error.code !== "key-file-exists") throw error;
  }
  return holding(
    path,
    () => openKeyFile(path, getPassphrase(path)),
    async (file) => {
      const merged = newer(file, data, path);
      if (merged !== undefined) await file.save(merged);
      else say(`${path} holds all of that already`);
      return merged?.own ?? file.own;
    },
  );
};

/** The copy, with every encryption key that the file has; undefined if the file has it all. */
const newer = (file: KeyFileData, copy: KeyFileData, path: string): KeyFileData | undefined => {
  const refuse = (code: string, message: string): never => {
    throw new CliFailure(code, message, exitCodes.badInput);
  };
  if (copy.own.id !== file.own.id)
    return refuse(
      "key-file-exists",
      `${path} holds ${file.own.id}, which is never written over; name another file with --id`,
    );
  const [longer, shorter] = copy.own.sequence > file.own.sequence ? [copy, file] : [file, copy];
  const goesOn = shorter.own.statements.every(
    ({ signature }, at) => longer.own.statements[at]?.signature === signature,
  );
  if (!goesOn)
    return refuse(
      "key-files-differ",
      `the copy and ${path} have gone different ways since ${file.own.id} began`,
    );
  if (longer === file && copy.own.sequence < file.own.sequence)
    return refuse(
      "key-file-newer",
      `${path} has gone on since that copy was made: nothing was written`,
    );
  // A change that the file was about to make may have brought one more.
  const kept = file.pending?.secrets.encryption ?? secretsOf(file.own).encryption;
  const secrets = secretsOf(copy.own);
  const encryption = [...new Set([...kept, ...secrets.encryption])];
  if (copy.own.sequence === file.own.sequence && encryption.length === kept.length)
    return undefined;
  const { record, registration, statements } = copy.own;
  const own = ownIdentity({ record, registration, statements }, { ...secrets, encryption }, native);
  return { own, pending: copy.pending };
};
