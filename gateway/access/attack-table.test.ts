/**
 * Attacks on a real gateway, over HTTP and WebSocket. Each has to be refused with its own code, to
 * leave nothing in the log, and to be noted without anything that the attacker sent.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { buildSchema } from "graphql";
import { anyMutation } from "../testing/any-arguments.ts";
import { registrationRows, statementRows } from "../testing/attacks/identity-rows.ts";
import { loginRows } from "../testing/attacks/login-rows.ts";
import { rightRows, serviceKeyRows, uploadRows } from "../testing/attacks/right-rows.ts";
import { socketRows } from "../testing/attacks/socket-rows.ts";
import {
  ask,
  headersOf,
  openStage,
  type Row,
  type Stage,
  submit,
} from "../testing/attacks/stage.ts";
import { proofRows, tokenRows } from "../testing/attacks/token-rows.ts";

const table: Readonly<Record<string, readonly Row[]>> = {
  "a registration": registrationRows,
  "a statement": statementRows,
  "a login": loginRows,
  "a token": tokenRows,
  "a proof": proofRows,
  "a right": rightRows,
  "an upload": uploadRows,
  "a service key": serviceKeyRows,
  "a socket": socketRows,
};

let stage: Stage;
before(async () => {
  stage = await openStage();
});
after(() => stage.close());

/** What mercurius itself refuses over a socket is no refusal of ours. */
const own = new Set(["error"]);

for (const [what, rows] of Object.entries(table))
  describe(`${what} is refused:`, () => {
    for (const { name, code, prepare } of rows)
      test(`${name} (${code})`, async () => {
        const { network, setOffset } = stage;
        const attack = await prepare(stage);
        const head = await network.store.head();
        network.refused.splice(0);
        try {
          assert.equal(await attack(), code);
        } finally {
          setOffset(0);
        }
        assert.equal(await network.store.head(), head, "something was written");
        if (own.has(code)) return;
        const noted = network.refused.map((one) => one.code.toLowerCase().replaceAll("_", "-"));
        assert.ok(noted.includes(code), `not noted: ${noted.join()}`);
        const secrets = /cnct_sk_|eyJ|[0-9a-f]{128}/;
        assert.doesNotMatch(JSON.stringify(network.refused), secrets);
      });
  });

/** They prove themselves: by a signature, or by a proof. */
const forAnybody = ["login", "registerIdentity", "requestChallenge", "stateIdentity"];

describe("nobody may", () => {
  const text = readFileSync(new URL("../schema.graphql", import.meta.url), "utf8");
  const fields = Object.values(buildSchema(text).getMutationType()?.getFields() ?? {});
  assert.ok(forAnybody.every((name) => fields.some((field) => field.name === name)));
  for (const field of fields.filter(({ name }) => !forAnybody.includes(name)))
    test(field.name, async () => {
      const { query, variables } = anyMutation(field);
      assert.equal(await ask(stage, query, variables), "login-needed");
    });
});

test("the table is long, and every row has a name of its own", () => {
  const names = Object.values(table).flatMap((rows) => rows.map(({ name }) => name));
  assert.equal(new Set(names).size, names.length);
  assert.ok(names.length >= 40, `${names.length} rows`);
});

test("what is not changed is not refused: the stage is fair", async () => {
  assert.equal(await submit(stage, await headersOf(stage)), "SubmittedJob");
  const twice = { ...(await headersOf(stage)) };
  assert.equal(await submit(stage, twice), "SubmittedJob");
});
