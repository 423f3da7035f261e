/**
 * The permission matrix: who may do what on NATS, each cell tried against one real server. `allowed`
 * means that it was heard where it belongs, `refused` that the server refused it and nothing was
 * heard, `elsewhere` that it was said, but in an account of its own where nothing of CNCT listens.
 */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createAccount, createUser, encodeUser } from "@nats-io/jwt";
import type { NodeId } from "../../../domain/ids.ts";
import { order } from "../../../testing/contracts/task-queue.ts";
import { inboxPrefix } from "../../names.ts";
import type { TaskDesk } from "../../task-queue.ts";
import { connectNats, type NatsLink } from "../connection.ts";
import { type Credentials, fileCredentials } from "../credentials.ts";
import { TaskQueueError } from "../errors.ts";
import { type NatsServer, startNatsServer } from "../server.ts";
import { openTaskDesk } from "../task-desk.ts";
import { openTaskSource } from "../task-source.ts";
import { type OpenNatsAuthority, openNatsAuthority } from "./authority.ts";
import { type AuthorityKeys, openKeys } from "./keys.ts";
import {
  authorityDirectory,
  coordinatorCredentialsFile,
  systemCredentialsFile,
} from "./operator-mode.ts";
import { workerPayloadMax, workerSubscriptionsMax } from "./permissions.ts";

type Verdict = "allowed" | "refused" | "elsewhere";
interface Cell {
  readonly does: "publish" | "subscribe";
  readonly subject: string;
  /** For a subscription with wildcards: a subject that it would hear. */
  readonly probe?: string;
  readonly data?: string;
  readonly says: Verdict;
}

const publish = (subject: string, says: Verdict, data = "{}"): Cell => ({
  does: "publish",
  subject,
  says,
  data,
});
const subscribe = (subject: string, says: Verdict, probe = subject): Cell => ({
  does: "subscribe",
  subject,
  says,
  probe,
});

