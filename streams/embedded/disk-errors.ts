import type { EventStoreErrorCode } from "../event-store.ts";

const fullCodes = new Set(["ENOSPC", "EDQUOT", "EFBIG"]);

/** Whether the disk had no room, or did not do it for another reason. */
export const diskErrorCode = (error: unknown): EventStoreErrorCode =>
  error instanceof Error && "code" in error && fullCodes.has(String(error.code))
    ? "disk-full"
    : "unavailable";
