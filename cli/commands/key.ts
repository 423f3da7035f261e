/** `cnct key`: secrets by which programs act for you, each only as far as you say. */

import type { Command } from "commander";
import { isGrantable, operations, type Scope } from "../../domain/identity/scopes.ts";
import { CnctRefusal, scopesOfRoles } from "../../sdk/index.ts";
import { withActor } from "../cli.ts";
import { exitCodes } from "../exit-codes.ts";
import { CliFailure } from "../failures.ts";
import { ago, print, printJson, say, table } from "../output.ts";

const dayMs = 86_400_000;
const hourMs = 3_600_000;
const keyManagement: readonly Scope[] = ["keys:manage"];

export const addKey = (program: Command): void => {
  const group = program
    .command("key")
    .description("service keys: secrets by which programs act for you");

  group
    .command("issue")
    .description("make one; its secret is printed on standard output, this once")
    .requiredOption("--label <text>", "what it is for, 1 to 64 characters")
    .option("--scopes <list>", "what it may do", scopesOfRoles.client.join())
    .option("--days <n>", "how long, 1 to 400", "90")
    .action(async (flags: IssueFlags, command: Command) => {
      const scopes = scopesIn(flags.scopes);
      const expiresAt = Date.now() + numberIn("--days", flags.days, [1, 400]) * dayMs;
      await withActor(
        command,
        async ({ ask }, { json }) => {
          const { issueServiceKey } = await ask<{ issueServiceKey: SecretAnswer }>(
            `mutation Issue($scopes: [String!]!, $expiresAt: Instant!, $label: String!) {
              issueServiceKey(scopes: $scopes, expiresAt: $expiresAt, label: $label) {
                ${secretFields} } }`,
            { scopes, expiresAt, label: flags.label },
          );
          showSecret(accepted(issueServiceKey), json);
        },
        { scopes: [...keyManagement, ...scopes] },
      );
    });

  group
    .command("list")
    .description("your keys, oldest first, and when each was used last")
    .action(async (_: object, command: Command) =>
      withActor(
        command,
        async ({ ask }, { json }) => {
          const { serviceKeys } = await ask<{ serviceKeys: readonly ServiceKey[] }>(
            `query Keys { serviceKeys {
              keyId label scopes issuedAt expiresAt graceUntil revokedAt lastUsedAt } }`,
          );
          if (json) printJson({ keys: serviceKeys });
          else if (serviceKeys.length === 0) say("no service keys; cnct key issue makes one");
          else print(keyTable(serviceKeys, Date.now()));
        },
        { scopes: keyManagement },
      ),
    );

  group
    .command("roll")
    .description("a new secret for a key; the old one stays good for a while")
    .argument("<key>", "its name, as cnct key list shows it")
    .option("--grace <hours>", "how long, 0 to 720", "24")
    .action(async (keyId: string, flags: RollFlags, command: Command) => {
      const graceMs = numberIn("--grace", flags.grace, [0, 720]) * hourMs;
      await withActor(
        command,
        async ({ ask }, { json }) => {
          const { rollServiceKey } = await ask<{ rollServiceKey: SecretAnswer }>(
            `mutation Roll($keyId: String!, $graceMs: Millis!) {
              rollServiceKey(keyId: $keyId, graceMs: $graceMs) { ${secretFields} } }`,
            { keyId, graceMs },
          );
          showSecret(accepted(rollServiceKey), json);
        },
        // A login has to be good for all that the key is good for, whatever that is.
        { scopes: operations },
      );
    });

  group
    .command("revoke")
    .description("end a key at once, with all its secrets")
    .argument("<key>", "its name, as cnct key list shows it")
    .action(async (keyId: string, _: object, command: Command) =>
      withActor(
        command,
        async ({ ask }, { json }) => {
          const { revokeServiceKey } = await ask<{ revokeServiceKey: RevokeAnswer }>(
            `mutation Revoke($keyId: String!) { revokeServiceKey(keyId: $keyId) {
              __typename ... on RevokedServiceKey { keyId } ... on Refusal { code message } } }`,
            { keyId },
          );
          accepted(revokeServiceKey);
          if (json) printJson({ keyId });
          else say(`key ${keyId} is worth nothing any more`);
        },
        { scopes: keyManagement },
      ),
    );
};

interface IssueFlags {
  readonly label: string;
  readonly scopes: string;
  readonly days: string;
}
interface RollFlags {
  readonly grace: string;
}

interface SaidNo {
  readonly __typename: "Refusal";
  readonly code: string;
  readonly message: string;
}
interface Secret {
  readonly __typename: "ServiceKeySecret";
  readonly keyId: string;
  readonly secret: string;
}
type SecretAnswer = Secret | SaidNo;
type RevokeAnswer = { readonly __typename: "RevokedServiceKey" } | SaidNo;

const secretFields = `__typename
  ... on ServiceKeySecret { keyId secret } ... on Refusal { code message }`;

/** @throws {CnctRefusal} */
const accepted = <Answer extends { readonly __typename: string }>(
  answer: Answer | SaidNo,
): Answer => {
  if (isRefusal(answer)) throw new CnctRefusal(answer.code, answer.message);
  return answer;
};
const isRefusal = (answer: { readonly __typename: string }): answer is SaidNo =>
  answer.__typename === "Refusal";

const showSecret = ({ keyId, secret }: Secret, json: boolean): void => {
  if (json) printJson({ keyId, secret });
  else {
    print(secret);
    say(`that is key ${keyId}; nobody can show it again. A program has it as CNCT_SERVICE_KEY`);
  }
};

interface ServiceKey {
  readonly keyId: string;
  readonly label: string;
  readonly scopes: readonly string[];
  readonly expiresAt: number;
  readonly revokedAt: number | null;
  readonly lastUsedAt: number | null;
}

const keyTable = (keys: readonly ServiceKey[], now: number): string =>
  table<ServiceKey>(
    [
      { title: "KEY", text: ({ keyId }) => keyId },
      { title: "LABEL", text: ({ label }) => label },
      {
        title: "STATE",
        text: (key) => stateOf(key, now),
        tone: (key) => (stateOf(key, now) === "good" ? "good" : "bad"),
      },
      { title: "EXPIRES", text: ({ expiresAt }) => new Date(expiresAt).toISOString().slice(0, 10) },
      {
        title: "USED",
        text: ({ lastUsedAt }) => (lastUsedAt === null ? "never" : ago(lastUsedAt, now)),
      },
      { title: "SCOPES", text: ({ scopes }) => scopes.join(" ") },
    ],
    keys,
  );

const stateOf = ({ revokedAt, expiresAt }: ServiceKey, now: number): string => {
  if (revokedAt !== null) return "revoked";
  return expiresAt <= now ? "expired" : "good";
};

const scopesIn = (text: string): readonly Scope[] => {
  const scopes = [...new Set(text.split(",").map((scope) => scope.trim()))].sort();
  const bad = scopes.find((scope) => !isGrantable(scope));
  if (bad === undefined) return scopes;
  throw new CliFailure(
    "bad-option",
    `there is no scope "${bad}"; --scopes takes some of ${operations.join(",")}`,
    exitCodes.usage,
  );
};

const numberIn = (
  option: string,
  text: string,
  [least, most]: readonly [number, number],
): number => {
  const value = Number(text);
  if (/^\d{1,3}$/.test(text) && value >= least && value <= most) return value;
  throw new CliFailure(
    "bad-option",
    `${option} takes ${least} to ${most}, not "${text}"`,
    exitCodes.usage,
  );
};
