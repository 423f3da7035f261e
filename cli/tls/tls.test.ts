/** The network's own certificates, and clients that know it by a fingerprint alone. */
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { chmod, mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { CnctUnavailable, connect } from "../../sdk/index.ts";
import { wallClock } from "../../streams/clock.ts";
import { connectNats } from "../../streams/nats/connection.ts";
import { TaskQueueError } from "../../streams/nats/errors.ts";
import { startNatsServer } from "../../streams/nats/server.ts";
import { NatsServerError } from "../../streams/nats/server-error.ts";
import { CliFailure } from "../failures.ts";
import { authorityLifeMs, certificateLifeMs } from "./certificates.ts";
import { hostsReaching, type OwnCertificate, ownCertificate } from "./own-certificate.ts";
import { authorityAt, pin, pinnedAddress } from "./pin.ts";

const failsWith = (code: string) => (error: unknown) =>
  (error instanceof CliFailure || error instanceof CnctUnavailable) && error.code === code;

describe("TLS of the network's own", () => {
  let directory: string;
  let own: OwnCertificate;
  let other: OwnCertificate;
  const closing: (() => Promise<unknown>)[] = [];

  const open = (name: string, hosts: readonly string[], now = Date.now()) =>
    ownCertificate({
      directory: join(directory, name),
      hosts,
      clock: { ...wallClock, now: () => now },
    });
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "cnct-tls-"));
    own = await open("own", hostsReaching("127.0.0.1"));
    other = await open("other", hostsReaching("127.0.0.1"));
  });
  after(async () => {
    for (const close of closing.reverse()) await close();
    await rm(directory, { recursive: true, force: true });
  });

  const serverWith = async ({ certFile, keyFile }: OwnCertificate): Promise<string> => {
    const files = { cert: await readFile(certFile, "utf8"), key: await readFile(keyFile, "utf8") };
    const server = createServer(files, (_, response) => response.end("hello"));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    closing.push(
      () =>
        new Promise((resolve) => {
          server.close(resolve);
          server.closeAllConnections();
        }),
    );
    return `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  };

  test("certificates stay while they are good, and are renewed in time by the same authority", async () => {
    const text = () => readFile(own.certFile, "utf8");
    const first = await text();
    assert.deepEqual(await open("own", ["localhost"]), own);
    assert.equal(await text(), first);
    const certificate = new X509Certificate(first);
    assert.ok(certificate.checkIP("127.0.0.1") && certificate.checkHost("localhost"));
    assert.ok(certificate.verify(new X509Certificate(own.ca).publicKey));
    assert.equal(certificate.ca, false);
    for (const name of ["ca.key", "cert.key", "ca.pem", "cert.pem"])
      assert.equal((await stat(join(directory, "own", name))).mode & 0o777, 0o600);

    const wider = await open("own", ["gateway.example", "198.51.100.1"]);
    assert.equal(wider.fingerprint, own.fingerprint);
    const renewed = new X509Certificate(await text());
    for (const ip of ["127.0.0.1", "198.51.100.1"]) assert.ok(renewed.checkIP(ip), ip);
    assert.ok(renewed.checkHost("gateway.example"));

    const nearEnd = Date.now() + certificateLifeMs - 30 * 86_400_000;
    assert.equal((await open("own", ["localhost"], nearEnd)).fingerprint, own.fingerprint);
    assert.notEqual(new X509Certificate(await text()).serialNumber, renewed.serialNumber);
    const late = await open("late", ["localhost"]);
    const end = Date.now() + authorityLifeMs;
    assert.notEqual((await open("late", ["localhost"], end)).fingerprint, late.fingerprint);
    own = await open("own", ["localhost"]);

    await chmod(join(directory, "late", "ca.key"), 0o644);
    await assert.rejects(
      open("late", ["localhost"]),
      (error: unknown) => error instanceof NatsServerError && error.code === "keys-readable",
    );
  });

  test("an address may name the authority", () => {
    const url = "https://gateway.example:4000";
    assert.deepEqual(pinnedAddress(url), { url, fingerprint: undefined });
    const fingerprint = "ab".repeat(32);
    assert.deepEqual(pinnedAddress(`${url}#sha256=${fingerprint.toUpperCase()}`), {
      url,
      fingerprint,
    });
    for (const bad of [
      `${url}#`,
      `${url}#sha256=ab`,
      `${url}#sha1=${fingerprint}`,
      `${url}#sha256=${fingerprint}00`,
      `http://gateway.example#sha256=${fingerprint}`,
      `https://#sha256=${fingerprint}`,
    ])
      assert.throws(() => pinnedAddress(bad), failsWith("bad-gateway-url"), bad);
  });

  test("who knows the fingerprint speaks with that network alone", async () => {
    const url = await serverWith(own);
    const impostor = await serverWith(other);
    await assert.rejects(fetch(url), "a stranger does not trust it");
    const stranger = connect({ gateway: url, retry: { attempts: 1, firstMs: 0, longestMs: 0 } });
    await assert.rejects(stranger.network(), failsWith("untrusted-gateway"));
    await stranger.close();
    const ca = await authorityAt(url, own.fingerprint);
    assert.equal(
      new X509Certificate(ca).fingerprint256,
      new X509Certificate(own.ca).fingerprint256,
    );
    await assert.rejects(authorityAt(impostor, own.fingerprint), failsWith("wrong-fingerprint"));
    await assert.rejects(
      authorityAt("https://127.0.0.1:1", own.fingerprint),
      failsWith("gateway-unreachable"),
    );

    const unpin = pin(url, ca);
    try {
      assert.equal(await (await fetch(url)).text(), "hello");
      await assert.rejects(fetch(impostor), "for other origins nothing changes");
      // It is the only one that counts there: another pin does not add to it.
      const again = pin(url, other.ca);
      await assert.rejects(fetch(url));
      await again();
      assert.equal(await (await fetch(url)).text(), "hello");
    } finally {
      await unpin();
    }
    await assert.rejects(fetch(url));
  });

  test("NATS speaks TLS to those who trust it, and plain to nobody", async () => {
    const server = await startNatsServer({ directory: join(directory, "nats"), tls: own });
    closing.push(() => server.stop());
    assert.match(server.url, /^tls:\/\/127\.0\.0\.1:/);
    const link = await connectNats({ url: server.url, name: "test", tls: { ca: own.ca } });
    await link.connection.flush();
    await link.close();
    const quick = { name: "test", firstConnectMs: 1 };
    const unavailable = (error: unknown) =>
      error instanceof TaskQueueError && error.code === "unavailable";
    for (const options of [
      { url: server.url },
      { url: server.url, tls: { ca: other.ca } },
      { url: server.url.replace("127.0.0.1", "127.0.0.2"), tls: { ca: own.ca } },
    ])
      await assert.rejects(connectNats({ ...quick, ...options }), unavailable);
    const plain = await startNatsServer({ directory: join(directory, "plain") });
    closing.push(() => plain.stop());
    await assert.rejects(
      connectNats({ ...quick, url: plain.url, tls: { ca: own.ca } }),
      unavailable,
      "a server without TLS is not spoken to",
    );
  });
});
