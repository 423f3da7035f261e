import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { describe, test } from "node:test";
import fc from "fast-check";
import { type Message, splitFrames } from "../../embedded/grpc/frames.ts";
import { bytesField, numberField, ProtoError } from "../../embedded/grpc/proto.ts";
import { readBatchPart } from "../../embedded/grpc/requests.ts";
import { encodeRecord, flagTombstone, frameStart, revisionMax } from "../../embedded/record.ts";
import { EventStoreError } from "../../event-store.ts";
import { readAnswer, readAppendAnswer } from "./answers.ts";
import { type AppendRequest, Outgoing, writeAppend } from "./requests.ts";

const messagesOf = (bytes: Buffer): readonly Message[] => splitFrames(1 << 26).take(bytes);
const whole = (bytes: Buffer): Message => ({ buffer: bytes, start: 0, end: bytes.length });

const name = fc.string({ unit: "grapheme", minLength: 1, maxLength: 40 });
const request: fc.Arbitrary<AppendRequest> = fc.record({
  correlation: fc.uuid(),
  stream: name,
  expected: fc.oneof(
    fc.constantFrom("any" as const, "no-stream" as const),
    fc.bigInt({ min: 0n, max: 2n ** 53n - 1n }),
  ),
  deadlineAt: fc.integer({ min: 0, max: 4_000_000_000_000 }),
  events: fc.array(
    fc.record({
      id: fc.uuid(),
      type: name,
      data: fc.json(),
      metadata: fc.oneof(fc.constant(""), fc.json()),
    }),
    { minLength: 1, maxLength: 5 },
  ),
});

describe("an append", () => {
  test("is read by the node as it was meant", () => {
    fc.assert(
      fc.property(request, (said) => {
        const out = new Outgoing(1);
        writeAppend(out, said);
        const [message, ...others] = messagesOf(out.take());
        assert.ok(message && others.length === 0);
        const { correlation, target, events, isFinal } = readBatchPart(message);
        assert.equal(correlation.toString("utf8").slice(-36), said.correlation);
        const { stream, expected, deadlineAt } = said;
        assert.deepEqual(target, {
          stream,
          expected: expected === "any" ? "any" : expected === "no-stream" ? -1 : Number(expected),
          deadlineMs: deadlineAt,
        });
        assert.deepEqual(
          events.map(({ id, type, json, data, metadata }) => ({
            id,
            type,
            json,
            data: Buffer.from(data).toString("utf8"),
            metadata: Buffer.from(metadata).toString("utf8"),
          })),
          said.events.map((event) => ({ ...event, json: true })),
        );
        assert.ok(isFinal);
      }),
    );
  });

  test("goes in parts when it is too large for one message", () => {
    const data = JSON.stringify("x".repeat(1 << 20));
    const events = Array.from({ length: 9 }, () => ({
      id: randomUUID(),
      type: "Large",
      data,
      metadata: "",
    }));
    const out = new Outgoing(64);
    const correlation = randomUUID();
    writeAppend(out, { correlation, stream: "a", events, expected: "any", deadlineAt: 0 });
    const parts = messagesOf(out.take()).map(readBatchPart);
    assert.deepEqual(
      parts.map(({ isFinal, target, events: { length } }) => [isFinal, target?.stream, length]),
      [
        [false, "a", 3],
        [false, undefined, 3],
        [true, undefined, 3],
      ],
    );
    assert.deepEqual(
      parts.flatMap((part) => part.events.map(({ id }) => id)),
      events.map(({ id }) => id),
    );
  });
});

const recordOf = (flags: number, data: string | Uint8Array, json = true): Buffer => {
  const buffer = Buffer.alloc(4_096);
  const end = encodeRecord(
    buffer,
    0,
    { id: "0f0e0d0c-0b0a-4908-8706-050403020100", type: "Säid", json, data, metadata: '{"v":1}' },
    { stream: "job-ä", revision: 7, position: 2 ** 40, recordedAt: 1_700_000_000_123, flags },
  );
  return buffer.subarray(frameStart, end);
};

