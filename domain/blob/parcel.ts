/**
 * A parcel: many small blobs in the body of one request, so that the request, its proof and its answer
 * are paid for once. Each blob is
 *
 *     1 byte     characters of the media type
 *     …          the media type, ASCII
 *     4 bytes    size, big-endian
 *     …          the bytes
 */

/** The media type of a parcel itself. */
export const parcelType = "application/vnd.cnct.parcel";
/** Of blobs in one parcel. */
export const parcelBlobsMax = 256;
/** A larger blob travels alone: what it costs besides its bytes does not matter. */
export const parcelBlobBytesMax = 16 * 1024;

const sizeBytes = 4;
const mediaTypeMax = 255;
/** Of a whole parcel. */
export const parcelBytesMax = parcelBlobsMax * (1 + mediaTypeMax + sizeBytes + parcelBlobBytesMax);

export interface ParcelBlob {
  readonly bytes: Uint8Array;
  readonly mediaType: string;
}

/** @throws {RangeError} For what is no parcel: too many blobs, one too large, a long media type. */
export const packParcel = (blobs: readonly ParcelBlob[]): Uint8Array<ArrayBuffer> => {
  if (blobs.length < 1 || blobs.length > parcelBlobsMax)
    throw new RangeError(`a parcel has 1 to ${parcelBlobsMax} blobs, not ${blobs.length}`);
  const types = blobs.map(({ mediaType }) => new TextEncoder().encode(mediaType));
  let length = 0;
  for (const [index, { bytes }] of blobs.entries()) {
    const typeLength = types[index]?.length ?? 0;
    if (typeLength > mediaTypeMax || bytes.length > parcelBlobBytesMax)
      throw new RangeError(`blob ${index} is too large for a parcel`);
    length += 1 + typeLength + sizeBytes + bytes.length;
  }
  const parcel = new Uint8Array(length);
  const view = new DataView(parcel.buffer);
  let at = 0;
  for (const [index, { bytes }] of blobs.entries()) {
    const type = types[index] ?? new Uint8Array();
    parcel[at] = type.length;
    parcel.set(type, at + 1);
    at += 1 + type.length;
    view.setUint32(at, bytes.length);
    parcel.set(bytes, at + sizeBytes);
    at += sizeBytes + bytes.length;
  }
  return parcel;
};

/** The blobs of a parcel, as views of its bytes; undefined if it is none. */
export const openParcel = (parcel: Uint8Array): readonly ParcelBlob[] | undefined => {
  const view = new DataView(parcel.buffer, parcel.byteOffset, parcel.byteLength);
  const blobs: ParcelBlob[] = [];
  let at = 0;
  while (at < parcel.length) {
    const typeEnd = at + 1 + (parcel[at] ?? 0);
    const start = typeEnd + sizeBytes;
    if (blobs.length === parcelBlobsMax || start > parcel.length) return undefined;
    const size = view.getUint32(typeEnd);
    if (size > parcelBlobBytesMax || start + size > parcel.length) return undefined;
    const type = parcel.subarray(at + 1, typeEnd);
    if (type.some((character) => character > 126)) return undefined;
    const mediaType = String.fromCharCode(...type);
    blobs.push({ mediaType, bytes: parcel.subarray(start, start + size) });
    at = start + size;
  }
  return blobs.length > 0 ? blobs : undefined;
};
