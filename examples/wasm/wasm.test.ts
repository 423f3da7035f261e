/** The example modules compute what plain TypeScript computes. */

import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import fc from "fast-check";
import { execute, refusedAs } from "../../testing/fixtures/execute.ts";
import { openExecutorPool } from "../../worker/children/pool.ts";
import { openWasm } from "../../worker/executors/wasm.ts";
import { buildModule } from "./build.ts";

const executor = openWasm();
const encode = (text: string) => new TextEncoder().encode(text);

/** A small generator of its own, so that the data is the same each time. */
const randomFrom = (seed: number) => () => {
  seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
  return seed / 2 ** 32;
};

describe("aggregate", () => {
  let module: Uint8Array;
  before(async () => {
    module = await buildModule("aggregate");
  });

  const aggregate = async (csv: string, args: string): Promise<unknown> => {
    const inputs = { module, data: encode(csv) };
    const { output } = await execute(executor, inputs, { params: { args } });
    return JSON.parse(new TextDecoder().decode(output));
  };

  interface Row {
    readonly key: string;
    readonly cells: readonly string[];
  }

  const expected = (rows: readonly Row[], key: string, names: readonly string[]) => {
    const groups = Map.groupBy(rows, (row) => row.key);
    return [...groups].map(([name, members]) => {
      const values = names.map((value, column) => {
        const numbers = members
          .map(({ cells }) => (cells[column]?.trim() === "" ? Number.NaN : Number(cells[column])))
          .filter((number) => !Number.isNaN(number));
        const count = numbers.length;
        const sum = numbers.reduce((total, number) => total + number, 0);
        const [min, max] = [Math.min(...numbers), Math.max(...numbers)];
        return [value, count === 0 ? { count } : { count, sum, mean: sum / count, min, max }];
      });
      return { [key]: name, rows: members.length, ...Object.fromEntries(values) };
    });
  };

  /** Cars by origin, with gaps, as tables of measurements are. */
  const cars = (count: number): readonly Row[] => {
    const random = randomFrom(7);
    const origins = ["USA", "Europe", "Japan", 'the "rest"', "Ile, de France", ""];
    return Array.from({ length: count }, () => ({
      key: origins[Math.floor(random() ** 2 * origins.length)] ?? "",
      cells: [
        random() < 0.05 ? "" : (9 + random() * 37).toFixed(1),
        random() < 0.03 ? "unknown" : String(Math.floor(46 + random() * 184)),
        (random() * 10 - 5).toPrecision(15),
      ],
    }));
  };
  const quoted = (cell: string) => (/[",\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);
  const csvOf = (rows: readonly Row[], end = "\n") =>
    ["name,origin,mpg,horsepower,drift"]
      .concat(rows.map(({ key, cells }, at) => [`car ${at}`, quoted(key), ...cells].join(",")))
      .join(end) + end;

  test("groups and sums as TypeScript does, to the last bit", async () => {
    const rows = cars(5_000);
    const names = ["mpg", "horsepower", "drift"];
    const found = await aggregate(csvOf(rows), "origin: mpg, horsepower, drift");
    assert.deepEqual(found, expected(rows, "origin", names));
    assert.deepEqual(
      await aggregate(csvOf(rows, "\r\n"), "origin: drift"),
      expected(
        rows.map(({ key, cells }) => ({ key, cells: [cells[2] ?? ""] })),
        "origin",
        ["drift"],
      ),
    );
  });

  test("has room for a group for each row", async () => {
    const rows = Array.from({ length: 20_000 }, (_, at) => ({ key: `k${at}`, cells: [`${at}`] }));
    const csv = `key,value\n${rows.map(({ key, cells }) => `${key},${cells[0]}`).join("\n")}`;
    assert.deepEqual(await aggregate(csv, "key: value"), expected(rows, "key", ["value"]));
  });

  test("reads numbers as TypeScript does", () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.oneof(
            fc.double({ min: -1e15, max: 1e15, noNaN: true }).map((one) => one.toFixed(4)),
            fc.integer().map(String),
            fc.constantFrom(
              "0",
              "-0.5",
              "1e3",
              "2.5E-3",
              "00012",
              ".5",
              "7.",
              "-",
              ".",
              "x1",
              "1x",
            ),
          ),
          { minLength: 1, maxLength: 20 },
        ),
        async (cells) => {
          const rows = cells.map((cell) => ({ key: "a", cells: [cell] }));
          const csv = `key,value\n${cells.map((cell) => `a,${cell}`).join("\n")}\n`;
          const found = await aggregate(csv, "key: value");
          // As text, because of 0 and -0 neither is the smaller one.
          assert.equal(JSON.stringify(found), JSON.stringify(expected(rows, "key", ["value"])));
        },
      ),
      { numRuns: 100 },
    ));

  test("refuses columns that are not there", async () => {
    const inputs = { module, data: encode("a,b\n1,2\n") };
    for (const args of ["", "a", "c: b", "a: c"])
      await refusedAs(execute(executor, inputs, { params: { args } }), "module-trap", /stopped/);
  });
});

interface Raw {
  readonly width: number;
  readonly height: number;
  readonly rgba: Uint8Array;
}

