import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { canonicalJson, nestingMax } from "./canonical-json.ts";

/** The number whose IEEE 754 bits these 16 hex digits are. */
const numberOf = (bits: string): number => {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, BigInt(`0x${bits}`));
  return view.getFloat64(0);
};

describe("canonical JSON prints the numbers of RFC 8785, appendix B", () => {
  const printed: Readonly<Record<string, string>> = {
    "0000000000000000": "0",
    "8000000000000000": "0",
    "0000000000000001": "5e-324",
    "8000000000000001": "-5e-324",
    "3eb0c6f7a0b5ed8c": "9.999999999999997e-7",
    "3eb0c6f7a0b5ed8d": "0.000001",
    "41b3de4355555553": "333333333.3333332",
    "41b3de4355555554": "333333333.33333325",
    "41b3de4355555555": "333333333.3333333",
    "41b3de4355555556": "333333333.3333334",
    "41b3de4355555557": "333333333.33333343",
    becbf647612f3696: "-0.0000033333333333333333",
    "43143ff3c1cb0959": "1424953923781206.2",
  };
  for (const [bits, text] of Object.entries(printed))
    test(text, () => assert.equal(canonicalJson(numberOf(bits)), text));
});

describe("canonical JSON refuses the numbers of that list that two parsers may read differently", () => {
  const refused = [
    "7fefffffffffffff", // The largest.
    "ffefffffffffffff",
    "4340000000000000", // 2^53.
    "c340000000000000",
    "4430000000000000",
    "44b52d02c7e14af5", // Around 1e23.
    "44b52d02c7e14af6",
    "44b52d02c7e14af7",
    "444b1ae4d6e2ef4e", // Around 1e21.
    "444b1ae4d6e2ef4f",
    "444b1ae4d6e2ef50",
  ];
  for (const bits of refused)
    test(`${numberOf(bits)}`, () =>
      assert.throws(() => canonicalJson(numberOf(bits)), /beyond 2\^53 - 1: write it as a string/));

  test("NaN and Infinity", () => {
    for (const bits of ["7fffffffffffffff", "7ff0000000000000", "fff0000000000000"])
      assert.throws(() => canonicalJson(numberOf(bits)), { name: "TypeError" });
  });

  test("but not the largest safe ones", () => {
    assert.equal(canonicalJson(2 ** 53 - 1), "9007199254740991");
    assert.equal(canonicalJson(1 - 2 ** 53), "-9007199254740991");
  });
});

describe("canonical JSON", () => {
  test("sorts few keys and many keys alike", () => {
    for (const count of [2, 31, 32, 33, 100]) {
      const keys = Array.from({ length: count }, (_, n) => `key ${(n * 37) % 101}`);
      const value = Object.fromEntries(keys.map((key) => [key, 0]));
      assert.deepEqual(Object.keys(JSON.parse(canonicalJson(value))), keys.toSorted());
    }
  });

  test("sorts keys by UTF-16 units, as the example of RFC 8785 section 3.2.3 does", () => {
    const example = JSON.parse(
      '{"\\u20ac":"Euro Sign","\\r":"Carriage Return","\\ufb33":"Hebrew Letter Dalet With Dagesh",' +
        '"1":"One","\\ud83d\\ude00":"Emoji: Grinning Face","\\u0080":"Control",' +
        '"\\u00f6":"Latin Small Letter O With Diaeresis"}',
    );
    assert.equal(
      canonicalJson(example),
      '{"\\r":"Carriage Return","1":"One","\u0080":"Control",' +
        '"\u00f6":"Latin Small Letter O With Diaeresis","\u20ac":"Euro Sign",' +
        '"\u{1f600}":"Emoji: Grinning Face","\ufb33":"Hebrew Letter Dalet With Dagesh"}',
    );
  });

  test("escapes strings as the example of section 3.2.2 does", () => {
    const example = JSON.parse(
      '{"numbers":[333333333.33333329,4.50,2e-3,0.000000000000000000000000001],' +
        '"string":"\\u20ac$\\u000F\\u000aA\'\\u0042\\u0022\\u005c\\\\\\"\\/",' +
        '"literals":[null,true,false]}',
    );
    assert.equal(
      canonicalJson(example),
      '{"literals":[null,true,false],"numbers":[333333333.3333333,4.5,0.002,1e-27],' +
        '"string":"\u20ac$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
    );
  });

  test("leaves out members that are undefined, as JSON does", () =>
    assert.equal(canonicalJson({ b: undefined, a: 1 }), '{"a":1}'));

  test("refuses what JSON cannot say instead of saying something else", () => {
    class Point {
      readonly x = 1;
    }
    // biome-ignore lint/suspicious/noSparseArray: A hole is what is refused here.
    const holed = [1, , 3];
    const values = [undefined, 1n, Symbol("s"), () => 1, [undefined], holed];
    for (const value of [...values, new Date(0), new Map(), new Uint8Array(2), new Point()])
      assert.throws(() => canonicalJson({ value: [value] }), { name: "TypeError" });
    for (const text of ["\ud800", "a\udc00b"]) {
      assert.throws(() => canonicalJson(text), /lone surrogate/);
      assert.throws(() => canonicalJson({ [text]: 1 }), /lone surrogate/);
    }
  });

  test(`takes ${nestingMax} levels and not one more`, () => {
    const nested = (levels: number): unknown => JSON.parse("[".repeat(levels) + "]".repeat(levels));
    assert.equal(
      canonicalJson(nested(nestingMax)),
      "[".repeat(nestingMax) + "]".repeat(nestingMax),
    );
    assert.throws(() => canonicalJson(nested(nestingMax + 1)), /nested deeper than/);
    assert.throws(() => canonicalJson(nested(8_000)), { name: "TypeError" });
  });

  const json = fc.jsonValue({ noUnicodeString: false, depthSize: "medium" }).filter((value) => {
    try {
      canonicalJson(value);
      return true;
    } catch {
      return false; // Whole numbers beyond 2^53 - 1, mostly.
    }
  });

  test("says what JSON says: it is read back as the same value", () =>
    fc.assert(
      fc.property(json, (value) =>
        assert.deepEqual(JSON.parse(canonicalJson(value)), JSON.parse(JSON.stringify(value))),
      ),
    ));

  test("is its own canonical form", () =>
    fc.assert(
      fc.property(json, (value) => {
        const text = canonicalJson(value);
        assert.equal(canonicalJson(JSON.parse(text)), text);
      }),
    ));

  test("does not depend on the order of keys", () =>
    fc.assert(
      fc.property(fc.dictionary(fc.string(), json), (members) => {
        const reversed = Object.fromEntries(Object.entries(members).reverse());
        assert.equal(canonicalJson(reversed), canonicalJson({ ...members }));
      }),
    ));
});
