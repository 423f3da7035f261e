/** Keys are changed at a real gateway, and the change is stopped at every step. */
import assert from "node:assert/strict";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { native } from "../../crypto/primitives-native.ts";
import { openTestNetwork, type TestNetwork } from "../../gateway/testing/test-network.ts";
import {
  connect,
  newIdentity,
  openRegistry,
  prepareEncryptionKey,
  prepareRevocation,
  prepareRotation,
  prepareTransportKey,
  type Registry,
  secretsOf,
} from "../../sdk/index.ts";
import { holding, makeChange, settle } from "./change.ts";
import { findIdentity } from "./find-identity.ts";
import { createKeyFile, openKeyFile } from "./key-file.ts";

let network: TestNetwork;
let registry: Registry;
const directory = await mkdtemp(join(tmpdir(), "cnct-change-"));
before(async () => {
  network = await openTestNetwork({ access: "identities", keyDirectory: join(directory, "keys") });
  registry = openRegistry(connect({ gateway: network.url }).ask);
});
after(async () => {
  await network.close();
  await rm(directory, { recursive: true, force: true });
});

let files = 0;
const none = async () => undefined;
const newFile = async () => {
  const path = join(directory, `${++files}`, "id.json");
  const own = newIdentity({ roles: ["client", "worker"] }, native);
  await createKeyFile(path, { own, pending: undefined });
  return path;
};
const stop = (): never => {
  throw new Error("the plug was pulled");
};

/** Where a change can be stopped: at the n-th of these. */
const steps = ["written", "named", "asked", "answered"] as const;

/** Everything that a change does, stopped at one step of one kind. */
const stoppedAt = (step: (typeof steps)[number], nth: number) => {
  let seen = 0;
  const pass = (at: (typeof steps)[number]) => {
    if (at === step && ++seen === nth) stop();
  };
  const stopping: Registry = {
    ...registry,
    state: async (signed) => {
      pass("asked");
      await registry.state(signed);
      pass("answered");
    },
  };
  return { stopping, onStep: pass };
};

const changes = {
  rotation: prepareRotation,
  "new encryption key": prepareEncryptionKey,
  "new transport key": prepareTransportKey,
} as const;

/** That the file and the gateway agree, and that a client with the file can act. */
const assertWhole = async (path: string, sequence: number) => {
  const said: string[] = [];
  const { latest } = await findIdentity({
    path,
    registry,
    say: (line) => said.push(line),
  });
  const own = latest();
  const known = await registry.find(own.id);
  assert.deepEqual(
    [known?.rootKey, known?.sequence, own.sequence],
    [own.rootKey, sequence, sequence],
  );
  const client = connect({ gateway: network.url, identity: own });
  await client.submit({ app: "noop", nonce: "with the keys of the file" });
  await client.close();
  const again = await openKeyFile(path, none);
  assert.equal(again.pending, undefined);
  assert.deepEqual(secretsOf(again.own), secretsOf(own));
  assert.deepEqual(await readdir(join(path, "..")), ["id.json"]);
  return said;
};

describe("a change of keys", () => {
  test("is in the file and at the gateway when it is done", async () => {
    const path = await newFile();
    for (const prepare of Object.values(changes))
      await holding(
        path,
        () => openKeyFile(path, none),
        (file) => makeChange(file, registry, (own) => prepare(own, native)),
      );
    assert.deepEqual(await assertWhole(path, 3), []);
  });

  for (const [name, prepare] of Object.entries(changes))
    for (const step of name === "rotation" ? steps : (["answered"] as const))
      for (const nth of step === "written" || step === "named" ? [1, 2] : [1])
        test(`(${name}) that is stopped when ${step} (${nth}) loses no key, and can be made again`, async () => {
          const path = await newFile();
          const first = (await openKeyFile(path, none)).own;
          await registry.bringUpToDate(first.id, first);
          const { stopping, onStep } = stoppedAt(step, nth);
          const file = await openKeyFile(path, none, { onStep });
          await assert.rejects(
            makeChange(file, stopping, (own) => prepare(own, native)),
            /the plug was pulled/,
          );
          const isKept = step !== "written" || nth !== 1;
          const isDone = step === "named" && nth === 2;
          const said = await assertWhole(path, isKept ? 1 : 0);
          assert.equal(said.length, isKept && !isDone ? 1 : 0);
          const next = await openKeyFile(path, none);
          await makeChange(next, registry, (own) => prepare(own, native));
          await assertWhole(path, isKept ? 2 : 1);
        });

  test("is not made by two at once, nor at all by a copy that is out of date", async () => {
    const path = await newFile();
    const file = await openKeyFile(path, none);
    const copy = `${path}.copy`;
    await createKeyFile(copy, file);
    await holding(
      path,
      async () => file,
      async (held) => {
        const second = holding(
          path,
          async () => file,
          async () => undefined,
        );
        if (process.platform === "linux") await assert.rejects(second, { code: "key-file-in-use" });
        await makeChange(held, registry, (own) => prepareRotation(own, native));
      },
    );
    const late = await openKeyFile(copy, none);
    const rotating = makeChange(late, registry, (own) => prepareRotation(own, native));
    await assert.rejects(rotating, { code: "identity-outdated" });
    assert.equal((await openKeyFile(copy, none)).pending, undefined);
  });

  test("that the gateway refuses stays in the file, and says why each time", async () => {
    const path = await newFile();
    const file = await openKeyFile(path, none);
    await registry.bringUpToDate(file.own.id, file.own);
    await file.save({ own: file.own, pending: prepareRotation(file.own, native) });
    await registry.state(prepareRevocation(file.own, "key-compromised"));
    const broken = await openKeyFile(path, none);
    await assert.rejects(settle(broken, registry), { code: "identity-revoked" });
    assert.notEqual((await openKeyFile(path, none)).pending, undefined);
  });

  test("that breaks a rule is refused before anything is written or said", async () => {
    const path = await newFile();
    await makeChange(await openKeyFile(path, none), registry, (own) =>
      prepareRevocation(own, "retired"),
    );
    const file = await openKeyFile(path, none);
    assert.equal(file.own.isRevoked, true);
    await assert.rejects(
      makeChange(file, registry, (own) => prepareRotation(own, native)),
      { code: "identity-revoked" },
    );
    assert.equal((await openKeyFile(path, none)).pending, undefined);
  });
});
