/** `cnct id`: make, show, change, end and carry the identity that commands act as. */

import { readFile } from "node:fs/promises";
import { text as textOf } from "node:stream/consumers";
import { type Command, Option } from "commander";
import { native } from "../../crypto/primitives-native.ts";
import { clientAccountOf, type Role, roles } from "../../domain/identity/inception.ts";
import { encryptionKeyId } from "../../domain/identity/keys.ts";
import { revocationReasons } from "../../domain/identity/statements.ts";
import {
  newIdentity,
  type OwnIdentity,
  openRegistry,
  type PreparedChange,
  prepareEncryptionKey,
  prepareRetirement,
  prepareRevocation,
  prepareRotation,
  prepareTransportKey,
  type Registry,
} from "../../sdk/index.ts";
import { flagsOf, withClient } from "../cli.ts";
import { exitCodes } from "../exit-codes.ts";
import { CliFailure } from "../failures.ts";
import { newPassphrase, passphraseFor } from "../id/ask-passphrase.ts";
import { holding, makeChange } from "../id/change.ts";
import { writePrivate } from "../id/files.ts";
import { usualRoles } from "../id/find-identity.ts";
import { importKeyFile } from "../id/import.ts";
import { createKeyFile, keyFileText, openKeyFile, showKeyFile } from "../id/key-file.ts";
import { print, printJson, say } from "../output.ts";
import { keyFilePath } from "../settings.ts";

export const addId = (program: Command): void => {
  const group = program
    .command("id")
    .description("your identity: its keys, and the file that they are in");

  group
    .command("new")
    .description("make an identity, in a file that only you can read")
    .option("--roles <list>", `some of ${roles.join(",")}`, usualRoles.join())
    .option("--passphrase", "keep the keys under a passphrase (asked for, or CNCT_PASSPHRASE)")
    .action(async (flags: NewFlags, command: Command) => {
      const own = newIdentity({ roles: rolesIn(flags.roles) }, native);
      const passphrase = flags.passphrase === true ? await newPassphrase() : undefined;
      const path = pathOf(command);
      await createKeyFile(path, { own, pending: undefined }, { passphrase });
      tell(command, { ...shown(own), file: path, hasPassphrase: passphrase !== undefined }, () => {
        say(`a new identity, its keys in ${path}`);
        if (passphrase === undefined)
          say("the file has no passphrase: whoever can read it is you; --passphrase asks for one");
      });
    });

  group
    .command("show")
    .description("what anybody may know of your identity; asks no gateway and no passphrase")
    .action(async (_: object, command: Command) => {
      const path = pathOf(command);
      const { state, isSealed } = await showKeyFile(path);
      tell(command, { ...shown(state), file: path, hasPassphrase: isSealed });
    });

  group
    .command("rotate")
    .description("change a key; the id, the account and the history stay")
    .addOption(
      new Option("--key <which>", "root: signs; encryption: payloads are sealed for it; transport")
        .choices(["root", "encryption", "transport"])
        .default("root"),
    )
    .action(async ({ key }: { readonly key: KeyKind }, command: Command) => {
      const path = pathOf(command);
      const own = await changing(command, path, (file, registry) => rotate[key](file, registry));
      tell(command, { ...shown(own), file: path }, () => {
        say(`the ${key} key is a new one; copies of the file made before are out of date`);
      });
    });

  group
    .command("revoke")
    .description("end your identity for ever: what it signed before still counts, nothing after")
    .addOption(
      new Option("--reason <why>", "which is public").choices(revocationReasons).default("retired"),
    )
    .option("--yes", "really")
    .action(async (flags: RevokeFlags, command: Command) => {
      const path = pathOf(command);
      if (flags.yes !== true) {
        const { state } = await showKeyFile(path);
        throw new CliFailure(
          "not-confirmed",
          `this ends ${state.id} for ever, with its points and its nodes; say it again with --yes`,
          exitCodes.usage,
        );
      }
      const own = await changing(command, path, (file, registry) =>
        makeChange(file, registry, (own) => prepareRevocation(own, flags.reason)),
      );
      tell(command, { ...shown(own), file: path }, () => say(`${own.id} is revoked`));
    });

  group
    .command("export")
    .description("a copy of the key file under a passphrase, to keep elsewhere")
    .argument("[file]", "where to; standard output if left out")
    .action(async (to: string | undefined, _: object, command: Command) => {
      const path = pathOf(command);
      const file = await openKeyFile(path, passphraseFor(path));
      const text = await keyFileText(file, { passphrase: await newPassphrase() });
      if (to === undefined) {
        process.stdout.write(text);
        return;
      }
      await writeCopy(to, text);
      tell(command, { id: file.own.id, file: to }, () =>
        say(`${to} holds ${file.own.id} under that passphrase; without it, it is worth nothing`),
      );
    });

  group
    .command("import")
    .description("bring an identity back from a copy, or a newer copy into its file")
    .argument("<file>", "made by export; - for standard input")
    .option(
      "--passphrase",
      "keep the copy's passphrase; else the keys stand in the file as they are",
    )
    .action(async (from: string, flags: { readonly passphrase?: boolean }, command: Command) => {
      const path = pathOf(command);
      const text = from === "-" ? await textOf(process.stdin) : await readFile(from, "utf8");
      const own = await importKeyFile({
        path,
        text,
        name: from === "-" ? "standard input" : from,
        keepPassphrase: flags.passphrase === true,
      });
      tell(command, { ...shown(own), file: path, hasPassphrase: flags.passphrase === true });
    });
};

