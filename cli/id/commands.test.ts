/** `cnct id`, `cnct key` and a command that acts, as a user runs them, at a real gateway. */
import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { openTestNetwork, type TestNetwork } from "../../gateway/testing/test-network.ts";
import type { Answered, Asked } from "../testing/command-host.ts";

const directory = await mkdtemp(join(tmpdir(), "cnct-id-commands-"));
const passphrase = "correct horse battery";
const host = fork(join(import.meta.dirname, "..", "testing", "command-host.ts"));
let network: TestNetwork;
before(async () => {
  network = await openTestNetwork({ access: "identities", keyDirectory: join(directory, "keys") });
});
after(async () => {
  host.kill();
  await network.close();
  await rm(directory, { recursive: true, force: true });
});

const printed: string[] = [];
const secrets = new Set<string>();
const path = join(directory, "config", "cnct", "id.json");

/** Notes every secret that the file has had. */
const noteSecrets = async () => {
  const { secrets: held } = JSON.parse(await readFile(path, "utf8"));
  for (const secret of Object.values(held).flat()) secrets.add(String(secret));
};

const cnct = async (
  line: string,
  env: Readonly<Record<string, string>> = {},
): Promise<Answered> => {
  const asked: Asked = {
    args: line.split(" "),
    env: { XDG_CONFIG_HOME: join(directory, "config"), CNCT_GATEWAY: network.url, ...env },
  };
  host.send(asked);
  const [ran] = (await once(host, "message")) as [Answered];
  printed.push(ran.stdout, ran.stderr);
  return ran;
};
const json = async (line: string, env?: Readonly<Record<string, string>>) =>
  JSON.parse((await cnct(`${line} --json`, env)).stdout);

test("a stranger acts, is somebody, changes keys and carries them, and no secret is ever shown", async () => {
  const reading = await cnct("jobs --json");
  assert.equal(reading.exit, 0);
  await assert.rejects(stat(path), "who only reads needs no identity");

  const first = await cnct("submit noop --no-wait --json");
  assert.equal(first.exit, 0, first.stderr);
  assert.match(first.stderr, /a new identity was made for you: cnct:[a-z2-7]{52}\n/);
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  await noteSecrets();

  const shown = await json("id show");
  const [{ hash }] = JSON.parse(first.stdout).jobs;
  assert.equal((await json("jobs --mine")).nodes[0].client, shown.account);
  const another = await json("submit noop --client client:bob");
  assert.equal(another.error.code, "not-your-account");
  assert.equal((await json(`cancel ${hash}`)).hash, hash);

  // What owners of nodes may do is asked for where it is needed: the node is unknown, the right is not.
  for (const verb of ["drain", "resume"])
    assert.equal((await json(`node ${verb} nobodys`)).error.code, "node-unknown");

  for (const key of ["root", "encryption", "transport"]) {
    const rotated = await json(`id rotate --key ${key}`);
    assert.equal(rotated.id, shown.id);
    await noteSecrets();
  }
  const now = await json("id show");
  assert.deepEqual([now.id, now.sequence], [shown.id, 4]);
  for (const field of ["rootKey", "encryptionKeys", "natsKey"])
    assert.notDeepEqual(now[field], shown[field]);

  const copy = join(directory, "copy.json");
  await cnct(`id export ${copy}`, { CNCT_PASSPHRASE: passphrase });
  const elsewhere = join(directory, "elsewhere.json");
  const wrong = await json(`id import ${copy} --id ${elsewhere}`, {
    CNCT_PASSPHRASE: "wrong horse",
  });
  assert.equal(wrong.error.code, "passphrase-wrong");
  const carried = await json(`id import ${copy} --id ${elsewhere} --passphrase`, {
    CNCT_PASSPHRASE: passphrase,
  });
  assert.equal(carried.id, shown.id);
  const late = { CNCT_ID: elsewhere, CNCT_PASSPHRASE: passphrase };
  assert.equal((await cnct("submit noop --no-wait --nonce carried", late)).exit, 0);

  const issued = await cnct("key issue --label nightly --scopes jobs:submit,blobs:write");
  const secret = issued.stdout.trim();
  assert.match(secret, /^cnct_sk_/);
  printed.splice(-2, 2, issued.stderr); // Shown once, on standard output: that is its purpose.
  secrets.add(secret);
  const program = {
    XDG_CONFIG_HOME: join(directory, "nobody"),
    CNCT_SERVICE_KEY: secret,
    CNCT_CLIENT: now.account,
  };
  assert.equal((await cnct("submit noop --no-wait --nonce program", program)).exit, 0);
  const unnamed = await json("submit noop --no-wait", { ...program, CNCT_CLIENT: "" });
  assert.equal(unnamed.error.code, "not-your-account");
  assert.match(unnamed.error.message, /set CNCT_CLIENT/);
  const {
    keys: [listed],
  } = await json("key list");
  assert.equal(listed.label, "nightly");
  await cnct(`key revoke ${listed.keyId}`);
  const revoked = await json("submit noop --no-wait --nonce late", program);
  assert.equal(revoked.error.code, "service-key-revoked");

  await chmod(path, 0o644);
  const open = await json("submit noop --no-wait --nonce open");
  assert.equal(open.error.code, "key-file-open-to-others");
  await chmod(path, 0o600);

  assert.equal((await json("id revoke")).error.code, "not-confirmed");
  assert.equal((await json("id revoke --yes")).status, "revoked");
  assert.equal((await json("submit noop --no-wait")).error.code, "identity-revoked");

  const everything = printed.join("\n").toLowerCase();
  assert.ok(secrets.size >= 7 && everything.length > 5_000, `${secrets.size} secrets`);
  for (const one of [...secrets, passphrase])
    assert.ok(!everything.includes(one.toLowerCase()), `${one.slice(0, 8)}… was printed`);
  for (const line of network.logged)
    for (const one of secrets) assert.ok(!line.includes(one), "the gateway logged a secret");
});
