/**
 * The file that an identity lives in. What may be known stands open in it; the secrets stand beside
 * it, under a passphrase if the owner wants one. It is of mode 0600, replaced whole or not at all,
 * and checked whenever it is read.
 *
 * A change of keys is kept twice: as `pending` beside the secrets before any gateway hears of it, and
 * settled when one has accepted it. Whatever is interrupted in between is finished by whoever opens
 * the file next (`change.ts`), and no key is lost.
 */

import { native } from "../../crypto/primitives-native.ts";
import { isCnctId } from "../../domain/identity/inception.ts";
import { isSignature } from "../../domain/identity/keys.ts";
import { type SignedStatement, statementTypes } from "../../domain/identity/signed-statement.ts";
import { changed, type PreparedChange } from "../../sdk/identity/changes.ts";
import {
  type IdentityHistory,
  type IdentitySecrets,
  type KnownIdentity,
  type OwnIdentity,
  ownIdentity,
  secretsOf,
  stateOf,
} from "../../sdk/identity/own-identity.ts";
import { CnctRefusal } from "../../sdk/index.ts";
import { exitCodes } from "../exit-codes.ts";
import { CliFailure } from "../failures.ts";
import { readPrivate, type WriteStep, writePrivate } from "./files.ts";
import { isSealed, openUnder, type Sealed, sealUnder, usualCost } from "./passphrase.ts";

export interface KeyFileData {
  readonly own: OwnIdentity;
  /** A change that no gateway is known to have accepted. */
  readonly pending: PreparedChange | undefined;
}

/** Answers the passphrase, or undefined if there is none to be had. */
export type GetPassphrase = () => Promise<string | undefined>;

export interface KeyFile extends KeyFileData {
  readonly path: string;
  readonly isSealed: boolean;
  /**
   * Replaces what the file holds, under the passphrase that it had. The first thing saved may be
   * interrupted anywhere: the file then holds what it held, or what was saved.
   *
   * @throws {CliFailure} `key-file-changed` if somebody else has written it since.
   */
  readonly save: (data: KeyFileData) => Promise<void>;
}

/** What anybody who has a copy of the file knows without its passphrase. */
export interface ShownFile {
  readonly history: IdentityHistory;
  readonly state: KnownIdentity;
  readonly isSealed: boolean;
}

const version = 1;
/** Thousands of statements; whatever is larger is something else. */
const bytesMax = 4 * 1024 ** 2;

interface Writing {
  readonly passphrase?: string | undefined;
  /** For tests, which cannot wait for the usual cost. */
  readonly cost?: number;
  readonly onStep?: ((step: WriteStep) => void) | undefined;
}

/**
 * @throws {CliFailure} `key-file-exists`: an identity is never written over.
 */
export const createKeyFile = async (
  path: string,
  data: KeyFileData,
  writing: Writing = {},
): Promise<void> => {
  const text = await keyFileText(data, writing);
  const { onStep } = writing;
  try {
    await writePrivate(path, text, { replace: false, ...(onStep && { onStep }) });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    throw failure(
      "key-file-exists",
      `${path} is there already, and an identity is never written over; name another file with --id, or move that one away`,
    );
  }
};

/** As it stands in a file. Holds the secrets: in the clear without a passphrase. */
export const keyFileText = async (
  { own, pending }: KeyFileData,
  { passphrase, cost = usualCost }: Writing = {},
): Promise<string> => {
  const { id, record, registration, statements } = own;
  const open = { version, id, record, registration, statements };
  const hidden = { secrets: secretsOf(own), ...(pending && { pending }) };
  const rest =
    passphrase === undefined
      ? hidden
      : { sealed: await sealUnder(passphrase, JSON.stringify(hidden), open, cost) };
  return `${JSON.stringify({ ...open, ...rest }, undefined, 2)}\n`;
};

/**
 * @throws {CliFailure} `no-key-file`, `key-file-open-to-others`, `key-file-damaged`,
 *   `key-file-of-newer-version`, `passphrase-needed`, `passphrase-wrong`.
 */
export const openKeyFile = async (
  path: string,
  getPassphrase: GetPassphrase,
  writing: Omit<Writing, "passphrase"> = {},
): Promise<KeyFile> => {
  let text = await readText(path);
  const parsed = parse(text, path);
  const { data, passphrase } = await unlock(parsed, path, getPassphrase);
  const cost = parsed.sealed?.n;
  return {
    ...data,
    path,
    isSealed: parsed.sealed !== undefined,
    save: async (next) => {
      if ((await readText(path)) !== text)
        throw failure(
          "key-file-changed",
          `${path} was written by somebody else just now; try again`,
        );
      const { onStep } = writing;
      const after = await keyFileText(next, { passphrase, ...(cost && { cost }) });
      await writePrivate(path, after, { replace: true, ...(onStep && { onStep }) });
      text = after;
    },
  };
};

/** What a file shows without its passphrase. Throws as `openKeyFile` does. */
export const showKeyFile = async (path: string): Promise<ShownFile> => {
  const { history, sealed } = parse(await readText(path), path);
  return { history, state: checked(path, () => stateOf(history, native)), isSealed: !!sealed };
};

