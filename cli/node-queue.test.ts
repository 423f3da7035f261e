/** A node's way into NATS: real credentials from a real gateway, that end, and that are taken away. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { native } from "../crypto/primitives-native.ts";
import { openTestNetwork, type TestNetwork } from "../gateway/testing/test-network.ts";
import { authorityOf } from "../sdk/identity/authority-of.ts";
import {
  changed,
  connect,
  newIdentity,
  type OwnIdentity,
  openRegistry,
  prepareTransportKey,
  scopesOfRoles,
} from "../sdk/index.ts";
import { wallClock } from "../streams/clock.ts";
import { type OpenNatsAuthority, openNatsAuthority } from "../streams/nats/authority/authority.ts";
import { authorityDirectory } from "../streams/nats/authority/operator-mode.ts";
import {
  followTransportKeys,
  type TransportKeys,
} from "../streams/nats/authority/transport-keys.ts";
import { type NatsServer, startNatsServer } from "../streams/nats/server.ts";
import { openNodeQueue } from "./node-queue.ts";

let directory: string;
let server: NatsServer;
let authority: OpenNatsAuthority;
let keys: TransportKeys;
let network: TestNetwork;
let minted = 0;
let lifeMs = 60_000;

before(async () => {
  directory = await mkdtemp(join(tmpdir(), "cnct-node-queue-"));
  const keyFiles = authorityDirectory(directory);
  server = await startNatsServer({ directory, authority: keyFiles });
  authority = await openNatsAuthority({ directory: keyFiles, url: server.url });
  network = await openTestNetwork({
    access: "identities",
    keyDirectory: join(directory, "gateway"),
    natsUrl: server.url,
    nodeAuthority: {
      ca: undefined,
      mintFor: (owner, request) => {
        minted++;
        return keys.mintFor(owner, { ...request, lifeMs });
      },
    },
  });
  const onTrouble = (error: unknown): never => assert.fail(String(error));
  keys = followTransportKeys({ store: network.store, authority, clock: wallClock, onTrouble });
});
after(async () => {
  await keys.close();
  await network.close();
  await authority.close();
  await server.stop();
  await rm(directory, { recursive: true, force: true });
});

const until = async (what: string, isSo: () => boolean): Promise<void> => {
  for (let waited = 0; !isSo(); waited += 50) {
    assert.ok(waited < 30_000, `${what}: not within 30 s`);
    await sleep(50);
  }
};

const capabilities = {
  apps: [{ app: "noop", executionClass: "js" }],
  slots: 1,
  backlog: 1,
  cpus: 1,
  memoryMb: 1,
  platform: "linux-x64",
  version: "0",
};

/** A node of a new identity, registered and connected. */
const openNode = async (nodeId: string) => {
  let own: OwnIdentity = newIdentity({ roles: ["worker"] }, native);
  const identity = { latest: () => own, current: async () => own };
  const gateway = network.url;
  const client = connect({ gateway, identity: identity.current });
  await client.ask(
    `mutation ($id: NodeId!, $capabilities: CapabilitiesInput!) {
      registerNode(input: { id: $id, capabilities: $capabilities }) { __typename } }`,
    { id: nodeId, capabilities },
  );
  const log: string[] = [];
  const acting = { identity: identity.current, scopes: scopesOfRoles.worker };
  const asked = authorityOf(acting, { gateway, fetch: globalThis.fetch, timeoutMs: 30_000 });
  const queue = await openNodeQueue({
    nodeId,
    gateway,
    fetch: asked?.fetch ?? globalThis.fetch,
    natsUrl: server.url,
    identity,
    onLog: (line) => log.push(line),
  });
  return {
    ...queue,
    log,
    replaceTransportKey: async () => {
      const change = prepareTransportKey(own, native);
      await openRegistry(client.ask).state(change);
      own = changed(own, change, native);
    },
    close: async () => {
      await queue.close();
      await client.close();
    },
  };
};

test("a node renews its credentials before they end, and works on with the new ones", async () => {
  lifeMs = 2_000;
  const before = minted;
  const node = await openNode("ada-1");
  try {
    // The server ends the connection with the credentials that opened it, and takes the new ones.
    await until("back with new credentials", () => node.log.includes("nats is there"));
    assert.ok(minted - before >= 2, `${minted - before} minted`);
    assert.deepEqual(node.log.slice(0, 2), ["nats is gone", "nats is there"]);
  } finally {
    await node.close();
    lifeMs = 60_000;
  }
});

test("a node whose transport key is replaced is cut off, and comes back with the new one", async () => {
  const node = await openNode("ada-2");
  try {
    const before = minted;
    await node.replaceTransportKey();
    await until("cut off", () => node.log.includes("nats is gone"));
    await until("back with the new key", () => node.log.includes("nats is there"));
    assert.ok(minted > before);
  } finally {
    await node.close();
  }
});
