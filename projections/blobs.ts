/** One row a blob that is wanted somewhere. It goes with its last copy. */
import type { Instant } from "../domain/decider.ts";
import { beginsStream, type Projection } from "./projection.ts";
import type { BlobRow } from "./views.ts";

type Places = BlobRow["places"];

/** When the last copy may go: never, if one is permanent. */
const lastExpiry = (places: Places): Instant | null => {
  let last: Instant = 0;
  for (const { expiresAt } of places) {
    if (expiresAt === null) return null;
    last = Math.max(last, expiresAt);
  }
  return last;
};

export const blobs: Projection<BlobRow> = {
  name: "blobs",
  version: 1,
  on: {
    BlobStored: {
      keysOf: ({ digest }) => [digest],
      begins: beginsStream,
      evolve: (row, { digest, size, mediaType, place, expiresAt, at }, { position }) => {
        const elsewhere = (row?.places ?? []).filter((copy) => copy.place !== place);
        const places = [...elsewhere, { place, expiresAt }];
        return {
          digest,
          size,
          mediaType: row?.mediaType ?? mediaType,
          places,
          expiresAt: lastExpiry(places),
          storedAt: row?.storedAt ?? at,
          storedPosition: row?.storedPosition ?? position,
          lastPosition: position,
        };
      },
    },
    BlobExpired: {
      keysOf: ({ digest }) => [digest],
      evolve: (row, { place }, { position }) => {
        if (!row) return undefined;
        const places = row.places.filter((copy) => copy.place !== place);
        if (places.length === 0) return undefined;
        return { ...row, places, expiresAt: lastExpiry(places), lastPosition: position };
      },
    },
  },
};
