/**
 * A blob: content-addressed bytes. The log knows that it exists, how big it is and where copies are;
 * the bytes are in a blob store.
 *
 *     unknown --store--> stored --store elsewhere--> stored
 *                          '-----expire-----> gone --store--> stored
 */
import {
  accept,
  type Command,
  type Decider,
  type DomainEvent,
  type Instant,
  refuse,
} from "../decider.ts";
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
    const present = Object.hasOwn(blob.places, place) ? blob.places[place] : undefined;
    switch (command.type) {
      case "StoreBlob": {
        const { size, mediaType } = command;
        if (blob.size >= 0 && blob.size !== size) return refuse("SizeDiffers");
        if (present !== undefined && covers(present, command.expiresAt)) return accept();
        const expiresAt = prolonged(command.expiresAt, at);
        return accept({ type: "BlobStored", digest, size, mediaType, place, expiresAt, at });
      }
      case "ExpireBlob":
        if (blob.size < 0) return refuse("NotStoredThere");
        if (present === undefined) return accept(); // Dropped before.
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

/** Whether a copy that lives until `present` is there for as long as is wanted. */
const covers = (present: Instant | null, wanted: Instant | null): boolean =>
  present === null || (wanted !== null && wanted <= present);

/**
 * A temporary copy is kept an eighth longer than was asked for: bytes that are stored again and
 * again then cost one event in each eighth of their life, and none is dropped before its time.
 */
const prolonged = (wanted: Instant | null, now: Instant): Instant | null =>
  wanted === null ? null : wanted + Math.max(0, Math.ceil((wanted - now) / 8));