/** What a node may do with its own things, and with those of another. */
const workerCells = (me: NodeId, other: NodeId): readonly Cell[] => [
  // Its own work.
  publish(`$JS.API.CONSUMER.INFO.TASKS.${me}`, "allowed"),
  publish(`$JS.API.CONSUMER.MSG.NEXT.TASKS.${me}`, "allowed", '{"batch":1,"no_wait":true}'),
  publish(`$JS.ACK.TASKS.${me}.1.1.1.1.0`, "allowed", "+WPI"),
  publish(`cnct.result.${me}`, "allowed"),
  publish(`cnct.commit.${me}`, "allowed"),
  publish(`cnct.hb.${me}`, "allowed"),
  subscribe(`_INBOX.${me}.>`, "allowed", `_INBOX.${me}.x`),
  subscribe(`_INBOX.${me}.x.y`, "allowed"),
  subscribe(`cnct.ctl.${me}.>`, "allowed", `cnct.ctl.${me}.reveal`),
  subscribe(`cnct.ctl.${me}.reveal`, "allowed"),
  subscribe(`cnct.ctl.${me}.stop`, "allowed"),
  subscribe(`cnct.ctl.${me}.drain`, "allowed"),

  // The work of another.
  publish(`$JS.API.CONSUMER.INFO.TASKS.${other}`, "refused"),
  publish(`$JS.API.CONSUMER.MSG.NEXT.TASKS.${other}`, "refused", '{"batch":1,"no_wait":true}'),
  publish(`$JS.ACK.TASKS.${other}.1.1.1.1.0`, "refused", "+ACK"),
  publish(`cnct.result.${other}`, "refused"),
  publish(`cnct.commit.${other}`, "refused"),
  publish(`cnct.hb.${other}`, "refused"),
  publish(`_INBOX.${other}.x`, "refused"),
  publish(`cnct.ctl.${other}.reveal`, "refused"),
  publish(`cnct.ctl.${other}.stop`, "refused"),
  subscribe(`cnct.ctl.${other}.stop`, "refused"),
  publish(`cnct.ctl.${other}.drain`, "refused"),
  subscribe(`_INBOX.${other}.>`, "refused", `_INBOX.${other}.x`),
  subscribe(`cnct.ctl.${other}.>`, "refused", `cnct.ctl.${other}.reveal`),
  subscribe(`cnct.task.${other}`, "refused"),
  subscribe(`cnct.result.${other}`, "refused"),

  // Its own things, in ways that are not its own.
  publish(`cnct.task.${me}`, "refused"),
  publish(`cnct.task.${other}`, "refused"),
  publish(`cnct.result.${me}.more`, "refused"),
  publish("cnct.result", "refused"),
  publish(`cnct.hb.${me}.more`, "refused"),
  publish(`cnct.ctl.${me}.reveal`, "refused"),
  publish(`cnct.ctl.${me}.stop`, "refused"),
  publish(`cnct.ctl.${me}.drain`, "refused"),
  publish(`_INBOX.${me}.x`, "refused"),
  subscribe(`cnct.task.${me}`, "refused"),
  subscribe(`cnct.result.${me}`, "refused"),
  publish(`$JS.API.CONSUMER.DELETE.TASKS.${me}`, "refused"),
  publish(`$JS.API.CONSUMER.DURABLE.CREATE.TASKS.${me}`, "refused"),

  // Everybody's.
  subscribe(">", "refused", "cnct.x"),
  subscribe("*.>", "refused", "cnct.x"),
  subscribe("cnct.>", "refused", "cnct.x"),
  subscribe("cnct.*.*", "refused", `cnct.ctl.${me}`),
  subscribe("cnct.ctl.>", "refused", `cnct.ctl.${me}.x`),
  subscribe("cnct.ctl.*.reveal", "refused", `cnct.ctl.${me}.reveal`),
  subscribe("cnct.ctl.*.stop", "refused", `cnct.ctl.${me}.stop`),
  subscribe("cnct.task.*", "refused", "cnct.task.eve"),
  subscribe("cnct.result.*", "refused", "cnct.result.eve"),
  subscribe("cnct.commit.*", "refused", "cnct.commit.eve"),
  subscribe("cnct.hb.*", "refused", "cnct.hb.eve"),
  subscribe("_INBOX.>", "refused", `_INBOX.${me}.x`),
  subscribe("_INBOX.*.x", "refused", `_INBOX.${me}.x`),
  subscribe("$JS.EVENT.ADVISORY.>", "refused", "$JS.EVENT.ADVISORY.x"),
  subscribe("$JS.ACK.>", "refused", "$JS.ACK.x"),
  subscribe("$KV.>", "refused", "$KV.x.y"),
  subscribe("$SYS.>", "refused", "$SYS.x"),

  // JetStream's own.
  publish("$JS.API.INFO", "refused"),
  publish("$JS.API.STREAM.NAMES", "refused"),
  publish("$JS.API.STREAM.LIST", "refused"),
  publish("$JS.API.STREAM.INFO.TASKS", "refused"),
  publish("$JS.API.STREAM.INFO.RESULTS", "refused"),
  publish("$JS.API.STREAM.CREATE.OWN", "refused", '{"name":"OWN","subjects":["own"]}'),
  publish("$JS.API.STREAM.UPDATE.TASKS", "refused", '{"name":"TASKS","subjects":["own"]}'),
  publish("$JS.API.STREAM.PURGE.TASKS", "refused"),
  publish("$JS.API.STREAM.DELETE.TASKS", "refused"),
  publish("$JS.API.STREAM.SNAPSHOT.TASKS", "refused", '{"deliver_subject":"x"}'),
  publish("$JS.API.STREAM.MSG.GET.TASKS", "refused", '{"seq":1}'),
  publish("$JS.API.STREAM.MSG.DELETE.TASKS", "refused", '{"seq":1}'),
  publish("$JS.API.DIRECT.GET.TASKS", "refused", '{"seq":1}'),
  publish(`$JS.API.DIRECT.GET.TASKS.cnct.task.${other}`, "refused", ""),
  publish("$JS.API.CONSUMER.NAMES.TASKS", "refused"),
  publish("$JS.API.CONSUMER.LIST.TASKS", "refused"),
  publish("$JS.API.CONSUMER.CREATE.TASKS", "refused"),
  publish(`$JS.API.CONSUMER.CREATE.TASKS.own.cnct.task.${other}`, "refused"),
  publish(`$JS.API.CONSUMER.DURABLE.CREATE.TASKS.${other}`, "refused"),
  publish(`$JS.API.CONSUMER.DELETE.TASKS.${other}`, "refused"),
  publish("$JS.API.CONSUMER.INFO.RESULTS.validator", "refused"),
  publish("$JS.API.CONSUMER.MSG.NEXT.RESULTS.validator", "refused", '{"batch":9}'),
  publish("$JS.ACK.RESULTS.validator.1.1.1.1.0", "refused", "+ACK"),
  publish("$JS.FC.TASKS.x.y", "refused"),
  publish("$KV.nodes.ada", "refused"),
  publish("$O.blobs.C.x", "refused"),

  // The server's own.
  publish("$SYS.REQ.CLAIMS.UPDATE", "refused"),
  publish("$SYS.REQ.SERVER.PING", "refused"),
  publish("$SYS.REQ.USER.INFO", "refused"),
];

