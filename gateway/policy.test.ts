import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { type Policy, policyDefaults } from "../domain/policy/policy.ts";
import { policyStream } from "../streams/names.ts";
import { openTestNetwork, type TestNetwork } from "./testing/test-network.ts";

describe("the policy that a gateway shows", () => {
  let network: TestNetwork;
  before(async () => {
    network = await openTestNetwork();
  });
  after(() => network.close());
  const shown = async (atLeast?: string): Promise<unknown> => {
    const { data } = await network.ask(
      "query ($atLeast: Position) { policy(atLeast: $atLeast) { version adoptedAt parameters } }",
      { atLeast },
    );
    return data.policy;
  };

  test("is what comes with CNCT, and each one that is adopted at once", async () => {
    const none = { version: 1, adoptedAt: null, parameters: policyDefaults };
    assert.deepEqual(await shown(), none);
    for (const version of [2, 3]) {
      const policy: Policy = { ...policyDefaults, version };
      const position = await network.write(policyStream, {
        type: "PolicyAdopted",
        policy,
        at: version,
      });
      assert.deepEqual(await shown(position), { version, adoptedAt: version, parameters: policy });
    }
  });
});
