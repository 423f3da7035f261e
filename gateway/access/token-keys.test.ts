import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { noon } from "../../testing/given.ts";
import { OpenError } from "../errors.ts";
import { openTokenKeys, signingMs } from "./token-keys.ts";
import { tokenMs, tokens } from "./tokens.ts";

const directory = mkdtempSync(join(tmpdir(), "cnct-token-keys-"));
after(() => rmSync(directory, { recursive: true }));
const path = join(directory, "token-keys.json");

const timer = { cancel: () => undefined };
const clock = { time: noon, now: () => clock.time, after: () => timer, every: () => timer };
const open = () => openTokenKeys({ directory, clock, tokenMs });

describe("the keys that sign tokens", () => {
  test("are the same after a restart, and nobody else's to read", async () => {
    const first = (await open()).current();
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.equal((await open()).current().kid, first.kid);
  });

  test("follow one another, and each is accepted until its last token has ended", async () => {
    const keys = await open();
    const issuer = () => "https://gateway.example/";
    const desk = tokens({ keys, clock, issuer });
    const about = {
      id: `cnct:${"a".repeat(52)}`,
      rootKey: "aa".repeat(32),
      scopes: ["jobs:submit"],
      proofKey: "x",
    };
    const old = keys.current();
    clock.time = noon + signingMs - 1;
    await keys.renew();
    assert.equal(keys.current().kid, old.kid);
    const { token, expiresAt } = await desk.issue(about);
    clock.time = noon + signingMs;
    await keys.renew();
    const next = keys.current();
    assert.notEqual(next.kid, old.kid);
    assert.equal((await desk.read(token)).id, about.id);
    clock.time = expiresAt - 1;
    const restarted = tokens({ keys: await open(), clock, issuer });
    assert.equal((await restarted.read(token)).id, about.id);
    clock.time = expiresAt;
    for (const one of [desk, restarted])
      await assert.rejects(one.read(token), { code: "token-expired" });
    clock.time = noon + 2 * signingMs;
    await keys.renew();
    assert.equal(keys.find(old.kid), undefined);
    assert.ok(keys.find(next.kid));
    assert.ok(!readFileSync(path, "utf8").includes(old.kid), "it is gone from the file too");
  });

  test("that others may read, or that are damaged, keep the gateway from opening", async () => {
    const isError = (code: string) => (error: unknown) =>
      error instanceof OpenError && error.code === code;
    const whole = readFileSync(path, "utf8");
    chmodSync(path, 0o640);
    await assert.rejects(open(), isError("token-keys-readable"));
    chmodSync(path, 0o600);
    for (const text of [whole.slice(0, -40), "{}", whole.replace(/"kid": "./, '"kid": "!')]) {
      writeFileSync(path, text);
      await assert.rejects(open(), isError("token-keys-damaged"), text.slice(0, 40));
    }
    writeFileSync(path, whole);
    await open();
  });
});
