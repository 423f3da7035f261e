import type { RecordedEvent as ClientEvent } from "@eventstore/db-client";
import { beforeFirst, type RecordedEvent } from "../event-store.ts";

/** An event of the client as the port wants it. */
export const toRecorded = (event: ClientEvent): RecordedEvent => {
  const { id, streamId, revision, type, created, data, metadata } = event;
  const recorded = {
    id,
    stream: streamId,
    revision,
    position: event.position?.commit ?? beforeFirst,
    type,
    data,
    recordedAt: created.getTime(),
  };
  return metadata === undefined ? recorded : { ...recorded, metadata };
};
