import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { buildSchema } from "graphql";
import { limitDefaults } from "./context.ts";
import { openAdmission } from "./limits/admission.ts";
import { rateDefaults } from "./limits/rates.ts";
import { jsonFault } from "./limits/read-body.ts";
import { hostileRequests, sendHostile } from "./testing/hostile-requests.ts";
import { openTestNetwork, type TestNetwork } from "./testing/test-network.ts";

let network: TestNetwork;
before(async () => {
  network = await openTestNetwork();
});
after(() => network.close());

const cpuMsMost = 5;

describe("a hostile request", () => {
  test("comes in at least fifty kinds", () => {
    const names = new Set(hostileRequests.map(({ name }) => name));
    assert.equal(names.size, hostileRequests.length);
    assert.ok(names.size >= 50);
  });

  for (const [index, request] of hostileRequests.entries())
    test(`is refused before it runs: ${request.name}`, async () => {
      network.refused.splice(0);
      const { code, answer } = await sendHostile(network.url, request, `once${index}`);
      assert.equal(code, request.code, JSON.stringify(answer).slice(0, 500));
      const { data, errors } = answer as {
        readonly data?: unknown;
        readonly errors?: readonly { readonly path?: unknown }[];
      };
      // An error with a path is one of a resolver: then something ran.
      assert.ok(data === undefined || data === null);
      for (const { path } of errors ?? []) assert.equal(path, undefined);
      if (request.code !== "PERSISTED_QUERY_NOT_FOUND") assert.equal(network.refused.length, 1);
    });

  const schema = buildSchema(readFileSync(new URL("schema.graphql", import.meta.url), "utf8"));
  const { admit } = openAdmission({
    schema,
    limits: limitDefaults,
    rates: rateDefaults,
    introspection: false,
    operations: undefined,
  });
  const local = { key: "address:127.0.0.1", kind: "local" } as const;
  /** The gateway's own work on a body, as `readJsonBodies` and `admitRequest` do it. */
  const judge = (body: Buffer): void => {
    if (body.length > limitDefaults.bodyBytes) return;
    if (jsonFault(body, limitDefaults)) return;
    try {
      const { query, variables, operationName, extensions } = JSON.parse(body.toString("utf8"));
      const asked = { query, variables, operationName, extensions };
      admit({ ...asked, bytes: body.length, transport: "post" }, local);
    } catch {
      return; // The code is what the tests above look at.
    }
  };

  test(`costs at most ${cpuMsMost} ms of CPU`, () => {
    for (const { name, body, headers } of hostileRequests) {
      if (!body || headers) continue; // Refused by its head alone.
      const spentMs: number[] = [];
      for (let round = 0; round < 12; round++) {
        const bytes = Buffer.from(body(`${name} ${round}`));
        const start = process.cpuUsage();
        judge(bytes);
        const { user, system } = process.cpuUsage(start);
        spentMs.push((user + system) / 1000);
      }
      // Other threads of this process are counted too, so the best of many is what it costs.
      const best = Math.min(...spentMs);
      assert.ok(best <= cpuMsMost, `${name}: ${best} ms (${spentMs.join(", ")})`);
    }
  });

  test("keeps nobody else from being answered", async () => {
    const rounds = 2;
    let isOver = false;
    const abuse = async (attacker: number) => {
      for (let round = 0; round < rounds; round++)
        for (const request of hostileRequests)
          await sendHostile(network.url, request, `${attacker} ${round}`);
    };
    const honest = async () => {
      let answered = 0;
      for (; !isOver || answered === 0; answered++) {
        const { data } = await network.ask("{ network { version } }");
        assert.equal(data.network.version, "0.0.0-test");
      }
      return answered;
    };
    const answers = honest();
    await Promise.all([1, 2, 3].map(abuse)).finally(() => {
      isOver = true;
    });
    assert.ok((await answers) > 0);
  });
});
