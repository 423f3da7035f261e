import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { CnctUnavailable } from "./errors.ts";
import { connect } from "./index.ts";

/** A gateway that has had enough so often, and then answers. */
const gateway = (refusals: number, retryAfter?: string) => {
  let left = refusals;
  return (async () => {
    if (left-- > 0)
      return new Response(
        '{"code":"rate-limited","message":"too much","errors":[{"message":"too much","extensions":{"code":"RATE_LIMITED"}}]}',
        {
          status: 429,
          ...(retryAfter === undefined ? {} : { headers: { "retry-after": retryAfter } }),
        },
      );
    return new Response('{"data":{"apps":[]}}');
  }) as typeof fetch;
};

const waitsOf = async (fetch: typeof globalThis.fetch, withinMs: number) => {
  const waits: number[] = [];
  const client = connect({
    gateway: "http://gateway.example",
    fetch,
    retry: { attempts: 10, firstMs: 100, longestMs: 100, withinMs },
    random: () => 0.5,
    sleep: async (ms) => {
      waits.push(ms);
    },
  });
  const answer = await client.apps().then(
    (apps) => apps.length,
    (error: unknown) => error,
  );
  await client.close();
  return { waits, answer };
};

describe("a caller who asked for too much", () => {
  test("waits as long as the gateway says, and a little longer, and asks again", async () => {
    const { waits, answer } = await waitsOf(gateway(2, "3"), 30_000);
    assert.deepEqual(waits, [3_050, 3_050]);
    assert.equal(answer, 0);
  });

  test("waits as after any failure where the gateway does not say", async () => {
    assert.deepEqual((await waitsOf(gateway(1), 30_000)).waits, [50]);
    const date = "Wed, 21 Oct 2026 07:28:00 GMT";
    assert.deepEqual((await waitsOf(gateway(1, date), 30_000)).waits, [50]);
  });

  test("is told so when that is longer than it will wait", async () => {
    const { waits, answer } = await waitsOf(gateway(1, "60"), 30_000);
    assert.deepEqual(waits, []);
    assert.ok(answer instanceof CnctUnavailable);
    assert.deepEqual([answer.code, answer.retryAfterMs], ["rate-limited", 60_000]);
  });
});