/** An identity from the text of a key file, wherever that was kept. Throws as `openKeyFile` does. */
export const readKeyText = async (
  text: string,
  name: string,
  getPassphrase: GetPassphrase,
): Promise<KeyFileData> => (await unlock(parse(text, name), name, getPassphrase)).data;

export const readText = async (path: string): Promise<string> => {
  try {
    const bytes = await readPrivate(path, bytesMax);
    if (bytes !== "open to others") return bytes.toString("utf8");
  } catch (error) {
    if (error instanceof RangeError) throw damaged(path, "it is too large");
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    throw failure("no-key-file", `there is no identity in ${path}; cnct id new makes one`);
  }
  throw failure(
    "key-file-open-to-others",
    `others can read ${path}, so its keys may be known; if you are sure that they are not: chmod 600 ${path}; else revoke that identity`,
  );
};

interface Parsed {
  readonly history: IdentityHistory;
  readonly open: object;
  readonly sealed: Sealed | undefined;
  readonly hidden: unknown;
}

/** Whatever a parser says of a damaged file may quote it: nothing of that is passed on. */
const json = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

const parse = (text: string, path: string): Parsed => {
  const value = json(text);
  if (!isObject(value)) throw damaged(path, "it is no whole JSON object");
  const { version: has, id, record, registration, statements, sealed, ...hidden } = value;
  if (typeof has === "number" && has > version)
    throw failure(
      "key-file-of-newer-version",
      `${path} was written by a newer cnct (version ${has}); update cnct`,
      exitCodes.machine,
    );
  const whole =
    has === version &&
    isCnctId(id) &&
    isObject(record) &&
    isSignature(registration) &&
    Array.isArray(statements) &&
    statements.every(isSignedStatement);
  if (!whole) throw damaged(path, "a part is missing");
  if (sealed !== undefined && !isSealed(sealed)) throw damaged(path, "its sealed part is none");
  const open = { version, id, record, registration, statements };
  const history = {
    record: record as unknown as IdentityHistory["record"],
    registration,
    statements,
  };
  return { history, open, sealed, hidden };
};

const unlock = async (
  { history, open, sealed, hidden }: Parsed,
  path: string,
  getPassphrase: GetPassphrase,
): Promise<{ readonly data: KeyFileData; readonly passphrase: string | undefined }> => {
  if (sealed === undefined) return { data: dataOf(history, hidden, path), passphrase: undefined };
  const passphrase = await getPassphrase();
  if (passphrase === undefined)
    throw failure(
      "passphrase-needed",
      `${path} is under a passphrase; type it at a terminal, or set CNCT_PASSPHRASE`,
    );
  const opened = await openUnder(passphrase, sealed, open);
  if (opened === undefined)
    throw failure(
      "passphrase-wrong",
      `the passphrase does not open ${path}: it is another one, or the file was changed`,
    );
  return { data: dataOf(history, json(opened), path), passphrase };
};

const dataOf = (history: IdentityHistory, hidden: unknown, path: string): KeyFileData => {
  const { secrets, pending } = (isObject(hidden) ? hidden : {}) as {
    readonly secrets?: IdentitySecrets;
    readonly pending?: PreparedChange;
  };
  if (!areSecrets(secrets)) throw damaged(path, "its secrets are missing");
  return checked(path, () => {
    const own = ownIdentity(history, secrets, native);
    if (pending === undefined) return { own, pending };
    if (!isSignedStatement(pending) || !areSecrets(pending.secrets))
      throw damaged(path, "the change that it was about to make is not whole");
    changed(own, pending, native); // A change that does not fit is found now, and not when it is made.
    return { own, pending };
  });
};

const checked = <T>(path: string, work: () => T): T => {
  try {
    return work();
  } catch (error) {
    if (error instanceof CnctRefusal) throw damaged(path, error.message);
    throw error;
  }
};

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isSignedStatement = (value: unknown): value is SignedStatement => {
  if (!isObject(value) || !isObject(value["statement"])) return false;
  const { type } = value["statement"];
  return isSignature(value["signature"]) && statementTypes.some((known) => known === type);
};

const areSecrets = (value: unknown): value is IdentitySecrets => {
  if (!isObject(value)) return false;
  const { root, nextRoot, encryption, natsSeed } = value;
  return (
    typeof root === "string" &&
    typeof nextRoot === "string" &&
    Array.isArray(encryption) &&
    encryption.every((secret) => typeof secret === "string") &&
    (natsSeed === undefined || typeof natsSeed === "string")
  );
};

const damaged = (path: string, why: string): CliFailure =>
  failure(
    "key-file-damaged",
    `${path} is no whole key file: ${why}; bring it back from cnct id export`,
  );

const failure = (
  code: string,
  message: string,
  exit: (typeof exitCodes)[keyof typeof exitCodes] = exitCodes.badInput,
): CliFailure => new CliFailure(code, message, exit);