interface NewFlags {
  readonly roles: string;
  readonly passphrase?: boolean;
}
interface RevokeFlags {
  readonly reason: (typeof revocationReasons)[number];
  readonly yes?: boolean;
}
type KeyKind = "root" | "encryption" | "transport";
type Change = (file: Parameters<typeof makeChange>[0], registry: Registry) => Promise<OwnIdentity>;

const one =
  (prepare: (own: OwnIdentity) => PreparedChange): Change =>
  (file, registry) =>
    makeChange(file, registry, prepare);

const rotate: Readonly<Record<KeyKind, Change>> = {
  root: one((own) => prepareRotation(own, native)),
  transport: one((own) => prepareTransportKey(own, native)),
  // First the new one, then the old ones: at no time is there none.
  encryption: async (file, registry) => {
    const before = file.own.encryptionKeys;
    let own = await makeChange(file, registry, (own) => prepareEncryptionKey(own, native));
    for (const key of before.filter((key) => own.encryptionKeys.includes(key)))
      own = await makeChange({ ...file, own, pending: undefined }, registry, (own) =>
        prepareRetirement(own, encryptionKeyId(key)),
      );
    return own;
  },
};

const changing = (command: Command, path: string, work: Change): Promise<OwnIdentity> =>
  withClient(command, ({ ask }) =>
    holding(
      path,
      () => openKeyFile(path, passphraseFor(path)),
      (file) => work(file, openRegistry(ask)),
    ),
  );

const writeCopy = async (to: string, text: string): Promise<void> => {
  try {
    await writePrivate(to, text, { replace: false });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    throw new CliFailure(
      "file-exists",
      `${to} is there already; give another name`,
      exitCodes.badInput,
    );
  }
};

const pathOf = (command: Command): string => keyFilePath(flagsOf(command).id);

const rolesIn = (text: string): readonly Role[] =>
  text.split(",").map((name) => {
    const role = roles.find((role) => role === name.trim());
    if (role !== undefined) return role;
    throw new CliFailure(
      "bad-option",
      `--roles takes some of ${roles.join(",")}, not "${text}"`,
      exitCodes.usage,
    );
  });

/** No secret is in there. */
const shown = (
  identity: Pick<OwnIdentity, "id" | "roles" | "rootKey" | "encryptionKeys" | "sequence"> & {
    readonly natsKey: string | undefined;
    readonly status?: string;
    readonly isRevoked?: boolean;
  },
) => {
  const { id, roles, rootKey, encryptionKeys, natsKey, sequence, status, isRevoked } = identity;
  return {
    id,
    account: clientAccountOf(id),
    status: status ?? (isRevoked === true ? "revoked" : "active"),
    roles,
    rootKey,
    encryptionKeys: encryptionKeys.map((key) => ({ id: encryptionKeyId(key), key })),
    ...(natsKey === undefined ? {} : { natsKey }),
    sequence,
  };
};

const labels: Readonly<Record<string, string>> = {
  rootKey: "root key",
  encryptionKeys: "encryption",
  natsKey: "NATS key",
  sequence: "changes",
  hasPassphrase: "passphrase",
};

const tell = (
  command: Command,
  facts: Readonly<Record<string, unknown>>,
  also?: () => void,
): void => {
  if (flagsOf(command).json === true) {
    printJson(facts);
    return;
  }
  for (const [name, value] of Object.entries(facts))
    print(`${(labels[name] ?? name).padEnd(11)} ${valueText(value)}`);
  also?.();
};

const valueText = (value: unknown): string => {
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (!Array.isArray(value)) return String(value);
  return value
    .map((item) => (typeof item === "string" ? item : (item as { key: string }).key))
    .join(", ");
};
