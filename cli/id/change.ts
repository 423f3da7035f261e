/**
 * Changing keys without ever losing one. The new keys are on the disk before a gateway hears of them,
 * and stay there until it has accepted the change; a statement said twice changes nothing, so what was
 * interrupted is simply said again.
 *
 *     settled --save--> pending --gateway accepts--> pending --save--> settled
 */

import { realpath } from "node:fs/promises";
import { native } from "../../crypto/primitives-native.ts";
import {
  CnctRefusal,
  changed,
  type OwnIdentity,
  type PreparedChange,
  type Registry,
} from "../../sdk/index.ts";
import { claim } from "../claim-name.ts";
import type { KeyFile } from "./key-file.ts";

/** Opens the file once nobody else on this machine is changing it. */
export const holding = async <T>(
  path: string,
  open: () => Promise<KeyFile>,
  work: (file: KeyFile) => Promise<T>,
): Promise<T> => {
  const release = await claim("key-file", await realpath(path).catch(() => path), {
    code: "key-file-in-use",
    message: `another cnct is changing the keys in ${path}; try again when it is done`,
  });
  try {
    return await work(await open());
  } finally {
    await release();
  }
};

/**
 * Finishes a change that was interrupted, if one was.
 *
 * @throws {CnctRefusal} When the gateway does not accept it. The file keeps it: nothing is lost.
 */
export const settle = async (file: KeyFile, registry: Registry): Promise<OwnIdentity> => {
  const { own, pending } = file;
  if (pending === undefined) return own;
  const known = await registry.find(own.id);
  // It may have been accepted: then the gateway has heard more than the history has.
  if (known === undefined || known.sequence < pending.statement.sequence)
    await registry.bringUpToDate(own.id, own);
  await registry.state(pending);
  const after = changed(own, pending, native);
  await file.save({ own: after, pending: undefined });
  return after;
};

/**
 * Prepares a change, keeps it, says it to the gateway, and settles it.
 *
 * @throws {CnctRefusal} When a rule is against it: by our own reckoning, before anything is said.
 */
export const makeChange = async (
  file: KeyFile,
  registry: Registry,
  prepare: (own: OwnIdentity) => PreparedChange,
): Promise<OwnIdentity> => {
  const own = await settle(file, registry);
  if (own.isRevoked) throw new CnctRefusal("identity-revoked", `${own.id} was revoked: it is over`);
  const pending = prepare(own);
  const after = changed(own, pending, native);
  await registry.bringUpToDate(own.id, own);
  await file.save({ own, pending });
  await registry.state(pending);
  await file.save({ own: after, pending: undefined });
  return after;
};
