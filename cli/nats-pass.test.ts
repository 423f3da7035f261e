/** When a node asks for credentials again: real ones, on a clock that a test moves. */
import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { createAccount, encodeUser } from "@nats-io/jwt";
import { native } from "../crypto/primitives-native.ts";
import type { Millis } from "../domain/decider.ts";
import type { Ask } from "../sdk/identity/registry.ts";
import { newIdentity } from "../sdk/index.ts";
import { TaskQueueError } from "../streams/nats/errors.ts";
import { manualClock } from "../testing/manual-clock.ts";
import { openNatsPass } from "./nats-pass.ts";

const own = newIdentity({ roles: ["worker"] }, native);
const aDay = 86_400;

/** By the clock of the gateway, which is the real one; the node's stands years before it. */
const jwtFor = async (seconds: number): Promise<string> => {
  mock.timers.enable({ apis: ["Date"], now: Date.now() });
  const exp = Math.floor(Date.now() / 1000) + seconds;
  try {
    return await encodeUser("ada", own.natsKey ?? "", createAccount(), {}, { exp });
  } finally {
    mock.timers.reset();
  }
};

const openPass = async (jwt: string) => {
  const clock = manualClock();
  const start = clock.now();
  const mintedAt: Millis[] = [];
  const troubles: unknown[] = [];
  let answer = jwt;
  const ask = (async () => {
    mintedAt.push(clock.now() - start);
    return { mintNatsCredentials: { __typename: "NatsCredentials", jwt: answer, caPem: null } };
  }) as Ask;
  const identity = async () => own;
  const onTrouble = (error: unknown): void => void troubles.push(error);
  const pass = await openNatsPass({ ask, nodeId: "ada", identity, clock, onTrouble });
  assert.ok(pass);
  const answerWith = (next: string): void => {
    answer = next;
  };
  return { pass, clock, mintedAt, troubles, answerWith };
};

test("credentials are renewed after two thirds of their life, whatever our clock says", async () => {
  const { pass, clock, mintedAt } = await openPass(await jwtFor(aDay + 1));
  await clock.pass(aDay * 1000);
  assert.deepEqual(mintedAt, [0, 57_600_000]);
  pass.close();
  await clock.pass(aDay * 1000);
  assert.equal(mintedAt.length, 2, "a closed one asks no more");
});

test("what lives for seconds is renewed before they are over, and the shortest not without a pause", async () => {
  const short = await openPass(await jwtFor(4));
  await short.clock.pass(6_000);
  // Whole seconds: what states four lives for three at least.
  assert.deepEqual(short.mintedAt, [0, 2_000, 4_000, 6_000]);
  const over = await openPass(await jwtFor(0));
  await over.clock.pass(1_000);
  assert.deepEqual(over.mintedAt, [0, 500, 1_000]);
});

test("a refusal asks at once, but not every moment, and never later than without it", async () => {
  const { pass, clock, mintedAt } = await openPass(await jwtFor(aDay));
  await clock.pass(1_000);
  pass.refused();
  pass.refused();
  await clock.pass(10_000);
  assert.deepEqual(mintedAt, [0, 3_000]);
  pass.refused();
  await clock.pass(0);
  assert.deepEqual(mintedAt, [0, 3_000, 11_000]);

  const short = await openPass(await jwtFor(4));
  await short.clock.pass(100);
  short.pass.refused();
  await short.clock.pass(2_000);
  assert.deepEqual(short.mintedAt, [0, 2_000], "the end of an old connection delays nothing");
});

test("what is no statement is refused in words, and what was good before is kept", async () => {
  const isDenied = (error: unknown) => error instanceof TaskQueueError && error.code === "denied";
  await assert.rejects(openPass("no.such.jwt"), isDenied);
  const good = await jwtFor(aDay);
  const { pass, clock, mintedAt, troubles, answerWith } = await openPass(good);
  answerWith("");
  await clock.pass(57_600_000 + 15_000);
  assert.equal(mintedAt.length, 3, "and asked for again after a while");
  assert.ok(troubles.length === 2 && troubles.every(isDenied));
  assert.equal(pass.credentials().jwt, good);
});
