import assert from "node:assert/strict";
import { createHash, hash, randomBytes } from "node:crypto";
import { connect, type Socket } from "node:net";
import { after, before, describe, test } from "node:test";
import { type Client, createClient } from "graphql-ws";
import type { AnyEvent } from "../streams/codec.ts";
import { jobStream } from "../streams/names.ts";
import { noopSpec, openTestNetwork, type TestNetwork } from "./testing/test-network.ts";

let network: TestNetwork;
before(async () => {
  network = await openTestNetwork();
});
after(() => network.close());

const clientOf = (url: string): Client =>
  createClient({ url: `${url.replace("http", "ws")}/graphql`, retryAttempts: 0, lazy: true });

const submitted = (jobHash: string, client = "client:ada", nonce = ""): AnyEvent => {
  const spec = noopSpec(nonce, { client });
  return { type: "JobSubmitted", jobHash, spec, deadlineAt: 9, at: Date.now() };
};
const completed = (jobHash: string): AnyEvent => ({
  type: "JobCompleted",
  jobHash,
  outputDigest: jobHash,
  outputSize: 7,
  accepted: [],
  at: 1,
});
const failed = (jobHash: string): AnyEvent => ({
  type: "JobFailed",
  jobHash,
  reason: "no-quorum",
  at: 2,
});
let jobs = 0;
const newHash = (): string => hash("sha256", `job ${jobs++}`);

interface Got {
  readonly position: string;
  readonly events: readonly {
    readonly position: string;
    readonly data: { readonly jobHash: string };
  }[];
}
const eventsQuery = `subscription ($after: Position, $client: AccountId, $types: [String!], $batchMax: Int! = 500) {
  events(after: $after, client: $client, types: $types, batchMax: $batchMax) {
    position events { id position stream revision type at data }
  }
}`;

/** Listens until `enough` says so. */
const listen = async <Data>(
  url: string,
  query: string,
  variables: Record<string, unknown>,
  enough: (data: Data) => boolean,
): Promise<void> => {
  const client = clientOf(url);
  try {
    for await (const { data, errors } of client.iterate<Data>({ query, variables })) {
      assert.equal(errors, undefined);
      if (enough(data as Data)) return;
    }
  } finally {
    client.terminate();
    await client.dispose();
  }
};

