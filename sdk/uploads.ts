/** Storing bytes: large ones alone, small ones that come while others are on their way together. */
import { type ParcelBlob, parcelBlobBytesMax, parcelBlobsMax } from "../domain/blob/parcel.ts";
import type { BlobRef } from "../domain/job/spec.ts";
import { digestOf } from "./digest.ts";
import { CnctRefusal } from "./errors.ts";
import type { Http } from "./http.ts";
import { together } from "./together.ts";

export interface Uploads {
  upload(bytes: Uint8Array, mediaType: string): Promise<BlobRef>;
}

/** More would only make parcels smaller. */
const parcelsInFlight = 2;

/** @param note - Hears where in the log each blob stands. */
export const openUploads = ({
  http,
  note,
}: {
  readonly http: Pick<Http, "putBlob" | "putParcel">;
  readonly note: (position: string) => void;
}): Uploads => {
  const alone = async ({ bytes, mediaType }: ParcelBlob): Promise<BlobRef> => {
    const digest = await digestOf(bytes);
    const position = await http.putBlob(digest, bytes, mediaType);
    if (position !== undefined) note(position);
    return { digest, size: bytes.length };
  };
  const inParcel = together(
    async (blobs: readonly ParcelBlob[]): Promise<readonly BlobRef[]> => {
      const [only] = blobs;
      if (only !== undefined && blobs.length === 1) return [await alone(only)];
      const stored = await http.putParcel(blobs);
      return Promise.all(
        blobs.map(async ({ bytes }, index) => {
          const digest = await digestOf(bytes);
          const { digest: found, position } = stored[index] ?? {};
          if (found !== digest || position === undefined)
            throw new CnctRefusal("bad-answer", `the gateway did not store ${digest}`);
          note(position);
          return { digest, size: bytes.length };
        }),
      );
    },
    { most: parcelBlobsMax, inFlight: parcelsInFlight },
  );
  return {
    upload: (bytes, mediaType) =>
      (bytes.length > parcelBlobBytesMax ? alone : inParcel)({ bytes, mediaType }),
  };
};