describe("an answer", () => {
  test("of a read holds the event", () => {
    const [message] = messagesOf(recordOf(0, '{"n":[1,"ä"]}'));
    assert.ok(message);
    assert.deepEqual(readAnswer(message), {
      kind: "event",
      event: {
        id: "0f0e0d0c-0b0a-4908-8706-050403020100",
        stream: "job-ä",
        revision: 7n,
        position: 2n ** 40n,
        type: "Säid",
        data: { n: [1, "ä"] },
        metadata: { v: 1 },
        recordedAt: 1_700_000_000_123,
      },
    });
  });

  test("of a read may hold the last revision there can be, bytes, or no JSON after all", () => {
    const eventOf = (frame: Buffer) => {
      const answer = readAnswer(messagesOf(frame)[0] as Message);
      assert.equal(answer.kind, "event");
      return answer.kind === "event" ? answer.event : assert.fail();
    };
    assert.equal(eventOf(recordOf(flagTombstone, "{}")).revision, revisionMax);
    assert.deepEqual(
      eventOf(recordOf(0, new Uint8Array([1, 255]), false)).data,
      new Uint8Array([1, 255]),
    );
    assert.equal(eventOf(recordOf(0, "{half")).data, "{half");
  });

  test("of a read may say an id in two numbers, and things that nobody knows yet", () => {
    const id = bytesField(1, bytesField(1, numberField(1, -2n), numberField(2, 3n)));
    const event = bytesField(1, id, numberField(99, 1), bytesField(98, "new"));
    const answer = readAnswer(whole(bytesField(1, event, bytesField(97, "newer"))));
    assert.equal(
      answer.kind === "event" ? answer.event.id : undefined,
      "ffffffff-ffff-fffe-0000-000000000003",
    );
    assert.deepEqual(readAnswer(whole(bytesField(50, "?"))), { kind: "other" });
    assert.deepEqual(readAnswer(whole(bytesField(4))), { kind: "not-found" });
    assert.deepEqual(readAnswer(whole(bytesField(8))), { kind: "caught-up" });
    assert.deepEqual(readAnswer(whole(bytesField(3, numberField(1, 2n ** 62n)))), {
      kind: "checkpoint",
      position: 2n ** 62n,
    });
  });

  test("that is cut off anywhere is refused, and never read beyond its end", () => {
    const frame = recordOf(0, '{"n":1}').subarray(5);
    let read = 0;
    for (let length = 1; length < frame.length; length++)
      try {
        readAnswer(whole(Buffer.from(frame.subarray(0, length))));
        read++;
      } catch (error) {
        assert.ok(error instanceof ProtoError, String(error));
      }
    assert.equal(read, 0);
  });

  test("of an append says what came of it", () => {
    const correlation = bytesField(1, bytesField(2, "c"));
    const answer = (...fields: readonly Buffer[]) =>
      readAppendAnswer(whole(Buffer.concat([correlation, ...fields])));
    const success = bytesField(3, numberField(1, 4), bytesField(3, numberField(1, 2n ** 60n)));
    assert.deepEqual(answer(success), {
      correlation: "c",
      outcome: { ok: true, revision: 4n, position: 2n ** 60n },
    });
    const failure = (code: number, message: string, detail: string, value: Buffer) =>
      bytesField(
        2,
        numberField(1, code),
        bytesField(2, message),
        bytesField(
          3,
          bytesField(1, `type.googleapis.com/event_store.client.${detail}`),
          bytesField(2, value),
        ),
      );
    const conflict = failure(9, "", "WrongExpectedVersion", numberField(1, 11));
    assert.deepEqual(answer(conflict).outcome, { ok: false, actual: 11n });
    const none = failure(9, "", "WrongExpectedVersion", bytesField(2));
    assert.deepEqual(answer(none).outcome, { ok: false, actual: "no-stream" });
    for (const [said, code] of [
      [failure(9, "StreamDeleted", "StreamDeleted", Buffer.alloc(0)), "stream-deleted"],
      [failure(3, "", "MaximumAppendSizeExceeded", numberField(1, 9)), "too-large"],
      [failure(4, "", "Timeout", Buffer.alloc(0)), "timeout"],
      [failure(8, "disk-full: no room", "BadRequest", Buffer.alloc(0)), "disk-full"],
      [failure(14, "", "Unknown", Buffer.alloc(0)), "unavailable"],
    ] as const) {
      const { outcome } = answer(said);
      assert.ok(outcome instanceof EventStoreError);
      assert.equal(outcome.code, code);
    }
    assert.ok(answer().outcome instanceof ProtoError, "silence is no success");
  });
});
