/** What a gateway knows of an identity, and how it is told more. Statements prove themselves: no login. */

import type { CnctId } from "../../domain/identity/inception.ts";
import type { Signature } from "../../domain/identity/keys.ts";
import type { SignedStatement } from "../../domain/identity/signed-statement.ts";
import { CnctRefusal } from "../errors.ts";
import type { IdentityHistory } from "./own-identity.ts";

export type Ask = <Data>(
  query: string,
  variables: Readonly<Record<string, unknown>>,
) => Promise<Data>;

export interface RegisteredIdentity {
  readonly status: string;
  readonly rootKey: string;
  /** Of the last statement; 0 after the registration. */
  readonly sequence: number;
}

export interface Registry {
  /** Undefined if nobody registered it. */
  find(id: CnctId): Promise<RegisteredIdentity | undefined>;
  /** Says what the identity states. Saying its last statement again changes nothing. */
  state(signed: SignedStatement): Promise<void>;
  /**
   * Tells the gateway of whatever it does not know yet: the registration, and each statement since.
   *
   * @throws {CnctRefusal} `identity-outdated` if the gateway has heard more than is told here.
   */
  bringUpToDate(id: CnctId, history: IdentityHistory): Promise<void>;
}

const found = `query Identity($id: CnctId!) { identity(id: $id) { status rootKey sequence } }`;
const register = `mutation Register($record: InceptionRecordJson!, $signature: Hex!) {
  registerIdentity(record: $record, signature: $signature) {
    __typename ... on Refusal { code message } } }`;
const said = `mutation State($statement: IdentityStatementJson!, $signature: Hex!) {
  stateIdentity(statement: $statement, signature: $signature) {
    __typename ... on Refusal { code message } } }`;

type Answer =
  | { readonly __typename: "Refusal"; readonly code: string; readonly message: string }
  | { readonly __typename: "RegisteredIdentity" | "StatedIdentity" };

export const openRegistry = (ask: Ask): Registry => {
  const find: Registry["find"] = async (id) =>
    (await ask<{ identity: RegisteredIdentity | null }>(found, { id })).identity ?? undefined;

  const tell = async (field: string, query: string, variables: object): Promise<void> => {
    const answer = (await ask<Readonly<Record<string, Answer>>>(query, { ...variables }))[field];
    if (answer?.__typename === "Refusal") throw new CnctRefusal(answer.code, answer.message);
  };
  const state: Registry["state"] = ({ statement, signature }) =>
    tell("stateIdentity", said, { statement, signature });

  return {
    find,
    state,
    bringUpToDate: async (id, { record, registration, statements }) => {
      const known = await find(id);
      const sequence = known?.sequence ?? 0;
      if (sequence > statements.length)
        throw new CnctRefusal(
          "identity-outdated",
          `another copy of ${id} has said ${sequence} things about itself, this one knows of ${statements.length}: import that copy`,
        );
      if (known === undefined) {
        const signature: Signature = registration;
        await tell("registerIdentity", register, { record, signature });
      }
      for (const signed of statements.slice(sequence)) await state(signed);
    },
  };
};
