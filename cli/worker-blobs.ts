/** A worker's blobs at the gateway: small outputs that are ready together are stored together. */
import { type ParcelBlob, parcelBlobBytesMax, parcelBlobsMax } from "../domain/blob/parcel.ts";
import type { Fetch } from "../sdk/identity/authority.ts";
import { together } from "../sdk/together.ts";
import type { BlobSink, BlobSource } from "../streams/blob-store.ts";
import { httpBlobs } from "../streams/blobs/http.ts";
import { nativeSha256 } from "./native-proofs.ts";

/** With more of them parcels are smaller, and each takes a request and a proof. */
const parcelsInFlight = 1;

export const openWorkerBlobs = (at: {
  readonly gateway: string;
  readonly fetch: Fetch;
}): BlobSource & BlobSink => {
  const { get, put, putParcel } = httpBlobs({ ...at, sha256: nativeSha256 });
  const inParcel = together(
    async (blobs: readonly ParcelBlob[]) => {
      const [only] = blobs;
      if (only === undefined || blobs.length > 1) return putParcel(blobs);
      return [await put(only.bytes, only.mediaType)];
    },
    { most: parcelBlobsMax, inFlight: parcelsInFlight },
  );
  return {
    get,
    put: (bytes, mediaType) =>
      bytes.length > parcelBlobBytesMax ? put(bytes, mediaType) : inParcel({ bytes, mediaType }),
  };
};
