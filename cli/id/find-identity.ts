/** The identity that a command acts as: the one in the key file, or a new one. */

import { unwatchFile, watchFile } from "node:fs";
import { native } from "../../crypto/primitives-native.ts";
import type { Millis } from "../../domain/decider.ts";
import type { Role } from "../../domain/identity/inception.ts";
import { newIdentity, type OwnIdentity, type Registry } from "../../sdk/index.ts";
import { exitCodes } from "../exit-codes.ts";
import { CliFailure } from "../failures.ts";
import { passphraseFor } from "./ask-passphrase.ts";
import { holding, settle } from "./change.ts";
import { createKeyFile, type KeyFile, openKeyFile } from "./key-file.ts";

/** One identity does for submitting and for working; what a login may do, its scopes say. */
export const usualRoles: readonly Role[] = ["client", "worker"];

export interface FindOptions {
  readonly path: string;
  /** Where changes that were interrupted are finished. */
  readonly registry: Registry;
  readonly say: (line: string) => void;
  /** Asked for a file that is under a passphrase. */
  readonly getPassphrase?: () => Promise<string | undefined>;
}

export interface FoundIdentity {
  /** As it was read last. */
  readonly latest: () => OwnIdentity;
  /**
   * The identity as it is in the file now: another process may have changed its keys. While the file
   * cannot be read it is the last one that was.
   */
  readonly current: () => Promise<OwnIdentity>;
  /** Keeps `latest` up to the file, within a second or two. @returns Ends that. */
  readonly watch: () => () => void;
}

/**
 * @throws {CliFailure} As `openKeyFile`.
 * @throws {CnctRefusal} When a change was interrupted and the gateway does not accept it.
 */
export const findIdentity = async (options: FindOptions): Promise<FoundIdentity> => {
  const { path, registry, say } = options;
  const getPassphrase = once(options.getPassphrase ?? passphraseFor(path));
  const open = (): Promise<KeyFile> => openKeyFile(path, getPassphrase);
  let file = await open().catch((error: unknown) => {
    if (error instanceof CliFailure && error.code === "no-key-file") return undefined;
    throw error;
  });
  if (file === undefined) {
    const own = newIdentity({ roles: usualRoles }, native);
    try {
      await createKeyFile(path, { own, pending: undefined });
      say(
        `a new identity was made for you: ${own.id}\nits keys are in ${path}, which only you can read; cnct id export makes a copy to keep elsewhere`,
      );
    } catch (error) {
      // Another cnct was faster: then that one is ours.
      if (!(error instanceof CliFailure) || error.code !== "key-file-exists") throw error;
    }
    file = await open();
  }
  let own = file.own;
  if (own.isRevoked)
    throw new CliFailure(
      "identity-revoked",
      `${own.id} in ${path} was revoked; move that file away, and another identity is made`,
      exitCodes.refused,
    );
  if (file.pending !== undefined) {
    own = await holding(path, open, (held) => settle(held, registry));
    say(`a change of keys that was interrupted is finished: ${path}`);
  }
  let isFresh = true;
  const read = async (): Promise<OwnIdentity> => {
    const now = await open();
    if (now.own.id !== own.id) throw new Error(`${path} holds another identity now: ${now.own.id}`);
    if (now.pending === undefined) return now.own;
    // Whoever makes that change holds the file; whoever was stopped does not.
    return holding(path, open, (held) => settle(held, registry));
  };
  const refresh = async (): Promise<OwnIdentity> => {
    try {
      own = await read();
    } catch (error) {
      const isBusy = error instanceof CliFailure && error.code === "key-file-in-use";
      if (!isBusy) say(`${messageOf(error)}; going on with the keys that were read before`);
    }
    return own;
  };
  return {
    latest: () => own,
    current: async () => {
      if (!isFresh) return refresh();
      isFresh = false; // Read a moment ago.
      return own;
    },
    watch: () => {
      const changed = () => void refresh();
      watchFile(path, { interval: watchMs, persistent: false }, changed);
      return () => unwatchFile(path, changed);
    },
  };
};

/** How often the file is looked at for a change of keys. */
const watchMs: Millis = 1_000;

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

/** A passphrase is asked for once, however often the file is read. */
const once = <T>(get: () => Promise<T>): (() => Promise<T>) => {
  let got: Promise<T> | undefined;
  return () => {
    got ??= get();
    return got;
  };
};
