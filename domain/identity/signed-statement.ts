/** A statement with its signature, whichever it is: how it travels, and how a key file keeps it. */
import type { IdentityCommand } from "./events.ts";
import type { Signature } from "./keys.ts";
import {
  additionText,
  replacementText,
  retirementText,
  revocationText,
  rotationText,
  type Statements,
} from "./statements.ts";

/** Named by the event that will record it. */
export type Statement = {
  [Type in keyof Statements]: { readonly type: Type } & Statements[Type];
}[keyof Statements];

export interface SignedStatement {
  readonly statement: Statement;
  readonly signature: Signature;
}

/** What is signed. */
export const statementText = (statement: Statement): string => {
  switch (statement.type) {
    case "RootKeyRotated":
      return rotationText(statement);
    case "EncryptionKeyAdded":
      return additionText(statement);
    case "EncryptionKeyRetired":
      return retirementText(statement);
    case "TransportKeyReplaced":
      return replacementText(statement);
    case "IdentityRevoked":
      return revocationText(statement);
  }
};

export const statementTypes = [
  "RootKeyRotated",
  "EncryptionKeyAdded",
  "EncryptionKeyRetired",
  "TransportKeyReplaced",
  "IdentityRevoked",
] as const satisfies readonly (keyof Statements)[];

type CommandType = Exclude<IdentityCommand["type"], "RegisterIdentity">;

/** The command that a statement is a wish for. */
export const commandTypes = {
  RootKeyRotated: "RotateRootKey",
  EncryptionKeyAdded: "AddEncryptionKey",
  EncryptionKeyRetired: "RetireEncryptionKey",
  TransportKeyReplaced: "ReplaceTransportKey",
  IdentityRevoked: "RevokeIdentity",
} as const satisfies Readonly<Record<keyof Statements, CommandType>>;
