/** The certificate of this network, in files: made when it is missing, renewed when it ends soon. */
import { X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import type { Clock } from "../../streams/clock.ts";
import {
  makePrivateDirectory,
  readPrivateFile,
  writePrivateFile,
} from "../../streams/nats/authority/files.ts";
import { fingerprintOf, issueCertificate, makeAuthority } from "./certificates.ts";

export interface OwnCertificate {
  readonly certFile: string;
  readonly keyFile: string;
  /** PEM of the authority. */
  readonly ca: string;
  /** Of the authority; strangers know the network by it. */
  readonly fingerprint: string;
}

/** It is renewed at a start so long before its end. */
const soonMs = 60 * 86_400_000;

/**
 * Opens `<directory>/ca.pem`, `ca.key`, `cert.pem` and `cert.key`, making what is missing. The
 * authority stays the same as long as its files are there; the certificate is for `hosts` at least.
 *
 * @throws {NatsServerError} `keys-readable` if others may read a key.
 */
export const ownCertificate = async ({
  directory,
  hosts,
  clock,
}: {
  readonly directory: string;
  readonly hosts: readonly string[];
  readonly clock: Clock;
}): Promise<OwnCertificate> => {
  const now = clock.now();
  const path = (name: string): string => join(directory, name);
  await makePrivateDirectory(directory);
  const kept = async (name: string) => {
    const certificate = await readPrivateFile(path(`${name}.pem`));
    const key = await readPrivateFile(path(`${name}.key`));
    return certificate === undefined || key === undefined ? undefined : { certificate, key };
  };
  const keep = async (name: string, signed: { certificate: string; key: string }) => {
    await writePrivateFile(path(`${name}.key`), signed.key);
    await writePrivateFile(path(`${name}.pem`), signed.certificate);
    return signed;
  };

  let authority = await kept("ca");
  if (authority === undefined || !isInTime(authority.certificate, now))
    authority = await keep("ca", await makeAuthority(now));
  const { certificate } = authority;
  const served = await kept("cert");
  if (served === undefined || !isGood(served.certificate, { by: certificate, hosts, now })) {
    // Other hosts may be known by it too: those that it was for before.
    const before = served === undefined ? [] : hostsOf(served.certificate);
    const all = [...new Set([...hosts, ...before])].slice(0, hostsMax);
    await keep("cert", await issueCertificate(authority, { hosts: all, now }));
  }
  return {
    certFile: path("cert.pem"),
    keyFile: path("cert.key"),
    ca: certificate,
    fingerprint: fingerprintOf(new X509Certificate(certificate).raw),
  };
};

const hostsMax = 64;

/** Whether it is good now and for a while; a clock that was wrong may have made one for later. */
const isInTime = (pem: string, now: number): boolean => {
  const { validFromDate, validToDate } = new X509Certificate(pem);
  return validFromDate.getTime() <= now && validToDate.getTime() - now >= soonMs;
};

const isGood = (
  pem: string,
  {
    by,
    hosts,
    now,
  }: { readonly by: string; readonly hosts: readonly string[]; readonly now: number },
): boolean => {
  const certificate = new X509Certificate(pem);
  return (
    isInTime(pem, now) &&
    certificate.verify(new X509Certificate(by).publicKey) &&
    hosts.every((host) =>
      isIP(host) ? certificate.checkIP(host) : certificate.checkHost(host) !== undefined,
    )
  );
};

const hostsOf = (pem: string): readonly string[] =>
  [
    ...(new X509Certificate(pem).subjectAltName ?? "").matchAll(/(?:DNS|IP Address):([^,\s]+)/g),
  ].map(([, host = ""]) => host);

/** By which names and addresses a server that listens there may be reached. */
export const hostsReaching = (host: string): readonly string[] => {
  const near = ["localhost", "127.0.0.1", "::1"];
  if (host !== "0.0.0.0" && host !== "::") return [...new Set([...near, host])];
  const addresses = Object.values(networkInterfaces())
    .flatMap((all) => all ?? [])
    .filter(({ address, internal }) => !internal && !address.startsWith("fe80:"))
    .filter(({ family }) => host === "::" || family === "IPv4")
    .map(({ address }) => address);
  return [...near, ...addresses];
};