/** The services' side: everything of CNCT, nothing of the server. */
const coordinatorCells: readonly Cell[] = [
  publish("cnct.task.eve", "allowed"),
  publish("cnct.ctl.ada.reveal", "allowed"),
  publish("cnct.ctl.ada.stop", "allowed"),
  publish("$JS.API.STREAM.INFO.TASKS", "allowed"),
  publish("$JS.API.CONSUMER.INFO.TASKS.ada", "allowed"),
  publish("$JS.API.CONSUMER.MSG.NEXT.RESULTS.validator", "allowed", '{"batch":1,"no_wait":true}'),
  publish("$JS.API.STREAM.MSG.GET.TASKS", "allowed", '{"seq":1}'),
  subscribe("cnct.result.*", "allowed", "cnct.result.eve"),
  subscribe("cnct.commit.*", "allowed", "cnct.commit.eve"),
  subscribe("cnct.hb.*", "allowed", "cnct.hb.eve"),
  subscribe("$JS.EVENT.ADVISORY.>", "allowed", "$JS.EVENT.ADVISORY.x"),
];

/** Who changes accounts: nothing of CNCT. */
const systemCells: readonly Cell[] = [
  publish("cnct.task.ada", "elsewhere"),
  publish("cnct.result.ada", "elsewhere"),
  publish("cnct.ctl.ada.reveal", "elsewhere"),
  publish("$JS.API.STREAM.PURGE.TASKS", "elsewhere"),
  publish("$JS.API.CONSUMER.MSG.NEXT.TASKS.ada", "elsewhere"),
  subscribe(">", "elsewhere", "cnct.task.eve"),
  subscribe("cnct.>", "elsewhere", "cnct.result.eve"),
  subscribe("_INBOX.>", "elsewhere", "_INBOX.ada.x"),
];

