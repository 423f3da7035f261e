/** Nodes of strangers get credentials at a real gateway, for a real NATS, and lose them with their key. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createUser } from "@nats-io/nkeys";
import { replacementText, revocationText } from "../domain/identity/statements.ts";
import { wallClock } from "../streams/clock.ts";
import { inboxPrefix } from "../streams/names.ts";
import { type OpenNatsAuthority, openNatsAuthority } from "../streams/nats/authority/authority.ts";
import { authorityDirectory } from "../streams/nats/authority/operator-mode.ts";
import {
  followTransportKeys,
  type TransportKeys,
} from "../streams/nats/authority/transport-keys.ts";
import { connectNats, type NatsLink } from "../streams/nats/connection.ts";
import { TaskQueueError } from "../streams/nats/errors.ts";
import { type NatsServer, startNatsServer } from "../streams/nats/server.ts";
import type { NodeAuthority } from "../streams/nats-authority.ts";
import {
  askGraphql,
  authorized,
  login,
  newPerson,
  type Person,
  register,
  statementOf,
} from "./testing/identity-client.ts";
import { openTestNetwork, type TestNetwork } from "./testing/test-network.ts";

const registerNode = `mutation ($id: NodeId!, $capabilities: CapabilitiesInput!) {
  registerNode(input: { id: $id, capabilities: $capabilities }) {
    __typename ... on RegisteredNode { natsUrl } ... on Refusal { code } } }`;
const mint = `mutation ($id: NodeId!) { mintNatsCredentials(nodeId: $id) {
  __typename ... on NatsCredentials { jwt expiresAt natsUrl caPem } ... on Refusal { code } } }`;
const capabilities = {
  apps: [{ app: "noop", executionClass: "js" }],
  slots: 1,
  backlog: 1,
  cpus: 1,
  memoryMb: 1,
  platform: "linux-x64",
  version: "0",
};

interface Worker extends Person {
  readonly seed: string;
}

describe("credentials for NATS", () => {
  let directory: string;
  let server: NatsServer;
  let authority: OpenNatsAuthority;
  let keys: TransportKeys;
  let network: TestNetwork;
  const links: NatsLink[] = [];

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "cnct-mint-"));
    const keyFiles = authorityDirectory(directory);
    server = await startNatsServer({ directory, authority: keyFiles });
    authority = await openNatsAuthority({ directory: keyFiles, url: server.url });
    const nodeAuthority: NodeAuthority = {
      ca: "a certificate",
      mintFor: (...request) => keys.mintFor(...request),
    };
    network = await openTestNetwork({
      access: "identities",
      keyDirectory: join(directory, "gateway"),
      natsUrl: server.url,
      nodeAuthority,
    });
    const { store } = network;
    keys = followTransportKeys({ store, authority, clock: wallClock, onTrouble });
  });
  after(async () => {
    for (const link of links) await link.close();
    await keys.close();
    await network.close();
    await authority.close();
    await server.stop();
    await rm(directory, { recursive: true, force: true });
  });

  const onTrouble = (error: unknown): never => assert.fail(String(error));
  const worker = async (pair = createUser()): Promise<Worker> => {
    const person = newPerson({ roles: ["worker"], natsKey: pair.getPublicKey() });
    await register(network.url, person);
    return { ...person, seed: new TextDecoder().decode(pair.getSeed()) };
  };
  const act = async (who: Person, query: string, variables: object, scopes = workScopes) => {
    const token = await login(network.url, who, scopes);
    const headers = await authorized(network.url, who, token);
    const { body } = await askGraphql(network.url, { query, variables }, headers);
    return Object.values(body.data as object)[0];
  };
  const workScopes = ["nodes:register", "nodes:work"];
  const minted = async (who: Person, id: string, scopes = workScopes) =>
    act(who, mint, { id }, scopes);
  const join_ = async (id: string, jwt: string, seed: string): Promise<NatsLink> => {
    const credentials = () => ({ jwt, seed });
    const prefix = inboxPrefix(id);
    const link = await connectNats({ url: server.url, name: id, inboxPrefix: prefix, credentials });
    links.push(link);
    return link;
  };
  const until = async (isSo: () => boolean): Promise<void> => {
    for (let i = 0; i < 500 && !isSo(); i++) await sleep(10);
    assert.ok(isSo(), "waited 5 s in vain");
  };
  const denied = (error: unknown) => error instanceof TaskQueueError && error.code === "denied";

  test("are for one's own nodes, with the scope for it", async () => {
    const ada = await worker();
    assert.equal(
      (await act(ada, registerNode, { id: "ada-1", capabilities })).__typename,
      "RegisteredNode",
    );
    const { jwt, expiresAt, natsUrl, caPem } = await minted(ada, "ada-1");
    assert.deepEqual([natsUrl, caPem], [server.url, "a certificate"]);
    assert.ok(expiresAt > Date.now() && expiresAt <= Date.now() + 86_400_000);
    const link = await join_("ada-1", jwt, ada.seed);
    await link.connection.flush();

    const bob = await worker();
    assert.equal((await minted(bob, "ada-1")).code, "node-owned-by-another");
    assert.equal((await minted(bob, "bob-1")).code, "node-unknown");
    assert.equal((await minted(ada, "ada-1", ["nodes:register"])).code, "scope-missing");
    const anonymous = await network.ask(mint, { id: "ada-1" });
    assert.equal(anonymous.data.mintNatsCredentials.code, "login-needed");
    const codes = network.refused.map(({ code }) => code);
    for (const code of ["node-owned-by-another", "node-unknown", "scope-missing"])
      assert.ok(codes.includes(code), code);
  });

  test("need a transport key, and nobody gets them for the key of another", async () => {
    const client = newPerson();
    await register(network.url, client);
    await act(client, registerNode, { id: "client-1", capabilities });
    assert.equal((await minted(client, "client-1")).code, "not-a-worker");

    const pair = createUser();
    const ada = await worker(pair);
    await act(ada, registerNode, { id: "ada-2", capabilities });
    const { jwt } = await minted(ada, "ada-2");
    const link = await join_("ada-2", jwt, ada.seed);
    let lost = 0;
    link.listen({ onDisconnect: () => lost++ });
    const thief = await worker(pair);
    await act(thief, registerNode, { id: "thief-1", capabilities });
    assert.equal((await minted(thief, "thief-1")).code, "nats-key-of-another");
    // Neither does the end of the thief end the key.
    await end(thief);
    const bystander = await worker();
    await act(bystander, registerNode, { id: "late-1", capabilities });
    await minted(bystander, "late-1");
    await link.connection.flush();
    assert.equal(lost, 0);
  });

  const end = async (who: Person, sequence = 1) => {
    const revocation = {
      id: who.id,
      sequence,
      reason: "key-compromised",
      signedBy: who.root.publicKey,
    } as const;
    const variables = {
      statement: { type: "IdentityRevoked", ...revocation },
      signature: who.sign(revocationText(revocation)),
    };
    const { body } = await askGraphql(network.url, { query: statementOf, variables });
    assert.equal(body.data.stateIdentity.__typename, "StatedIdentity");
  };

  test("end within 5 s when the identity ends, and the key when it is replaced", async () => {
    const eve = await worker();
    await act(eve, registerNode, { id: "eve-1", capabilities });
    const first = await minted(eve, "eve-1");
    const link = await join_("eve-1", first.jwt, eve.seed);
    let lost = 0;
    link.listen({ onDisconnect: () => lost++ });

    const pair = createUser();
    const replacement = { id: eve.id, sequence: 1, natsKey: pair.getPublicKey() };
    const variables = {
      statement: { type: "TransportKeyReplaced", ...replacement },
      signature: eve.sign(replacementText(replacement)),
    };
    const stated = await askGraphql(network.url, { query: statementOf, variables });
    assert.equal(stated.body.data.stateIdentity.sequence, 1, JSON.stringify(stated.body));
    await until(() => lost === 1);
    await assert.rejects(join_("eve-1", first.jwt, eve.seed), denied);
    const second = await minted(eve, "eve-1");
    const seed = new TextDecoder().decode(pair.getSeed());
    const renewed = await join_("eve-1", second.jwt, seed);
    let renewedLost = 0;
    renewed.listen({ onDisconnect: () => renewedLost++ });

    await end(eve, 2);
    await until(() => renewedLost > 0);
    await assert.rejects(join_("eve-1", second.jwt, seed), denied);

    // Who follows from the beginning again says the same, and forgives nobody.
    await keys.close();
    const { store } = network;
    keys = followTransportKeys({ store, authority, clock: wallClock, onTrouble });
    await keys.live;
    await assert.rejects(join_("eve-1", second.jwt, seed), denied);
  });

  test("are not to be had where NATS takes none", async () => {
    const open = await openTestNetwork();
    try {
      assert.equal(
        (await open.ask(mint, { id: "x-1" })).data.mintNatsCredentials.code,
        "nats-open",
      );
    } finally {
      await open.close();
    }
  });
});
