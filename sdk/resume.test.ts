import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { CnctRefusal, CnctUnavailable } from "./errors.ts";
import { resume } from "./resume.ts";
import type { Listener, Wire } from "./wire.ts";

interface Batch {
  readonly position: string;
}

type Play = (listener: Listener<Readonly<Record<string, Batch>>>, after: number) => void;

/** Plays a script for each connection in turn; the last one is played again and again. */
const scripted = (...plays: readonly Play[]) => {
  const asked: string[] = [];
  let stops = 0;
  const wire: Wire = {
    listen: ({ variables }, listener) => {
      const play = plays[Math.min(asked.length, plays.length - 1)];
      asked.push(String(variables["after"]));
      queueMicrotask(() => play?.(listener as never, Number(variables["after"])));
      return () => {
        stops += 1;
      };
    },
    close: async () => undefined,
  };
  return { wire, asked, stops: () => stops };
};

const say = (listener: Listener<Readonly<Record<string, Batch>>>, ...positions: number[]) => {
  for (const position of positions) listener.next({ batch: { position: String(position) } });
};
const lost = new CnctUnavailable("unreachable", "lost");

const read = async (wire: Wire, options: { readonly isOver?: () => Promise<boolean> } = {}) => {
  const positions: number[] = [];
  const batches = resume<Batch>({
    wire,
    query: "",
    variables: {},
    after: "0",
    read: (data) => data["batch"],
    patience: {
      policy: { attempts: 3, firstMs: 1, longestMs: 1 },
      random: () => 0,
      sleep: async () => undefined,
    },
    ...options,
  });
  for await (const { position } of batches) positions.push(Number(position));
  return positions;
};
const isOver = async () => true;

describe("a resumed subscription", () => {
  test("goes on behind the last batch after a drop", async () => {
    const { wire, asked } = scripted(
      (listener) => {
        say(listener, 1, 2);
        listener.end(lost);
      },
      (listener) => {
        say(listener, 3);
        listener.end();
      },
    );
    assert.deepEqual(await read(wire, { isOver }), [1, 2, 3]);
    assert.deepEqual(asked, ["0", "2"]);
  });

  test("delivers a batch once although the server says it twice", async () => {
    const { wire } = scripted((listener) => {
      say(listener, 1, 2, 2, 1, 3);
      listener.end();
    });
    assert.deepEqual(await read(wire, { isOver }), [1, 2, 3]);
  });

  test("takes an end that is none for a drop", async () => {
    const { wire, asked } = scripted(
      (listener) => listener.end(),
      (listener) => {
        say(listener, 7);
        listener.end();
      },
    );
    let asks = 0;
    assert.deepEqual(await read(wire, { isOver: async () => ++asks === 2 }), [7]);
    assert.equal(asked.length, 2);
  });

  test("gives up after so many failures in a row, not in all", async () => {
    const failing = scripted((listener) => listener.end(lost));
    await assert.rejects(read(failing.wire), lost);
    assert.equal(failing.asked.length, 3);

    const stumbling = scripted((listener, after) => {
      if (after < 9) {
        say(listener, after + 1);
        listener.end(lost);
      } else listener.end();
    });
    assert.equal((await read(stumbling.wire, { isOver })).length, 9);
  });

  test("does not ask again after a no", async () => {
    const no = new CnctRefusal("BAD_USER_INPUT", "no");
    const { wire, asked } = scripted((listener) => listener.end(no));
    await assert.rejects(read(wire), no);
    assert.equal(asked.length, 1);
  });

  test("lets a slow reader catch up without holding more than it can, and loses nothing", async () => {
    const all = 1_000;
    const { wire, asked } = scripted((listener, after) => {
      for (let position = after + 1; position <= all; position += 1) say(listener, position);
      if (after === all) listener.end();
      else if (after + 64 > all) listener.end();
    });
    const positions = await read(wire, { isOver });
    assert.deepEqual(
      positions,
      Array.from({ length: all }, (_, at) => at + 1),
    );
    assert.ok(asked.length > 10, "the server was asked to stop in between");
  });
});