describe("the permission matrix", () => {
  let directory: string;
  let server: NatsServer;
  let authority: OpenNatsAuthority;
  let keys: AuthorityKeys;
  let keyDirectory: string;
  let desk: TaskDesk;
  /** Hears and says what the cells need, in the account of CNCT. */
  let observer: NatsLink;
  const links: NatsLink[] = [];

  const connect = async (
    name: string,
    credentials?: () => Credentials,
    url = server.url,
  ): Promise<NatsLink> => {
    const link = await connectNats({
      url,
      name,
      firstConnectMs: 5_000,
      ...(credentials ? { credentials, inboxPrefix: inboxPrefix(name) } : {}),
    });
    links.push(link);
    return link;
  };
  const newcomer = () => {
    const pair = createUser();
    return { natsKey: pair.getPublicKey(), seed: new TextDecoder().decode(pair.getSeed()) };
  };
  const node = async (nodeId: NodeId, lifeMs?: number) => {
    const { natsKey, seed } = newcomer();
    const minted = await authority.mint({ nodeId, natsKey, ...(lifeMs ? { lifeMs } : {}) });
    assert.ok(minted !== "revoked");
    return { natsKey, credentials: () => ({ jwt: minted.jwt, seed }) };
  };

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "cnct-matrix-"));
    keyDirectory = authorityDirectory(directory);
    server = await startNatsServer({ directory, authority: keyDirectory });
    authority = await openNatsAuthority({ directory: keyDirectory, url: server.url });
    keys = await openKeys(keyDirectory);
    const coordinator = await fileCredentials(coordinatorCredentialsFile(keyDirectory));
    observer = await connect("observer", coordinator);
    desk = await openTaskDesk({ link: await connect("desk", coordinator) });
    await desk.ensure(["ada", "bob"]);
    for (const nodeId of ["ada", "bob"])
      await desk.publishTasks(nodeId, [order(`for ${nodeId}`)], `m-${nodeId}`);
  });
  after(async () => {
    await desk.close();
    for (const link of links) await link.close();
    await authority.close();
    await server.stop();
    await rm(directory, { recursive: true, force: true });
  });

  /** What really becomes of it. A flush is answered after everything that was said before it. */
  const tryCell = async (link: NatsLink, cell: Cell): Promise<Verdict> => {
    const denied: string[] = [];
    const unlisten = link.listen({ onDenied: (operation) => denied.push(operation) });
    const says = cell.does === "publish" ? link : observer;
    const hears = cell.does === "publish" ? observer : link;
    let heard = 0;
    const subscription = hears.connection.subscribe(cell.subject, {
      callback: (error) => {
        if (!error) heard++;
      },
    });
    await hears.connection.flush();
    const reply = cell.does === "publish" && link.inboxPrefix ? `${link.inboxPrefix}.r` : undefined;
    says.connection.publish(cell.probe ?? cell.subject, cell.data ?? "{}", reply ? { reply } : {});
    await says.connection.flush();
    await hears.connection.flush();
    await sleep(0);
    subscription.unsubscribe();
    await hears.connection.flush();
    unlisten();
    assert.ok(!link.connection.isClosed());
    if (denied.length > 0) return heard === 0 ? "refused" : "allowed";
    return heard > 0 ? "allowed" : "elsewhere";
  };
  const wrongOf = async (link: NatsLink, cells: readonly Cell[]): Promise<readonly string[]> => {
    const wrong: string[] = [];
    for (const cell of cells) {
      const is = await tryCell(link, cell);
      if (is !== cell.says)
        wrong.push(`${cell.does} ${cell.subject}: ${is}, expected ${cell.says}`);
    }
    return wrong;
  };

  let cells = 0;
  for (const [me, other] of [
    ["ada", "bob"],
    ["bob", "ada"],
  ] as const)
    test(`${me} has her own subjects and nothing of ${other}'s, or of anybody's`, async () => {
      const link = await connect(me, (await node(me)).credentials);
      const table = workerCells(me, other);
      cells += table.length;
      assert.deepEqual(await wrongOf(link, table), []);
    });

  test("the coordinator has everything of CNCT, and the server's own account nothing of it", async () => {
    const coordinator = await fileCredentials(coordinatorCredentialsFile(keyDirectory));
    const system = await fileCredentials(systemCredentialsFile(keyDirectory));
    assert.deepEqual(
      await wrongOf(await connect("coordinator", coordinator), coordinatorCells),
      [],
    );
    assert.deepEqual(await wrongOf(await connect("system", system), systemCells), []);
    cells += coordinatorCells.length + systemCells.length;
    // What the server itself answers, it answers to its own account alone.
    const claims = { subject: "$SYS.REQ.CLAIMS.UPDATE", data: "x", timeoutMs: 3_000 };
    await assert.rejects(
      observer.requests.ask(claims),
      (error: unknown) => error instanceof TaskQueueError && error.code === "unavailable",
    );
    cells += 1;
  });

  test("nothing has come of what was refused", async () => {
    const waiting = await desk.waiting();
    assert.deepEqual([...waiting.keys()].sort(), ["ada", "bob", "eve"]);
    const info = await observer.requests.ask({
      subject: "$JS.API.STREAM.NAMES",
      timeoutMs: 3_000,
    });
    assert.deepEqual(info.json<{ streams: string[] }>().streams.sort(), ["RESULTS", "TASKS"]);
  });

  test("an answer is published only where a node may publish anyway", async () => {
    const link = await connect("ada", (await node("ada")).credentials);
    const denied: string[] = [];
    link.listen({ onDenied: (operation) => denied.push(operation) });
    const lures: string[] = [];
    link.connection.subscribe("cnct.ctl.ada.>", {
      callback: (error, message) => {
        if (error) return;
        lures.push(message.subject);
        message.respond("answer");
      },
    });
    await link.connection.flush();
    observer.connection.publish("cnct.ctl.ada.x", "", { reply: "cnct.task.bob" });
    await observer.connection.flush();
    await link.connection.flush();
    await link.connection.flush();
    await sleep(0);
    assert.deepEqual(lures, ["cnct.ctl.ada.x"]);
    assert.deepEqual(denied, ["publish cnct.task.bob"]);
    cells += 1;
  });

  test("what the server answers to one node calls nobody else's roll", async () => {
    const bob = await openTaskSource({
      nodeId: "bob",
      link: await connect("bob", (await node("bob")).credentials),
    });
    let calls = 0;
    bob.onRollCall(() => calls++);
    let answers = 0;
    const subject = "cnct.ctl.bob.beat";
    observer.connection.subscribe(subject, { callback: () => void answers++ });
    const { connection } = await connect("ada", (await node("ada")).credentials);
    await observer.connection.flush();
    const next = "$JS.API.CONSUMER.MSG.NEXT.TASKS.ada";
    // A pull that ends at once, one that ends soon, what tells of the consumer, of what was stored, of an ack.
    for (const pull of ['{"batch":9,"no_wait":true}', '{"batch":9,"expires":50000000}'])
      connection.publish(next, pull, { reply: subject });
    connection.publish("$JS.API.CONSUMER.INFO.TASKS.ada", "", { reply: subject });
    connection.publish("cnct.result.ada", "{}", { reply: subject });
    connection.publish("$JS.ACK.TASKS.ada.1.1.1.1.0", "+WPI", { reply: subject });
    for (let i = 0; i < 500 && answers < 5; i++) await sleep(10);
    assert.ok(answers >= 5, `${answers} answers of the server lead astray`);
    desk.callRoll(["bob"]);
    for (let i = 0; i < 500 && calls < 1; i++) await sleep(10);
    await sleep(20);
    assert.equal(calls, 1);
    await bob.close();
  });

  test("sizes and numbers are bounded", async () => {
    const link = await connect("ada", (await node("ada")).credentials);
    assert.equal(link.connection.info?.max_payload, workerPayloadMax);
    let faults = 0;
    const subscriptions = Array.from({ length: workerSubscriptionsMax + 2 }, (_, index) =>
      link.connection.subscribe(`_INBOX.ada.${index}`, {
        callback: (error) => {
          if (error) faults++;
        },
      }),
    );
    void (async () => {
      for await (const status of link.connection.status()) if (status.type === "error") faults++;
    })();
    await link.connection.flush();
    for (let i = 0; i < 200 && faults === 0; i++) await sleep(10);
    assert.ok(faults > 0 && subscriptions.length > workerSubscriptionsMax);
    cells += 2;
  });

  test("nobody comes in without credentials that the network has signed, for a key of their own", async () => {
    const ada = await node("ada");
    const expiring = await node("ada", 1_000);
    const revoked = await node("ada");
    await authority.revoke(revoked.natsKey, Date.now());
    const { natsKey, seed } = newcomer();
    const forged = async (jwt: Promise<string>) => {
      const text = await jwt;
      return () => ({ jwt: text, seed });
    };
    const account = keys.account.getPublicKey();
    const scoped = { scopedUser: true };
    const { jwt } = ada.credentials();
    const [head = "", body = "", signature = ""] = jwt.split(".");
    const claims = Buffer.from(body, "base64url").toString();
    const renamed = Buffer.from(claims.replace('"ada"', '"bob"')).toString("base64url");
    const everything = { pub: { allow: [">"] }, sub: { allow: [">"] } };
    const address = server.url.replace("nats://", "");
    const refused: readonly (readonly [string, () => Promise<NatsLink>])[] = [
      ["nobody", () => connect("x")],
      ["a password", () => connect("x", undefined, `nats://coordinator:secret@${address}`)],
      ["a token", () => connect("x", undefined, `nats://token@${address}`)],
      ["a stolen statement", () => connect("x", () => ({ jwt, seed }))],
      [
        "a changed name",
        () =>
          connect("bob", () => ({
            ...ada.credentials(),
            jwt: `${head}.${renamed}.${signature}`,
          })),
      ],
      [
        "an account of one's own",
        async () => connect("x", await forged(encodeUser("ada", natsKey, createAccount()))),
      ],
      [
        "a key that the account does not know",
        async () =>
          connect(
            "x",
            await forged(
              encodeUser("ada", natsKey, account, {}, { signer: createAccount(), ...scoped }),
            ),
          ),
      ],
      [
        "more than the template, signed by the nodes' key",
        async () =>
          connect(
            "x",
            await forged(
              encodeUser("ada", natsKey, account, everything, { signer: keys.workerSigning }),
            ),
          ),
      ],
      [
        "the nodes' key for the server's account",
        async () =>
          connect(
            "x",
            await forged(
              encodeUser(
                "ada",
                natsKey,
                keys.systemAccount.getPublicKey(),
                {},
                { signer: keys.workerSigning, ...scoped },
              ),
            ),
          ),
      ],
      ["a revoked node", () => connect("ada", revoked.credentials)],
      [
        "an expired node",
        async () => {
          await sleep(1_100);
          return await connect("ada", expiring.credentials);
        },
      ],
    ];
    const wrong: string[] = [];
    for (const [who, come] of refused)
      await come().then(
        () => wrong.push(`${who}: came in`),
        (error: unknown) => {
          if (!(error instanceof TaskQueueError && error.code === "denied"))
            wrong.push(`${who}: ${String(error)}`);
        },
      );
    assert.deepEqual(wrong, []);
    await (await connect("ada", ada.credentials)).connection.flush();
    cells += refused.length + 1;
  });

  test("the matrix would notice, and has at least 60 cells", async () => {
    const link = await connect("ada", (await node("ada")).credentials);
    const flipped = workerCells("ada", "bob").map(
      (cell): Cell => ({ ...cell, says: cell.says === "allowed" ? "refused" : "allowed" }),
    );
    assert.equal((await wrongOf(link, flipped)).length, flipped.length);
    assert.ok(cells >= 60, `${cells} cells`);
  });
});
