/** A whole network of strangers: a client and three nodes, each with an identity, over a restart. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { native } from "../../crypto/primitives-native.ts";
import {
  type CnctClient,
  changed,
  connect,
  newIdentity,
  openRegistry,
  prepareRotation,
} from "../index.ts";
import { startTestNetwork, type TestNetwork } from "../testing/network.ts";

describe("a network of strangers", { timeout: 150_000 }, () => {
  let network: TestNetwork;
  let client: CnctClient;
  const ada = newIdentity({ roles: ["client"] }, native);
  let logins = 0;
  const counting: typeof fetch = (input, init) => {
    if (String(init?.body).includes("mutation Login")) logins++;
    return fetch(input, init);
  };
  before(async () => {
    network = await startTestNetwork({ access: "identities" });
    client = connect({ gateway: network.gateway, identity: ada, fetch: counting });
  });
  after(async () => {
    await client.close();
    await network.close();
  });

  const compute = async (text: string) => {
    const data = new TextEncoder().encode(text);
    const { hash } = await client.submit({ app: "echo", quorum: 3, inputs: { data } });
    assert.equal(new TextDecoder().decode(await client.result(hash)), text);
    return (await client.job(hash))?.tasks.filter(({ status }) => status === "ACCEPTED").length;
  };

  test("computes what somebody submits, on nodes that sign for their owners", async () => {
    assert.equal(await compute("signed by three"), 3);
    const owners = (await client.nodes()).nodes.map(({ owner }) => owner);
    assert.deepEqual(owners.toSorted(), network.owners.map(({ id }) => id).toSorted());
  });

  test("goes on when its coordinator was started again: nobody has to log in anew", async () => {
    await network.restartCoordinator();
    assert.equal(await compute("after the restart"), 3);
    assert.equal(logins, 1);
  });

  test("takes what a node signs with the key that its owner has rotated to", async () => {
    const [owner = ada] = network.owners;
    const rotation = prepareRotation(owner, native);
    await openRegistry(client.ask).state(rotation);
    network.owners[0] = changed(owner, rotation, native);
    assert.equal(await compute("after the rotation"), 3);
    assert.deepEqual(
      network.log.filter((line) => line.includes("refused")),
      [],
    );
  });
});
