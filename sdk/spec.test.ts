import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { catalogue } from "../domain/catalogue.ts";
import { jobHash } from "../domain/job/hash.ts";
import { parseSpec } from "../domain/job/spec.ts";
import { digestOf } from "./digest.ts";
import { buildSpec, type JobRequest } from "./spec.ts";

const png = new Uint8Array([1, 2, 3]);
const build = async (request: JobRequest) => {
  const stored: string[] = [];
  const spec = await buildSpec(request, {
    client: "client:ada",
    upload: async (bytes, mediaType) => {
      stored.push(mediaType);
      return { digest: await digestOf(bytes), size: bytes.length };
    },
  });
  return { spec, stored };
};

describe("a job's spec", () => {
  test("takes from its app what the request leaves out", async () => {
    const { spec, stored } = await build({ app: "ocr", inputs: { image: png } });
    assert.equal(spec.price, catalogue.ocr.priceMicroPoints);
    assert.deepEqual(spec.comparator, catalogue.ocr.comparator);
    assert.deepEqual([spec.quorum, spec.replicasMax, spec.client], [2, 4, "client:ada"]);
    assert.deepEqual(spec.inputs, { image: { digest: await digestOf(png), size: 3 } });
    assert.deepEqual(stored, ["image/png"]);
  });

  test("is whole, and equal requests have equal hashes", () =>
    fc.assert(
      fc.asyncProperty(
        fc.record({
          quorum: fc.integer({ min: 1, max: 5 }),
          price: fc.bigInt({ min: 0n, max: 10n ** 12n }),
          priority: fc.integer({ min: 1, max: 5 }),
          nonce: fc.string({ maxLength: 20 }).filter((text) => text.isWellFormed()),
        }),
        async (request) => {
          const { spec } = await build({ app: "noop", ...request });
          assert.equal(parseSpec(JSON.parse(JSON.stringify(spec))).ok, true);
          const again = await build({ app: "noop", ...request });
          assert.equal(jobHash(again.spec), jobHash(spec));
        },
      ),
      { numRuns: 50 },
    ));

  test("asks for commits where that is the rule and two must agree, or where it is said", async () => {
    const commitOf = async (request: Partial<JobRequest>, commits: boolean) => {
      const upload = async () => ({ digest: "", size: 0 });
      const defaults = { client: "client:ada", upload, commits };
      return (await buildSpec({ app: "noop", ...request }, defaults)).commit;
    };
    assert.equal(await commitOf({}, true), true);
    assert.equal(await commitOf({ quorum: 1 }, true), undefined);
    assert.equal(await commitOf({ commit: false }, true), undefined);
    assert.equal(await commitOf({}, false), undefined);
    assert.equal(await commitOf({ commit: true, quorum: 1 }, false), true);
  });

  test("is refused before anything is uploaded", async () => {
    const refused = async (request: JobRequest, code: string) => {
      let uploads = 0;
      await assert.rejects(
        buildSpec(request, {
          client: "client:ada",
          upload: async () => {
            uploads += 1;
            return { digest: "", size: 0 };
          },
        }),
        { code },
      );
      assert.equal(uploads, 0);
    };
    const inputs = { image: png };
    await refused({ app: "orc", inputs }, "unknown-app");
    await refused({ app: "ocr" }, "missing-input");
    await refused({ app: "ocr", inputs: { ...inputs, other: png } }, "unknown-input");
    await refused({ app: "ocr", inputs, price: -1n }, "bad-price");
    await refused({ app: "ocr", inputs, quorum: 6 }, "bad-quorum");
    await refused(
      { app: "ocr", inputs, comparator: { kind: "text", maxDistance: 0.9 } },
      "bad-comparator",
    );
    await assert.rejects(
      buildSpec({ app: "noop" }, { upload: async () => ({ digest: "", size: 0 }) }),
      {
        code: "missing-client",
      },
    );
  });
});
