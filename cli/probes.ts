/** What the prober needs of this machine: chance, a thread for answers, a place for blobs. */
import { randomBytes } from "node:crypto";
import { blob } from "../domain/blob/blob.ts";
import { seededRandom } from "../domain/chance.ts";
import { toBase32 } from "../domain/identity/base32.ts";
import type { Policy } from "../domain/policy/policy.ts";
import type { AccessMode } from "../gateway/access/access.ts";
import { limitDefaults } from "../gateway/context.ts";
import type { JobBook } from "../services/job-book.ts";
import { type RunningProber, runProber } from "../services/prober/run-prober.ts";
import type { BlobSink } from "../streams/blob-store.ts";
import type { Clock } from "../streams/clock.ts";
import type { EventIds } from "../streams/event-ids.ts";
import type { EventStore } from "../streams/event-store.ts";
import { handleCommand } from "../streams/handle-command.ts";
import { blobStream } from "../streams/names.ts";
import { openKnownAnswers } from "../worker/known-answers.ts";
import { nativeSha256 } from "./native-proofs.ts";

/** Tests nodes with tasks that look as if any client had submitted them through the gateway. */
export const openProbes = ({
  store,
  ids,
  clock,
  blobs,
  place,
  access,
  ...rest
}: {
  readonly store: EventStore;
  readonly ids: EventIds;
  readonly clock: Clock;
  readonly book: JobBook;
  readonly policy: () => Policy;
  readonly blobs: BlobSink;
  /** What the gateway calls its blob store. */
  readonly place: string;
  readonly access: AccessMode;
  readonly dispatcher: Parameters<typeof runProber>[0]["dispatcher"];
  readonly onTrouble: (what: string, error: unknown) => void;
}): RunningProber =>
  runProber({
    ...{ store, ids, clock, ...rest },
    random: seededRandom(randomBytes(4).readUInt32LE()),
    newSeed: () => randomBytes(16).toString("hex"),
    // As long as the account of an identity, where clients are identities.
    newClient: () => `client:${toBase32(randomBytes(access === "identities" ? 32 : 5))}`,
    sha256: nativeSha256,
    answers: openKnownAnswers(),
    storeBlob: async (bytes, mediaType) => {
      const { digest, size } = await blobs.put(bytes, mediaType);
      const now = clock.now();
      const expiresAt = now + limitDefaults.blobLifeMs;
      const what = { digest, size, mediaType, place, expiresAt };
      const by = { actor: `gateway:${place}`, now };
      const stream = { stream: blobStream(digest), isNew: true };
      const answer = await handleCommand({ store, ids }, blob, stream, {
        type: "StoreBlob",
        ...what,
        ...by,
      });
      if (!answer.ok) throw new Error(`StoreBlob was refused with ${answer.reason}`);
      return { digest, size };
    },
  });
