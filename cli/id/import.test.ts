/** Carrying an identity: into a new file, into an older one, and never over another. */
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { native } from "../../crypto/primitives-native.ts";
import {
  changed,
  newIdentity,
  type OwnIdentity,
  prepareEncryptionKey,
  prepareRotation,
  secretsOf,
} from "../../sdk/index.ts";
import { importKeyFile } from "./import.ts";
import { createKeyFile, keyFileText, openKeyFile } from "./key-file.ts";

const directory = await mkdtemp(join(tmpdir(), "cnct-import-"));
after(() => rm(directory, { recursive: true, force: true }));
let files = 0;
const newPath = () => join(directory, `${++files}.json`);
const passphrase = "correct horse battery";
const getPassphrase = () => async () => passphrase;
const none = async () => undefined;

const copyOf = (own: OwnIdentity) =>
  keyFileText({ own, pending: undefined }, { passphrase, cost: 2 ** 14 });
const take = (path: string, text: string, keepPassphrase = false) =>
  importKeyFile({ path, text, name: "a copy", keepPassphrase, getPassphrase });

const ada = newIdentity({}, native);
const rotated = changed(ada, prepareRotation(ada, native), native);

test("what was exported and imported is the same identity, with its passphrase if asked", async () => {
  for (const keepPassphrase of [false, true]) {
    const path = newPath();
    await take(path, await copyOf(rotated), keepPassphrase);
    const file = await openKeyFile(path, getPassphrase());
    assert.equal(file.isSealed, keepPassphrase);
    assert.deepEqual(secretsOf(file.own), secretsOf(rotated));
    assert.equal(file.own.sequence, 1);
  }
});

test("a newer copy brings its file up to date, and no encryption key is lost", async () => {
  const path = newPath();
  // Prepared, and never heard of by a gateway.
  const pending = prepareEncryptionKey(ada, native);
  await createKeyFile(path, { own: ada, pending });
  await take(path, await copyOf(rotated));
  const { own } = await openKeyFile(path, none);
  assert.equal(own.rootKey, rotated.rootKey);
  assert.deepEqual(secretsOf(own).encryption, pending.secrets.encryption);
  const before = await readFile(path, "utf8");
  await take(path, await copyOf(rotated));
  assert.equal(await readFile(path, "utf8"), before);
});

test("no copy takes the place of what is newer, or somebody else's", async () => {
  const path = newPath();
  await createKeyFile(path, { own: rotated, pending: undefined });
  const before = await readFile(path, "utf8");
  const other = changed(ada, prepareRotation(ada, native), native);
  for (const [copy, code] of [
    [ada, "key-file-newer"],
    [newIdentity({}, native), "key-file-exists"],
    [other, "key-files-differ"],
    [changed(other, prepareRotation(other, native), native), "key-files-differ"],
  ] as const)
    await assert.rejects(take(path, await copyOf(copy)), { code });
  const torn = (await copyOf(rotated)).slice(0, -40);
  await assert.rejects(take(path, torn), { code: "key-file-damaged" });
  assert.equal(await readFile(path, "utf8"), before);
});