const rawBytes = ({ width, height, rgba }: Raw): Uint8Array => {
  const bytes = new Uint8Array(8 + rgba.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, width, true);
  view.setUint32(4, height, true);
  bytes.set(rgba, 8);
  return bytes;
};

/** From a function of place and channel. */
const drawn = (
  width: number,
  height: number,
  at: (x: number, y: number, channel: number) => number,
): Raw => {
  const rgba = new Uint8Array(width * height * 4);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let channel = 0; channel < 4; channel++)
        rgba[(y * width + x) * 4 + channel] = at(x, y, channel);
  return { width, height, rgba };
};

const reading = ({ width, height, rgba }: Raw) => {
  const clamp = (value: number, limit: number) => Math.max(0, Math.min(value, limit - 1));
  return (x: number, y: number, channel: number) =>
    rgba[(clamp(y, height) * width + clamp(x, width)) * 4 + channel]!;
};

const plain = {
  grayscale: (picture: Raw): Raw => {
    const of = reading(picture);
    return drawn(picture.width, picture.height, (x, y, channel) =>
      channel === 3
        ? of(x, y, 3)
        : (77 * of(x, y, 0) + 150 * of(x, y, 1) + 29 * of(x, y, 2) + 128) >> 8,
    );
  },
  blur: (picture: Raw, radius: number): Raw => {
    const size = 2 * radius + 1;
    const mean = (of: ReturnType<typeof reading>, dx: number, dy: number) =>
      drawn(picture.width, picture.height, (x, y, channel) => {
        let sum = 0;
        for (let by = -radius; by <= radius; by++) sum += of(x + by * dx, y + by * dy, channel);
        return Math.floor((sum + radius) / size);
      });
    return mean(reading(mean(reading(picture), 1, 0)), 0, 1);
  },
  resize: (picture: Raw, width: number, height: number): Raw => {
    const of = reading(picture);
    const place = (at: number, before: number, now: number) =>
      Math.max(
        0,
        Math.min(Math.trunc(((2 * at + 1) * before * 128) / now) - 128, (before - 1) * 256),
      );
    return drawn(width, height, (x, y, channel) => {
      const left = place(x, picture.width, width);
      const top = place(y, picture.height, height);
      const [x0, wx, y0, wy] = [left >> 8, left & 255, top >> 8, top & 255];
      const row = (at: number) => of(x0, at, channel) * (256 - wx) + of(x0 + 1, at, channel) * wx;
      return (row(y0) * (256 - wy) + row(y0 + 1) * wy + 32_768) >> 16;
    });
  },
};

describe("pixels", () => {
  let module: Uint8Array;
  before(async () => {
    module = await buildModule("pixels");
  });
  const transform = async (picture: Raw, args: string) =>
    (await execute(executor, { module, data: rawBytes(picture) }, { params: { args } })).output;

  const random = randomFrom(3);
  const noise = drawn(61, 47, () => Math.floor(random() * 256));
  const slope = drawn(200, 90, (x, y, channel) => (x * (channel + 1) + y * 3) % 256);

  for (const [name, picture] of [
    ["noise", noise],
    ["a slope", slope],
    ["one pixel", drawn(1, 1, (_x, _y, channel) => channel * 60)],
  ] as const)
    test(`gives the pixels of plain TypeScript: ${name}`, async () => {
      const { grayscale, blur, resize } = plain;
      assert.deepEqual(await transform(picture, "grayscale"), rawBytes(grayscale(picture)));
      for (const radius of [1, 2, 9])
        assert.deepEqual(
          await transform(picture, `blur ${radius}`),
          rawBytes(blur(picture, radius)),
        );
      for (const [width, height] of [
        [30, 20],
        [122, 94],
        [61, 47],
        [1, 1],
        [500, 3],
      ] as const)
        assert.deepEqual(
          await transform(picture, `resize ${width} ${height}`),
          rawBytes(resize(picture, width, height)),
        );
      assert.deepEqual(
        await transform(picture, "grayscale, resize 40 30, blur 2"),
        rawBytes(blur(resize(grayscale(picture), 40, 30), 2)),
      );
    });

  test("refuses steps and sizes that make no sense", async () => {
    for (const args of ["", "sharpen", "blur", "blur 0", "blur 101", "resize 0 1", "resize 1"])
      await refusedAs(transform(noise, args), "module-trap", /stopped itself/);
    const short = rawBytes(noise).slice(0, 100);
    const refused = execute(executor, { module, data: short }, { params: { args: "grayscale" } });
    await refusedAs(refused, "module-trap", /stopped itself/);
  });

  test("gives the same in a child of the pool", async (context) => {
    const [pool] = await openExecutorPool({
      apps: ["wasm"],
      engine: "ort-node",
      children: 1,
      onTrouble: assert.fail,
    });
    context.after(() => pool!.close());
    const inputs = { module, data: rawBytes(slope) };
    const params = { args: "grayscale, blur 3", memoryPages: 4_096 };
    const { output } = await execute(pool!, inputs, { params });
    assert.deepEqual(output, rawBytes(plain.blur(plain.grayscale(slope), 3)));
  });
});

test("a module is built to the same bytes each time", async () => {
  assert.deepEqual(await buildModule("pixels"), await buildModule("pixels"));
});
