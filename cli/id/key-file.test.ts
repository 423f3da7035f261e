/** The file that an identity lives in: what it lets through, what it refuses, what it outlives. */
import assert from "node:assert/strict";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { inspect } from "node:util";
import { native } from "../../crypto/primitives-native.ts";
import { changed, prepareRotation } from "../../sdk/identity/changes.ts";
import { newIdentity, secretsOf } from "../../sdk/identity/own-identity.ts";
import { createKeyFile, keyFileText, openKeyFile, readKeyText, showKeyFile } from "./key-file.ts";

const directory = await mkdtemp(join(tmpdir(), "cnct-id-"));
after(() => rm(directory, { recursive: true, force: true }));
let files = 0;
const newPath = () => join(directory, `${++files}`, "id.json");

const ada = newIdentity({ roles: ["client", "worker"] }, native);
const fresh = { own: ada, pending: undefined };
const passphrase = "correct horse battery";
const cheap = { passphrase, cost: 2 ** 14 };
const none = async () => undefined;
const given = (text: string) => async () => text;

/** What was thrown, having made sure that no secret is in it. */
const refusal = async (work: Promise<unknown>): Promise<string> => {
  const error = await work.then(
    () => assert.fail("nothing was refused"),
    (error: unknown) => error,
  );
  const text = inspect(error, { depth: 9 });
  for (const secret of Object.values(secretsOf(ada)).flat())
    assert.ok(!text.includes(secret.slice(0, 12)), text);
  assert.ok(!text.includes(passphrase));
  return (error as { code: string }).code;
};

