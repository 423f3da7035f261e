import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, rename, rm, rmdir, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createUser, decode, type User } from "@nats-io/jwt";
import { digest, order } from "../../../testing/contracts/task-queue.ts";
import { inboxPrefix } from "../../names.ts";
import { credentialsLifeMaxMs } from "../../nats-authority.ts";
import { statementsOf } from "../../task-queue.ts";
import { connectNats, type NatsLink } from "../connection.ts";
import { type Credentials, fileCredentials } from "../credentials.ts";
import { TaskQueueError } from "../errors.ts";
import { nodeMessagesMax, streamBytesDefault } from "../layout.ts";
import { type NatsServer, startNatsServer } from "../server.ts";
import { NatsServerError } from "../server-error.ts";
import { openTaskDesk } from "../task-desk.ts";
import { openTaskSource } from "../task-source.ts";
import { type OpenNatsAuthority, openNatsAuthority } from "./authority.ts";
import { openKeys } from "./keys.ts";
import { authorityDirectory, coordinatorCredentialsFile } from "./operator-mode.ts";
import { workerPayloadMax } from "./permissions.ts";
import { readRevocations, stillNeeded } from "./revocations.ts";

const cutWithinMs = 5_000;

const until = async (isSo: () => boolean | Promise<boolean>, withinMs = 10_000): Promise<void> => {
  const end = performance.now() + withinMs;
  while (!(await isSo()) && performance.now() < end) await sleep(10);
  assert.ok(await isSo(), `waited ${withinMs} ms in vain`);
};

const denied = (error: unknown) => error instanceof TaskQueueError && error.code === "denied";

