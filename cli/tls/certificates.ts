/** The network's own certificate authority, and certificates by it: ECDSA P-256 with SHA-256. */
import { createHash, webcrypto } from "node:crypto";
import { isIP } from "node:net";
import type { Instant, Millis } from "../../domain/decider.ts";

/** X.509 is written by a library that takes a while to load, and only when a certificate is made. */
const library = async () => {
  // Its container of algorithms asks the classes in it for what a compiler may have noted of their
  // constructors' parameters. They have none.
  const nothing = { getMetadata: () => undefined, getOwnMetadata: () => undefined };
  for (const [name, value] of Object.entries(nothing))
    if (!Object.hasOwn(Reflect, name)) Object.defineProperty(Reflect, name, { value });
  const x509 = await import("@peculiar/x509");
  x509.cryptoProvider.set(webcrypto as unknown as Crypto);
  return x509;
};

/** A certificate and its private key, both PEM. */
export interface Signed {
  readonly certificate: string;
  readonly key: string;
}

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
export const authorityLifeMs: Millis = 10 * 365 * 86_400_000;
/** Browsers and operating systems take no longer ones. */
export const certificateLifeMs: Millis = 397 * 86_400_000;
/** Clocks of those who look at it may be behind. */
const beforeMs: Millis = 86_400_000;

export const makeAuthority = async (now: Instant): Promise<Signed> => {
  const x509 = await library();
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: "CN=CNCT network authority",
    notBefore: new Date(now - beforeMs),
    notAfter: new Date(now + authorityLifeMs),
    signingAlgorithm: algorithm,
    keys: keys as unknown as CryptoKeyPair,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(
        x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign,
        true,
      ),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey as unknown as CryptoKey),
    ],
  });
  return { certificate: pemOf(certificate), key: await exported(keys.privateKey) };
};

/**
 * A certificate for a server, followed by that of its authority, so that who has only the authority's
 * fingerprint can find it there.
 *
 * @param hosts - Names and addresses by which clients know the server.
 */
export const issueCertificate = async (
  authority: Signed,
  { hosts, now }: { readonly hosts: readonly string[]; readonly now: Instant },
): Promise<Signed> => {
  const x509 = await library();
  const issuer = new x509.X509Certificate(authority.certificate);
  const signingKey = await webcrypto.subtle.importKey(
    "pkcs8",
    x509.PemConverter.decode(authority.key)[0] as ArrayBuffer,
    algorithm,
    false,
    ["sign"],
  );
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: "CN=CNCT",
    issuer: issuer.subject,
    notBefore: new Date(now - beforeMs),
    notAfter: new Date(Math.min(now + certificateLifeMs, issuer.notAfter.getTime())),
    signingAlgorithm: algorithm,
    publicKey: keys.publicKey as unknown as CryptoKey,
    signingKey: signingKey as unknown as CryptoKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(
        hosts.map((host) => ({
          type: isIP(host) ? ("ip" as const) : ("dns" as const),
          value: host,
        })),
      ),
      await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
    ],
  });
  return {
    certificate: pemOf(certificate) + authority.certificate,
    key: await exported(keys.privateKey),
  };
};

const pemOf = (certificate: { toString(format: "pem"): string }): string =>
  `${certificate.toString("pem")}\n`;

const exported = async (key: webcrypto.CryptoKey): Promise<string> => {
  const { PemConverter } = await library();
  return `${PemConverter.encode(await webcrypto.subtle.exportKey("pkcs8", key), "PRIVATE KEY")}\n`;
};

/** 16 bytes, positive, not by anything that says more than it must. */
const serialNumber = (): string => {
  const bytes = webcrypto.getRandomValues(new Uint8Array(16));
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return Buffer.from(bytes).toString("hex");
};

/** What an authority is known by: SHA-256 of the certificate in DER, lower-case hex. */
export const fingerprintOf = (der: Uint8Array): string =>
  createHash("sha256").update(der).digest("hex");
