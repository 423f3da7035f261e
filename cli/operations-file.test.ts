import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { CliFailure } from "./failures.ts";
import { operationsIn } from "./operations-file.ts";

describe("a list of operations", () => {
  let directory: string;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "cnct-operations-"));
  });
  after(() => rm(directory, { recursive: true, force: true }));
  const text = "query Head { network { head } }";
  const id = hash("sha256", text);
  const read = async (content: unknown) => {
    const path = join(directory, "operations.json");
    await writeFile(path, typeof content === "string" ? content : JSON.stringify(content));
    return operationsIn(path);
  };

  test("is an object of hashes, or a manifest of Apollo's tools", async () => {
    const manifest = {
      format: "apollo-persisted-query-manifest",
      version: 1,
      operations: [{ id, body: text, name: "Head", type: "query" }],
    };
    for (const content of [{ [id]: text }, manifest])
      assert.deepEqual([...(await read(content))], [[id, text]]);
  });

  test("is refused whole when anything in it is wrong", async () => {
    const format = "apollo-persisted-query-manifest";
    const wrong: readonly unknown[] = [
      "{",
      "[]",
      {},
      { [id]: `${text} ` },
      { [id]: 1 },
      { format },
      { format, operations: [null] },
      { format, operations: [{ id, body: "{ other }" }] },
    ];
    for (const content of wrong)
      await assert.rejects(
        read(content),
        (error) => error instanceof CliFailure && error.code === "bad-operations",
      );
  });
});