describe("the authority over NATS", () => {
  let directory: string;
  let keys: string;
  let server: NatsServer;
  let authority: OpenNatsAuthority;

  const start = () => startNatsServer({ directory, authority: keys, port: server?.port ?? 0 });
  const open = () => openNatsAuthority({ directory: keys, url: server.url });
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "cnct-authority-"));
    keys = authorityDirectory(directory);
    server = await start();
    authority = await open();
  });
  after(async () => {
    for (const link of links) await link.close();
    await authority.close();
    await server.stop();
    await rm(directory, { recursive: true, force: true });
  });

  const newcomer = () => {
    const pair = createUser();
    return { natsKey: pair.getPublicKey(), seed: new TextDecoder().decode(pair.getSeed()) };
  };
  const minted = async (nodeId: string, natsKey: string, lifeMs?: number) => {
    const credentials = await authority.mint({ nodeId, natsKey, ...(lifeMs ? { lifeMs } : {}) });
    assert.notEqual(credentials, "revoked");
    assert.ok(typeof credentials === "object");
    return credentials;
  };
  const links: NatsLink[] = [];
  const connect = async (nodeId: string, credentials: () => Credentials): Promise<NatsLink> => {
    const link = await connectNats({
      url: server.url,
      name: nodeId,
      inboxPrefix: inboxPrefix(nodeId),
      credentials,
      firstConnectMs: 3_000,
    });
    links.push(link);
    return link;
  };

  test("a node works with minted credentials, as nodes do", async () => {
    const { natsKey, seed } = newcomer();
    const { jwt } = await minted("ada", natsKey);
    const credentials = await fileCredentials(coordinatorCredentialsFile(keys));
    const link = await connectNats({ url: server.url, name: "desk", credentials });
    const desk = await openTaskDesk({ link });
    await desk.ensure(["ada"]);
    const own = await connect("ada", () => ({ jwt, seed }));
    const refusals: string[] = [];
    own.listen({ onDenied: (operation) => refusals.push(operation) });
    const source = await openTaskSource({ link: own, nodeId: "ada" });
    const results: string[] = [];
    const beats: string[] = [];
    desk.onHeartbeat((nodeId) => beats.push(nodeId));
    desk.consumeResults(async (nodeId, bundle) => {
      for (const { jobHash } of statementsOf(bundle)) results.push(`${nodeId} ${jobHash}`);
    });
    source.consumeTasks(
      () => 10,
      async (delivery) => {
        if (delivery.delivered === 1) return delivery.nak(0);
        delivery.working();
        const failed = { outcome: "failed", code: "x", message: "", retryable: false } as const;
        const named = delivery.tasks.map(({ jobHash, replica, attempt }) => ({
          ...{ jobHash, replica, attempt },
          ...failed,
        }));
        await source.publishResults(named, "r1");
        delivery.ack();
      },
    );
    await desk.publishTasks("ada", [order("one")], "m1");
    source.heartbeat({ instance: "a-1", held: 1, draining: false });
    await until(async () => results.length > 0 && !(await desk.waiting()).get("ada"));
    assert.deepEqual(results, [`ada ${digest("one")}`]);
    await until(() => beats.length > 0);
    assert.deepEqual(refusals, []);
    await source.close();
    await desk.close();
  });

  test("credentials name the node and its key, and live a day at most", async () => {
    const { natsKey } = newcomer();
    const before = Date.now();
    const { jwt, expiresAt } = await minted("ada", natsKey, 10 * credentialsLifeMaxMs);
    const claims = decode<User>(jwt);
    assert.deepEqual([claims.name, claims.sub, claims.exp], ["ada", natsKey, expiresAt / 1000]);
    assert.ok(expiresAt <= Date.now() + credentialsLifeMaxMs && expiresAt > before);
    assert.equal(claims.nats.pub, undefined, "what it may do stands in the account alone");
    await assert.rejects(authority.mint({ nodeId: "a.b", natsKey }), RangeError);
    await assert.rejects(authority.mint({ nodeId: "ada", natsKey: "U" }), RangeError);
    await assert.rejects(authority.mint({ nodeId: "ada", natsKey, lifeMs: 5 }), RangeError);
  });

  test("stolen credentials are of no use without the key", async () => {
    const { jwt } = await minted("ada", newcomer().natsKey);
    const { seed } = newcomer();
    await assert.rejects(
      connect("ada", () => ({ jwt, seed })),
      denied,
    );
  });

  test("credentials that run out are renewed on the way, without a word from anybody", async () => {
    const { natsKey, seed } = newcomer();
    let { jwt } = await minted("ada", natsKey, 4_000);
    let asked = 0;
    const link = await connect("ada", () => {
      asked++;
      return { jwt, seed };
    });
    const askedAtFirst = asked;
    let refusals = 0;
    let returns = 0;
    link.listen({ onRefused: () => refusals++, onReconnect: () => returns++ });
    ({ jwt } = await minted("ada", natsKey));
    await until(() => returns === 1);
    // A machine that pauses may need another try; the server's word on it is told once for each.
    assert.ok(refusals >= 1 && asked > askedAtFirst, `${refusals} refusals, ${asked} times asked`);
    await link.connection.flush();
  });

  test("who is revoked is cut off within 5 s and cannot come back; others stay", async () => {
    const [bad, good] = [newcomer(), newcomer()];
    const credentials = new Map<string, Credentials>();
    for (const { natsKey, seed } of [bad, good])
      credentials.set(natsKey, { jwt: (await minted("ada", natsKey)).jwt, seed });
    const of = (who: typeof bad) => () => credentials.get(who.natsKey) as Credentials;
    const [badLink, goodLink] = [await connect("ada", of(bad)), await connect("ada", of(good))];
    let cutAt = Number.POSITIVE_INFINITY;
    let losses = 0;
    let refusals = 0;
    let returns = 0;
    let goodLost = 0;
    badLink.listen({
      onDisconnect: () => {
        losses++;
        cutAt = Math.min(cutAt, performance.now());
      },
      onRefused: () => refusals++,
      onReconnect: () => returns++,
    });
    goodLink.listen({ onDisconnect: () => goodLost++ });
    const startedAt = performance.now();
    await authority.revoke(bad.natsKey, Date.now());
    await until(() => Number.isFinite(cutAt), cutWithinMs);
    assert.ok(cutAt - startedAt < cutWithinMs, `cut off after ${cutAt - startedAt} ms`);
    await until(() => refusals >= 3);
    assert.deepEqual([losses, returns], [1, 0], "lost once, though it was refused again and again");
    assert.equal(await authority.mint({ nodeId: "ada", natsKey: bad.natsKey }), "revoked");
    await assert.rejects(connect("ada", of(bad)), denied);

    // A second one in the same second counts as well.
    await authority.revoke(good.natsKey, Date.now());
    await until(() => goodLost > 0, cutWithinMs);

    // Neither a restart of the server, nor one of the coordinator, nor both forgives.
    await authority.close();
    await server.stop();
    server = await start();
    await assert.rejects(connect("ada", of(bad)), denied);
    authority = await open();
    assert.equal(await authority.mint({ nodeId: "ada", natsKey: good.natsKey }), "revoked");
    await assert.rejects(connect("ada", of(good)), denied);
  });

  test("a revocation while the server is away is kept and told when it is back", async () => {
    const who = newcomer();
    const { jwt } = await minted("ada", who.natsKey);
    const pid = server.pid();
    assert.ok(pid !== undefined);
    process.kill(pid, "SIGSTOP");
    const revoking = authority.revoke(who.natsKey, Date.now());
    await until(async () => (await readRevocations(keys)).has(who.natsKey));
    process.kill(pid, "SIGCONT");
    await revoking;
    await assert.rejects(
      connect("ada", () => ({ jwt, seed: who.seed })),
      denied,
    );

    // The files of the server alone are lost: the authority's own count.
    await authority.close();
    await server.stop();
    await rm(join(directory, "accounts"), { recursive: true });
    server = await start();
    await assert.rejects(
      connect("ada", () => ({ jwt, seed: who.seed })),
      denied,
    );
    authority = await open();
  });

  test("nothing is minted for a key while its revocation is on its way to the disk", async () => {
    const { natsKey } = newcomer();
    const revoking = authority.revoke(natsKey, Date.now());
    assert.equal(await authority.mint({ nodeId: "ada", natsKey }), "revoked");
    await revoking;
  });

  test("a revocation that cannot be written holds at once, and is written later", async () => {
    const { natsKey, seed } = newcomer();
    const { jwt } = await minted("bob", natsKey);
    let isIn = true;
    const link = await connect("bob", () => ({ jwt, seed }));
    link.listen({
      onDisconnect: () => {
        isIn = false;
      },
    });
    const file = join(keys, "revocations.json");
    await rename(file, `${file}.before`);
    await mkdir(file);
    await assert.rejects(authority.revoke(natsKey, Date.now()), { code: "EISDIR" });
    await until(() => !isIn, cutWithinMs);
    assert.equal(await authority.mint({ nodeId: "bob", natsKey }), "revoked");
    await rmdir(file);
    await until(async () => (await readRevocations(keys)).has(natsKey));
  });

  test("what one node may leave lying does not fill the stream of results", () => {
    const subjects = 2;
    assert.ok(subjects * nodeMessagesMax.results * workerPayloadMax < streamBytesDefault);
  });

  test("a revocation is forgotten when every credential of its time has expired", () => {
    const key = newcomer().natsKey;
    const at = 1_000_000;
    const held = new Map([[key, at]]);
    assert.deepEqual(stillNeeded(held, at + credentialsLifeMaxMs), held);
    assert.equal(stillNeeded(held, at + credentialsLifeMaxMs + 3_600_000).size, 0);
  });

  test("keys are for their owner's eyes; the operator's own may be kept elsewhere", async () => {
    for (const name of await readdir(keys)) {
      const { mode } = await stat(join(keys, name));
      assert.equal(mode & 0o777, 0o600, name);
    }
    assert.equal((await stat(keys)).mode & 0o777, 0o700);
    const elsewhere = join(directory, "operator.nk");
    await rename(join(keys, "operator.nk"), elsewhere);
    const who = newcomer();
    await minted("ada", who.natsKey);
    await authority.revoke(who.natsKey, Date.now());
    await openKeys(keys);

    const refused = (code: string) => (error: unknown) =>
      error instanceof NatsServerError && error.code === code;
    const other = join(directory, "other");
    await openKeys(other);
    await rm(join(other, "account.nk"));
    await assert.rejects(openKeys(other), refused("keys-incomplete"));
    await writeFile(join(other, "account.nk"), "SA", { mode: 0o644 });
    await assert.rejects(openKeys(other), refused("keys-readable"));
    await writeFile(join(other, "revocations.json"), '{"U":1}', { mode: 0o600 });
    await assert.rejects(readRevocations(other), refused("keys-incomplete"));
  });

  test("a server that others reach takes credentials and TLS", async () => {
    const elsewhere = join(directory, "public");
    for (const options of [{}, { authority: keys }])
      await assert.rejects(
        startNatsServer({ directory: elsewhere, host: "0.0.0.0", ...options }),
        (error: unknown) => error instanceof NatsServerError && error.code === "nats-not-public",
      );
  });
});
