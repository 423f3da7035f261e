import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { type Scheme, schemes } from "../../domain/verification/simulation/settings.ts";
import { type Figures, figures, type Summary } from "../../domain/verification/simulation/tally.ts";
import { chart } from "./chart.ts";
import { longDocument, missesIn, picture, type Row, shortTables } from "./document.ts";
import { attacks, barOf } from "./settings.ts";

const docs = join(import.meta.dirname, "../../docs");

/** What every scheme and attack measured, each figure the same. */
const rowsWith = (values: Partial<Figures>): readonly Row[] => {
  const all = {
    ...(Object.fromEntries(figures.map((figure) => [figure, 0])) as unknown as Figures),
    netGain: -1,
    ...values,
  };
  const summary: Summary = { seeds: 20, mean: all, greatest: all };
  const summaries = Object.fromEntries(schemes.map((scheme) => [scheme, summary]));
  return attacks.map((attack) => ({ attack, summaries: summaries as Record<Scheme, Summary> }));
};

describe("the figures of simulated verification", () => {
  test("have a bar for colluding and sleeping cheats, and for nobody else's rules", () => {
    const barred = attacks.flatMap((attack) =>
      schemes.filter((scheme) => barOf(scheme, attack) !== undefined),
    );
    assert.equal(barred.length, 6 + 2 + 9);
    assert.ok(barred.every((scheme) => scheme.startsWith("ours")));
  });

  test("miss no bar where all is well, and say which one where it is not", () => {
    assert.deepEqual(missesIn(rowsWith({})), []);
    for (const [broken, misses] of [
      [{ wrongAccepted: 1.1e-3 }, 15],
      [{ wrongAccepted: 9e-4 }, 9],
      [{ wrongLeft: 6e-4 }, 1],
      [{ redundancy: 1.3 }, 6],
      [{ honestSlashed: 1 }, 17],
      [{ netGain: 0 }, 17],
    ] as const)
      assert.equal(missesIn(rowsWith(broken)).length, misses, JSON.stringify(broken));
    assert.match(
      missesIn(rowsWith({ wrongLeft: 6e-4 }))[0] ?? "",
      /^ours, standard, 20 % sleep, come back, s 1: wrongLeft is 0.0006, not 0.0005$/,
    );
  });

  test("are tables with a column for each scheme", () => {
    const text = `${shortTables(rowsWith({}))}\n${longDocument(rowsWith({}), "# Figures")}`;
    assert.equal(text.match(/^\| attack \| ours, standard \| .* \| majority \|$/gm)?.length, 2 + 9);
  });

  test("are drawn, 0 below all else, in a picture that is whole", () => {
    const svg = picture(rowsWith({ wrongLeft: 0.01 }));
    assert.ok(svg.startsWith("<svg ") && svg.endsWith("</svg>\n"));
    assert.doesNotMatch(svg, /NaN|Infinity|undefined/);
    const series = [{ name: "a < b", colour: "#000", values: [0, 1e-6, 1] }];
    const dots = chart(
      "dots",
      ["x", "y", "z"],
      [{ title: "t", scale: "logarithmic", least: 1e-6, most: 1, series }],
    ).matchAll(/<circle cx="[\d.]+" cy="([\d.]+)" r="5"/g);
    const [zero = 0, least = 0, most = 0] = [...dots].map(([, y]) => Number(y));
    assert.ok(zero > least && least > most);
  });

  test("in the docs are of all attacks and miss no bar", () => {
    const page = readFileSync(join(docs, "verification.md"), "utf8");
    const bars = page.match(/^\| ours, (standard|high) \|.*\|$/gm) ?? [];
    assert.equal(bars.length, 17);
    for (const line of bars) {
      const [, , , , wrong = "", bar = "", executions = "", most = "", slashed = "", gain = ""] =
        line.split("|").map((cell) => cell.trim());
      assert.ok(Number.parseFloat(wrong) <= Number(bar), line);
      assert.ok(most === "" || Number(executions) <= Number(most), line);
      assert.ok(slashed === "0" && Number(gain) < 0, line);
    }
    assert.ok(readFileSync(join(docs, "verification-figures.svg"), "utf8").endsWith("</svg>\n"));
  });
});
