/**
 * A blob: content-addressed bytes. The log knows that it exists, how big it is and where copies are;
 * the bytes are in a blob store.
 *
 *     unknown --store--> stored --store elsewhere--> stored
 *                          '-----expire-----> gone --store--> stored
 */
import { type Command, type Decider, type DomainEvent, type Instant, accept, refuse } from "../decider.ts";
import type { Digest } from "../ids.ts";

export type BlobEvent = BlobStored | BlobExpired;
export type BlobStored = DomainEvent<
  "BlobStored",
  {
    digest: Digest;
    /** Bytes. */
    size: number;
    mediaType: string;
    /** Which blob store holds the copy, such as `gateway-1`. */
    place: string;
    /** After this the copy may be dropped; null for a permanent one. */
    expiresAt: Instant | null;
  }
>;
export type BlobExpired = DomainEvent<"BlobExpired", { digest: Digest; place: string }>;

export type BlobCommand =
  | Command<
      "StoreBlob",
      {
        digest: Digest;
        size: number;
        mediaType: string;
        place: string;
        expiresAt: Instant | null;
      }
    >
  | Command<"ExpireBlob", { digest: Digest; place: string }>;

export type BlobRefusal = "SizeDiffers" | "StillWanted" | "NotStoredThere";

export interface Blob {
  readonly size: number;
  /** When each copy expires, by place. */
  readonly places: Readonly<Record<string, Instant | null>>;
}

export const blob: Decider<BlobCommand, BlobEvent, Blob, BlobRefusal> = {
  initial: { size: -1, places: {} },

  decide: (command, blob) => {
    const { digest, place, now: at } = command;
    const present = blob.places[place];
    switch (command.type) {
      case "StoreBlob": {
        const { size, mediaType, expiresAt } = command;
        if (blob.size >= 0 && blob.size !== size) return refuse("SizeDiffers");
        if (present !== undefined && !outlasts(expiresAt, present)) return accept();
        return accept({ type: "BlobStored", digest, size, mediaType, place, expiresAt, at });
      }
      case "ExpireBlob":
        if (present === undefined) return refuse("NotStoredThere");
        if (present === null || present > at) return refuse("StillWanted");
        return accept({ type: "BlobExpired", digest, place, at });
    }
  },

  evolve: (blob, event) => {
    switch (event.type) {
      case "BlobStored":
        return { size: event.size, places: { ...blob.places, [event.place]: event.expiresAt } };
      case "BlobExpired": {
        const { [event.place]: _gone, ...places } = blob.places;
        return { ...blob, places };
      }
    }
  },
};

/** A repeat prolongs a copy's life only by a day or more, so that uploads said often stay cheap. */
const outlasts = (wanted: Instant | null, present: Instant | null): boolean => {
  if (present === null) return false;
  return wanted === null || wanted >= present + 86_400_000;
};
