/** What an identity states, as it comes from outside: the command that it asks for. */
import type { Instant } from "../../domain/decider.ts";
import type { IdentityCommand } from "../../domain/identity/events.ts";
import { isCnctId } from "../../domain/identity/inception.ts";
import type { Signature } from "../../domain/identity/keys.ts";
import type { Statements } from "../../domain/identity/statements.ts";

export type StatementCommand = Exclude<IdentityCommand, { readonly type: "RegisterIdentity" }>;

const commands = {
  RootKeyRotated: { type: "RotateRootKey", fields: ["nextRootKeyHash", "rootKey"] },
  EncryptionKeyAdded: { type: "AddEncryptionKey", fields: ["key"] },
  EncryptionKeyRetired: { type: "RetireEncryptionKey", fields: ["keyId"] },
  TransportKeyReplaced: { type: "ReplaceTransportKey", fields: ["natsKey"] },
  IdentityRevoked: { type: "RevokeIdentity", fields: ["reason", "signedBy"] },
} as const satisfies Readonly<
  Record<keyof Statements, { type: StatementCommand["type"]; fields: readonly string[] }>
>;

/**
 * The command that a statement stands for; a sentence that says what is wrong with it. Whether the
 * fields hold what they should, the decider sees.
 */
export const statementCommand = (
  value: unknown,
  { signature, now }: { readonly signature: Signature; readonly now: Instant },
): StatementCommand | string => {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    return "a statement is a JSON object";
  const { type, ...rest } = value as Readonly<Record<string, unknown>>;
  if (typeof type !== "string" || !Object.hasOwn(commands, type))
    return `the type of a statement is one of ${Object.keys(commands).join(", ")}`;
  const { type: command, fields } = commands[type as keyof Statements];
  const wanted = ["id", "sequence", ...fields].sort();
  if (Object.keys(rest).sort().join() !== wanted.join())
    return `${type} has the fields type, ${wanted.join(", ")}, and no others`;
  const { id } = rest;
  if (!isCnctId(id)) return "id must be the id of an identity";
  return { ...rest, type: command, signature, actor: id, now } as unknown as StatementCommand;
};