describe("a key file", () => {
  test("gives back what was put in, with and without a passphrase, and shows the rest to anybody", async () => {
    for (const [writing, passphrases] of [
      [{}, none],
      [cheap, given(passphrase)],
    ] as const) {
      const path = newPath();
      await createKeyFile(path, fresh, writing);
      assert.equal((await stat(path)).mode & 0o777, 0o600);
      assert.equal((await stat(join(path, ".."))).mode & 0o777, 0o700);
      const file = await openKeyFile(path, passphrases);
      assert.deepEqual(secretsOf(file.own), secretsOf(ada));
      assert.equal(file.isSealed, "passphrase" in writing);
      const { state } = await showKeyFile(path);
      assert.deepEqual([state.id, state.rootKey], [ada.id, ada.rootKey]);
    }
  });

  test("under a passphrase holds no secret in the clear, at the cost of 128 MiB for each try", async () => {
    const text = await keyFileText(fresh, { passphrase });
    for (const secret of Object.values(secretsOf(ada)).flat()) assert.ok(!text.includes(secret));
    assert.equal(JSON.parse(text).sealed.n, 2 ** 17);
    assert.deepEqual((await readKeyText(text, "x", given(passphrase))).own.id, ada.id);
  });

  test("opens by its own passphrase only, however that is typed", async () => {
    const path = newPath();
    await createKeyFile(path, fresh, { ...cheap, passphrase: "caf\u00e9 au lait" });
    assert.equal((await openKeyFile(path, given("cafe\u0301 au lait"))).own.id, ada.id);
    assert.equal(await refusal(openKeyFile(path, given("cafe au lait"))), "passphrase-wrong");
    assert.equal(await refusal(openKeyFile(path, given(""))), "passphrase-wrong");
    assert.equal(await refusal(openKeyFile(path, none)), "passphrase-needed");
  });

  test("that others can read is refused", async () => {
    const path = newPath();
    await createKeyFile(path, fresh);
    for (const mode of [0o644, 0o640, 0o604, 0o660, 0o601]) {
      await chmod(path, mode);
      assert.equal(await refusal(openKeyFile(path, none)), "key-file-open-to-others");
      assert.equal(await refusal(showKeyFile(path)), "key-file-open-to-others");
    }
    await chmod(path, 0o400);
    assert.equal((await openKeyFile(path, none)).own.id, ada.id);
  });

  test("is never written over by a new one", async () => {
    const path = newPath();
    await createKeyFile(path, fresh);
    const before = await readFile(path, "utf8");
    const bob = { own: newIdentity({}, native), pending: undefined };
    assert.equal(await refusal(createKeyFile(path, bob)), "key-file-exists");
    assert.equal(await readFile(path, "utf8"), before);
    assert.deepEqual(await readdir(join(path, "..")), ["id.json"]);
  });

  test("that is torn, changed or something else is refused, and nothing of it is quoted", async () => {
    const path = newPath();
    await createKeyFile(path, fresh);
    const text = await readFile(path, "utf8");
    const whole = JSON.parse(text);
    const bobs = JSON.parse(
      await keyFileText({ own: newIdentity({}, native), pending: undefined }),
    );
    const written = async (content: string) => {
      await writeFile(path, content, { mode: 0o600 });
      return refusal(openKeyFile(path, none));
    };
    const cuts = Array.from({ length: 40 }, (_, at) => Math.floor((at * (text.length - 2)) / 40));
    for (const cut of cuts) assert.equal(await written(text.slice(0, cut)), "key-file-damaged");
    const put = (change: object) => JSON.stringify({ ...whole, ...change });
    const swapped = { ...whole.secrets, root: whole.secrets.nextRoot };
    for (const content of [
      put({ secrets: bobs.secrets }),
      put({ secrets: swapped }),
      put({ secrets: { ...whole.secrets, encryption: ["zz"] } }),
      put({ secrets: undefined }),
      put({ id: bobs.id, record: bobs.record, registration: bobs.registration }),
      put({ registration: "00".repeat(64) }),
      put({ statements: [null] }),
      put({ statements: [{ statement: { type: "Nothing" }, signature: "00".repeat(64) }] }),
      put({ pending: {} }),
      put({ pending: { ...prepareRotation(ada, native), secrets: whole.secrets } }),
      put({ sealed: { kdf: "scrypt", n: 2 ** 30 } }),
      put({ version: 0 }),
      "[]",
      "null",
      "x".repeat(5 * 1024 ** 2),
    ])
      assert.equal(await written(content), "key-file-damaged", content.slice(0, 300));
    assert.equal(await written(put({ version: 2 })), "key-file-of-newer-version");
    assert.equal(await refusal(openKeyFile(newPath(), none)), "no-key-file");
  });

  test("under a passphrase does not open when what stands beside the box was changed", async () => {
    const whole = JSON.parse(await keyFileText(fresh, cheap));
    const bob = newIdentity({ roles: ["client", "worker"] }, native);
    const other = JSON.parse(await keyFileText({ own: bob, pending: undefined }, cheap));
    const reads = (value: object) =>
      refusal(readKeyText(JSON.stringify(value), "x", given(passphrase)));
    assert.equal(await reads({ ...other, sealed: whole.sealed }), "passphrase-wrong");
    const cheaper = { ...whole.sealed, n: 2 ** 15 };
    assert.equal(await reads({ ...whole, sealed: cheaper }), "passphrase-wrong");
    const free = { ...whole.sealed, n: 2 };
    assert.equal(await reads({ ...whole, sealed: free }), "key-file-damaged");
  });

  test("is replaced whole or not at all, wherever the write is stopped", async () => {
    const path = newPath();
    await createKeyFile(path, fresh, cheap);
    const next = changed(ada, prepareRotation(ada, native), native);
    const cut = await openKeyFile(path, given(passphrase), {
      onStep: (step) => {
        if (step === "written") throw new Error("power cut");
      },
    });
    await assert.rejects(cut.save({ own: next, pending: undefined }), /power cut/);
    const file = await openKeyFile(path, given(passphrase));
    assert.equal(file.own.rootKey, ada.rootKey);
    await file.save({ own: next, pending: undefined });
    const again = await openKeyFile(path, given(passphrase));
    assert.deepEqual([again.own.rootKey, again.isSealed], [next.rootKey, true]);
    assert.deepEqual(await readdir(join(path, "..")), ["id.json"]);
    assert.equal((await stat(path)).mode & 0o777, 0o600);
  });

  test("that somebody else has written since is not replaced", async () => {
    const path = newPath();
    await createKeyFile(path, fresh);
    const [mine, theirs] = [await openKeyFile(path, none), await openKeyFile(path, none)];
    const rotation = prepareRotation(ada, native);
    await theirs.save({ own: ada, pending: rotation });
    const late = mine.save({ own: ada, pending: prepareRotation(ada, native) });
    assert.equal(await refusal(late), "key-file-changed");
    const { pending } = await openKeyFile(path, none);
    assert.deepEqual(pending, rotation);
    await theirs.save({ own: changed(ada, rotation, native), pending: undefined });
  });

  test("that stands in a folder of the owner's leaves that as it is", async () => {
    const path = newPath();
    await mkdir(join(path, ".."), { mode: 0o755 });
    await createKeyFile(path, fresh);
    assert.equal((await stat(join(path, ".."))).mode & 0o777, 0o755);
  });
});
