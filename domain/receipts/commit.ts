/**
 * Commit and reveal: a worker binds itself to a result before it can see anybody else's. The salt
 * keeps others from trying out likely results, the worker's name from handing in another's commit.
 */
import { portableSha256, type Sha256 } from "../hashing.ts";
import { type CnctId, isCnctId } from "../identity/inception.ts";
import { taggedText } from "../identity/keys.ts";
import { type Digest, isDigest, isNodeId, type NodeId } from "../ids.ts";
import { taskName } from "../job/hash.ts";

/** What a worker shows when all commits of a job are in. */
export interface Reveal {
  readonly jobHash: Digest;
  readonly replica: number;
  readonly attempt: number;
  /** Who signs for the node; its own name if it belongs to no identity. */
  readonly worker: CnctId | NodeId;
  readonly resultTag: Digest;
  /** 32 bytes in hex that nobody could guess, drawn anew for each commit. */
  readonly salt: string;
}

/** The commit that a reveal opens. */
export const commitOf = (reveal: Reveal, sha256: Sha256 = portableSha256): Digest => {
  const { worker, resultTag, salt } = reveal;
  return sha256(taggedText("cnct/commit/v1", { task: taskName(reveal), worker, resultTag, salt }));
};

/** Whether a reveal is well formed and opens the commit that was made for this very task. */
export const opens = (
  commit: Digest,
  reveal: Reveal,
  by: {
    readonly jobHash: Digest;
    readonly replica: number;
    readonly attempt: number;
    readonly worker: CnctId | NodeId;
  },
  sha256: Sha256 = portableSha256,
): boolean =>
  isDigest(reveal.resultTag) &&
  isDigest(reveal.salt) &&
  (isCnctId(reveal.worker) || isNodeId(reveal.worker)) &&
  reveal.worker === by.worker &&
  taskName(reveal) === taskName(by) &&
  commitOf(reveal, sha256) === commit;
