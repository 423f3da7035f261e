import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { node } from "../domain/node/node.ts";
import { noon } from "../testing/given.ts";
import { encode } from "./codec.ts";
import { eventIds } from "./event-ids.ts";
import {
  type EventStore,
  EventStoreError,
  type NewEvent,
  type RecordedEvent,
} from "./event-store.ts";
import { handleCommand } from "./handle-command.ts";

type Store = Pick<EventStore, "append" | "readStream">;

/** One stream in memory, with places where someone else can be first or the answer can be lost. */
const storeOf = ({
  beforeAppend = () => undefined,
  afterAppend = () => undefined,
}: {
  readonly beforeAppend?: (write: (events: readonly NewEvent[]) => void) => void;
  readonly afterAppend?: () => void;
} = {}) => {
  const log: RecordedEvent[] = [];
  const counts = { reads: 0, appends: 0 };
  const write = (events: readonly NewEvent[]): void => {
    for (const event of events) {
      const revision = BigInt(log.length);
      const place = { stream: "node-bob", revision, position: revision * 10n, recordedAt: noon };
      log.push({ ...event, ...place });
    }
  };
  const store: Store = {
    append: async (_stream, events, expected) => {
      counts.appends++;
      beforeAppend(write);
      const last = log.at(-1);
      const actual = last?.revision ?? "no-stream";
      if (expected !== actual) return { ok: false, actual };
      write(events);
      afterAppend();
      const revision = BigInt(log.length - 1);
      return { ok: true, revision, position: revision * 10n };
    },
    readStream: async function* () {
      counts.reads++;
      yield* [...log];
    },
  };
  return { store, log, write, counts };
};

const capabilities = {
  apps: [{ app: "ocr", executionClass: "ort-node" }],
  slots: 1,
  backlog: 0,
  cpus: 1,
  memoryMb: 512,
  platform: "linux-x64",
  version: "0.1.0",
};
const by = { nodeId: "bob", actor: "node:bob", now: noon } as const;
const register = { type: "RegisterNode", owner: "bob", capabilities, ...by } as const;
const suspend = { type: "SuspendNode", reason: "idle", ...by } as const;
const fact = { nodeId: "bob", at: noon } as const;
const registered = { type: "NodeRegistered", owner: "bob", capabilities, ...fact } as const;
const suspended = { type: "NodeSuspended", reason: "idle", ...fact } as const;
const byOther = (event: typeof registered | typeof suspended, n: number): NewEvent =>
  encode(event, `other-${n}`, "node:other");

const ids = () => eventIds("0123456789ab");
const stream = "node-bob";

