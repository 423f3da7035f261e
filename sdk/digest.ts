import { portableSha256, type Sha256 } from "../domain/hashing.ts";
import type { Digest, JobHash } from "../domain/ids.ts";
import { jobHash } from "../domain/job/hash.ts";
import type { JobSpec } from "../domain/job/spec.ts";

/** As much of Node's `process` as is used where there is one. */
interface NodeProcess {
  getBuiltinModule?(
    name: "node:crypto",
  ): { hash?(algorithm: "sha256", bytes: Uint8Array | string): string } | undefined;
}

const { process } = globalThis as { readonly process?: NodeProcess };
const nativeHash = process?.getBuiltinModule?.("node:crypto")?.hash;

/** At once, by Node's own code where this runs on Node; in a browser, portably. */
export const sha256: Sha256 =
  nativeHash === undefined ? portableSha256 : (bytes) => nativeHash("sha256", bytes);

/**
 * SHA-256 of the bytes, by WebCrypto where a page may use it: browsers offer it to secure origins
 * only. On Node that would cost more than the digest itself.
 */
export const digestOf = async (bytes: Uint8Array): Promise<Digest> => {
  if (nativeHash !== undefined) return nativeHash("sha256", bytes);
  const subtle = globalThis.crypto?.subtle;
  if (subtle === undefined) return sha256(bytes);
  const hash = new Uint8Array(await subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
};

const hashes = new WeakMap<JobSpec, JobHash>();

/** The job hash of a spec, computed once for each: nobody may change it any more. */
export const hashOf = (spec: JobSpec): JobHash => {
  const known = hashes.get(spec);
  if (known !== undefined) return known;
  const hash = jobHash(spec, sha256);
  hashes.set(spec, hash);
  return hash;
};