describe("the subscription events", () => {
  test("gives every event once and in order over 60 dropped connections", async () => {
    const written: string[] = [];
    let writing = true;
    const writer = (async () => {
      for (let i = 0; i < 300; i++) {
        const jobHash = newHash();
        written.push(await network.write(jobStream(jobHash), submitted(jobHash)));
        written.push(await network.write(jobStream(jobHash), completed(jobHash)));
        if (i % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
      }
      writing = false;
    })();
    let after = "-1";
    const got: string[] = [];
    let drops = 0;
    while (writing || got.length < written.length || drops < 60) {
      drops++;
      let left = 1 + (randomBytes(1)[0]! % 5);
      const finished = (): boolean => !writing && got.length >= written.length;
      if (finished()) break;
      await listen<{ events: Got }>(
        network.url,
        eventsQuery,
        { after, batchMax: 1 + (drops % 4) },
        ({ events }) => {
          after = events.position;
          got.push(...events.events.map(({ position }) => position));
          return --left === 0 || finished();
        },
      );
    }
    await writer;
    assert.ok(drops >= 50, `only ${drops} connections were dropped`);
    assert.deepEqual(got, written);
  });

  test("without a position says first from where it listens, and then only what is new", async () => {
    const head = await network.store.head();
    const seen: Got[] = [];
    const jobHash = newHash();
    await listen<{ events: Got }>(network.url, eventsQuery, {}, ({ events }) => {
      seen.push(events);
      if (seen.length === 1) void network.write(jobStream(jobHash), submitted(jobHash));
      return events.events.length > 0;
    });
    assert.deepEqual(seen[0], { position: head.toString(), events: [] });
    assert.equal(seen.at(-1)?.events[0]?.data.jobHash, jobHash);
  });

  test("keeps to one client's jobs and to the types that were asked for", async () => {
    const after = String(await network.store.head());
    const [mine, other] = [newHash(), newHash()];
    await network.write(jobStream(other), submitted(other, "client:bob"), completed(other));
    await network.write(jobStream(mine), submitted(mine, "client:carl"), completed(mine));
    const get = async (variables: object): Promise<readonly string[]> => {
      const got: string[] = [];
      await listen<{ events: { events: { type: string; data: { jobHash: string } }[] } }>(
        network.url,
        eventsQuery,
        { after, ...variables },
        ({ events }) => {
          for (const { type, data } of events.events) got.push(`${type} ${data.jobHash}`);
          return events.events.length > 0;
        },
      );
      return got;
    };
    assert.deepEqual(await get({ client: "client:carl" }), [
      `JobSubmitted ${mine}`,
      `JobCompleted ${mine}`,
    ]);
    assert.deepEqual(await get({ client: "client:carl", types: ["JobCompleted"] }), [
      `JobCompleted ${mine}`,
    ]);
  });

  test("refuses a field that does not exist and a batch size out of range", async () => {
    const messageOf = async (query: string): Promise<string> => {
      const client = clientOf(network.url);
      try {
        for await (const { errors } of client.iterate({ query }))
          return errors?.[0]?.message ?? "no error";
        return "ended";
      } catch (error) {
        return JSON.stringify(error);
      } finally {
        await client.dispose();
      }
    };
    assert.match(await messageOf("subscription { events { postion } }"), /Cannot query field/);
    assert.match(await messageOf("subscription { events(batchMax: 0) { position } }"), /1 to 1000/);
  });
});

describe("the subscription jobEnded", () => {
  test("gives each ended job of a client once, with its status, and resumes", async () => {
    let after = String(await network.store.head());
    const start = after;
    const mine = Array.from({ length: 30 }, newHash);
    for (const [i, jobHash] of mine.entries()) {
      const other = newHash();
      await network.write(jobStream(jobHash), submitted(jobHash, "client:dora"));
      await network.write(jobStream(other), submitted(other, "client:bob"), failed(other));
      await network.write(jobStream(jobHash), i % 3 === 0 ? failed(jobHash) : completed(jobHash));
    }
    interface Ended {
      readonly jobEnded: { readonly position: string; readonly jobs: readonly { hash: string }[] };
    }
    const query = `subscription ($after: Position) { jobEnded(client: "client:dora", after: $after, batchMax: 7) {
      position jobs { hash status reason outputDigest outputSize position } } }`;
    const got: { hash: string }[] = [];
    while (got.length < mine.length)
      await listen<Ended>(network.url, query, { after }, ({ jobEnded }) => {
        after = jobEnded.position;
        got.push(...jobEnded.jobs);
        return true;
      });
    assert.deepEqual(
      got.map(({ hash }) => hash),
      mine,
    );
    const { position: _0, ...first } = got[0] as unknown as { position: string };
    const { position: _1, ...second } = got[1] as unknown as { position: string };
    const none = { outputDigest: null, outputSize: null };
    assert.deepEqual(first, { hash: mine[0], status: "FAILED", reason: "no-quorum", ...none });
    const output = { outputDigest: mine[1], outputSize: 7 };
    assert.deepEqual(second, { hash: mine[1], status: "COMPLETED", reason: null, ...output });
    assert.ok(BigInt(after) > BigInt(start));
  });
});

describe("the subscription jobEvents", () => {
  test("gives the whole life of a job and ends with it", async () => {
    const jobHash = newHash();
    await network.write(jobStream(jobHash), submitted(jobHash));
    const client = clientOf(network.url);
    const types: string[] = [];
    const query = `subscription ($hash: Digest!) { jobEvents(hash: $hash) { position events { type } } }`;
    const variables = { hash: jobHash };
    for await (const { data } of client.iterate<{ jobEvents: { events: { type: string }[] } }>({
      query,
      variables,
    })) {
      types.push(...(data?.jobEvents.events ?? []).map(({ type }) => type));
      if (types.length === 1) {
        const other = newHash();
        await network.write(jobStream(other), submitted(other));
        await network.write(jobStream(jobHash), completed(jobHash));
      }
    }
    assert.deepEqual(types, ["JobSubmitted", "JobCompleted"]);
    await client.dispose();
  });
});

test("jobEvents goes on with a job that was opened again", async () => {
  const jobHash = newHash();
  const opened: AnyEvent = {
    ...{ type: "JobReopened", jobHash, convicts: ["bob"], deadlineAt: 9, fundedAt: 0, at: 2 },
  };
  for (const event of [submitted(jobHash), completed(jobHash), opened])
    await network.write(jobStream(jobHash), event);
  const client = clientOf(network.url);
  const types: string[] = [];
  const query = `subscription ($hash: Digest!) { jobEvents(hash: $hash) { events { type } } }`;
  for await (const { data } of client.iterate<{ jobEvents: { events: { type: string }[] } }>({
    ...{ query, variables: { hash: jobHash } },
  })) {
    types.push(...(data?.jobEvents.events ?? []).map(({ type }) => type));
    if (types.length === 3) await network.write(jobStream(jobHash), completed(jobHash));
  }
  assert.deepEqual(types.slice(2), ["JobReopened", "JobCompleted"]);
  await client.dispose();
});

/** A subscriber made by hand, which can stop reading. */
const rawSubscriber = async (url: string, query: string): Promise<Socket> => {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  const key = randomBytes(16).toString("base64");
  socket.write(
    `GET /graphql HTTP/1.1\r\nHost: ${hostname}:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      `Sec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n`,
  );
  const head = String(await new Promise((resolve) => socket.once("data", resolve)));
  const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`);
  assert.ok(head.includes(accept.digest("base64")), head);
  const send = (message: object): void => {
    const text = Buffer.from(JSON.stringify(message));
    const mask = Buffer.alloc(4);
    const length = Buffer.from([0x81, 0x80 | 126, text.length >> 8, text.length & 255]);
    socket.write(Buffer.concat([length, mask, text]));
  };
  send({ type: "connection_init" });
  await new Promise((resolve) => socket.once("data", resolve));
  send({ id: "1", type: "subscribe", payload: { query } });
  return socket;
};

/** The JSON of each text frame that a server sent. */
const frames = function* (bytes: Buffer): Generator<string> {
  for (let at = 0; at + 2 <= bytes.length; ) {
    let length = bytes[at + 1]! & 127;
    let head = 2;
    if (length === 126) {
      length = bytes.readUInt16BE(at + 2);
      head = 4;
    } else if (length === 127) {
      length = Number(bytes.readBigUInt64BE(at + 2));
      head = 10;
    }
    if (at + head + length > bytes.length) return;
    if ((bytes[at]! & 15) === 1) yield bytes.toString("utf8", at + head, at + head + length);
    at += head + length;
  }
};

test("a subscriber that stops reading holds little, and misses nothing when it goes on", async () => {
  const slow = await openTestNetwork();
  try {
    const socket = await rawSubscriber(
      slow.url,
      `subscription { events(after: "-1") { position events { position data } } }`,
    );
    socket.pause();
    const nonce = "n".repeat(64);
    const params = { text: "x".repeat(8_000) };
    const written: string[] = [];
    for (let round = 0; round < 30; round++)
      written.push(
        ...(await Promise.all(
          Array.from({ length: 100 }, async () => {
            const jobHash = newHash();
            const event = submitted(jobHash, "client:ada", nonce) as Extract<
              AnyEvent,
              { type: "JobSubmitted" }
            >;
            const spec = { ...event.spec, params };
            return slow.write(jobStream(jobHash), { ...event, spec });
          }),
        )),
      );
    written.sort((a, b) => (BigInt(a) < BigInt(b) ? -1 : 1));
    const metrics = await (await fetch(`${slow.url}/metrics`)).text();
    const [, buffered] = /^cnct_websocket_buffered_bytes (\d+)$/m.exec(metrics) ?? [];
    assert.match(metrics, /^cnct_subscribers 1$/m);
    // One batch of 500 events is 4 MB; all of them are 24 MB.
    assert.ok(Number(buffered) < 9_000_000, `${buffered} bytes wait for one subscriber`);

    const pieces: Buffer[] = [];
    const got = await new Promise<readonly string[]>((resolve) => {
      const bytes = { length: 0, counted: 0 };
      socket.on("data", (piece) => {
        pieces.push(piece as Buffer);
        bytes.length += piece.length;
        if (bytes.length - bytes.counted < 4_000_000 && bytes.length < 24_000_000) return;
        bytes.counted = bytes.length;
        const positions: string[] = [];
        for (const text of frames(Buffer.concat(pieces))) {
          const { payload } = JSON.parse(text) as { payload?: { data: { events: Got } } };
          for (const event of payload?.data.events.events ?? []) positions.push(event.position);
        }
        if (positions.length >= written.length) resolve(positions);
      });
      socket.resume();
    });
    assert.deepEqual(got, written);
    socket.destroy();
  } finally {
    await slow.close();
  }
});

test("a subscriber that leaves is forgotten", async () => {
  const before = await followers();
  await listen(network.url, eventsQuery, {}, () => true);
  for (let tries = 0; (await followers()) !== before; tries++) {
    assert.ok(tries < 100, "it still follows the log");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
});
const followers = async (): Promise<string | undefined> => {
  const metrics = await (await fetch(`${network.url}/metrics`)).text();
  return /^cnct_subscribers (\d+)$/m.exec(metrics)?.[1];
};