describe("a handled command", () => {
  test("appends what was decided, with its actor, after what is there", async () => {
    const { store, log, write, counts } = storeOf();
    write([byOther(registered, 0)]);
    const answer = await handleCommand({ store, ids: ids() }, node, { stream }, suspend);
    assert.deepEqual(answer, { ok: true, events: [suspended], position: 10n });
    assert.deepEqual(log[1]?.data, suspended);
    assert.deepEqual(log[1]?.metadata, { v: 1, actor: "node:bob" });
    assert.deepEqual(counts, { reads: 1, appends: 1 });
  });

  test("answers a refusal and writes nothing", async () => {
    const { store, log } = storeOf();
    const answer = await handleCommand({ store, ids: ids() }, node, { stream }, suspend);
    assert.deepEqual(answer, { ok: false, reason: "NodeUnknown" });
    assert.deepEqual(log, []);
  });

  test("said again writes nothing and answers where the stream stands", async () => {
    const { store, log, counts } = storeOf();
    const tools = { store, ids: ids() };
    await handleCommand(tools, node, { stream }, register);
    const again = await handleCommand(tools, node, { stream }, register);
    assert.deepEqual(again, { ok: true, events: [], position: 0n });
    assert.equal(log.length, 1);
    assert.equal(counts.appends, 1);
  });

  test("is decided anew when someone else was first, and may then come out otherwise", async () => {
    let others = 0;
    const { store, log } = storeOf({
      beforeAppend: (write) => {
        if (others++ === 0) write([byOther({ ...registered, owner: "eve" } as never, 0)]);
      },
    });
    const answer = await handleCommand({ store, ids: ids() }, node, { stream }, register);
    assert.deepEqual(answer, { ok: false, reason: "NodeOwnedByAnother" });
    assert.equal(log.length, 1);
  });

  test("is written on the second try when the conflict does not matter to it", async () => {
    let others = 0;
    const { store, log, write, counts } = storeOf({
      beforeAppend: (write) => {
        if (others++ > 0) return;
        const data = { ...capabilities, slots: 2 };
        const changed = { type: "NodeCapabilitiesChanged", capabilities: data, ...fact } as const;
        write([encode(changed, "other-1", "node:other")]);
      },
    });
    write([byOther(registered, 0)]);
    const answer = await handleCommand({ store, ids: ids() }, node, { stream }, suspend);
    assert.deepEqual(answer, { ok: true, events: [suspended], position: 20n });
    const types = log.map(({ type }) => type);
    assert.deepEqual(types, ["NodeRegistered", "NodeCapabilitiesChanged", "NodeSuspended"]);
    assert.deepEqual(counts, { reads: 2, appends: 2 });
  });

  test("for a new stream spares the read", async () => {
    const { store, counts } = storeOf();
    const where = { stream, isNew: true };
    const answer = await handleCommand({ store, ids: ids() }, node, where, register);
    assert.deepEqual(answer, { ok: true, events: [registered], position: 0n });
    assert.deepEqual(counts, { reads: 0, appends: 1 });
  });

  test("for a stream that is not new after all is decided on what it holds", async () => {
    const { store, log, write, counts } = storeOf();
    write([byOther(registered, 0)]);
    const where = { stream, isNew: true };
    const answer = await handleCommand({ store, ids: ids() }, node, where, register);
    assert.deepEqual(answer, { ok: true, events: [], position: 0n });
    assert.equal(log.length, 1);
    assert.deepEqual(counts, { reads: 1, appends: 1 });
  });

  test("is not refused on the guess that a stream is new", async () => {
    const { store, write } = storeOf();
    write([byOther(registered, 0)]);
    const where = { stream, isNew: true };
    const answer = await handleCommand({ store, ids: ids() }, node, where, suspend);
    assert.deepEqual(answer, { ok: true, events: [suspended], position: 10n });
  });

  test("whose answer was lost has been written once, however often it is said", async () => {
    let lost = false;
    const { store, log } = storeOf({
      afterAppend: () => {
        if (lost) return;
        lost = true;
        throw new EventStoreError("timeout", "the answer did not come");
      },
    });
    const tools = { store, ids: ids() };
    await assert.rejects(handleCommand(tools, node, { stream }, register), { code: "timeout" });
    const again = await handleCommand(tools, node, { stream }, register);
    assert.deepEqual(again, { ok: true, events: [], position: 0n });
    assert.equal(log.length, 1);
  });

  test("gives up loudly when others are always first", async () => {
    let others = 0;
    const { store, counts } = storeOf({
      beforeAppend: (write) => write([byOther(registered, others++)]),
    });
    const endless = handleCommand(
      { store, ids: ids() },
      node,
      { stream },
      {
        ...register,
        capabilities: { ...capabilities, slots: 9 },
      },
    );
    await assert.rejects(endless, { message: /node-bob was changed by others 20 times/ });
    assert.equal(counts.appends, 20);
  });

  test("skips events that are not ours, but appends after them", async () => {
    const { store, write } = storeOf();
    write([byOther(registered, 0), { id: "note", type: "Note", data: {} }]);
    const answer = await handleCommand({ store, ids: ids() }, node, { stream }, suspend);
    assert.deepEqual(answer, { ok: true, events: [suspended], position: 20n });
  });
});
