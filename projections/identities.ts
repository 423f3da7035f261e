/** One row an identity: whether it still counts. The gateway folds the rest when it needs it. */
import { beginsStream, type Projection } from "./projection.ts";
import type { IdentityRow } from "./views.ts";

const keysOf = ({ id }: { readonly id: string }): readonly string[] => [id];

export const identities: Projection<IdentityRow> = {
  name: "identities",
  version: 1,
  on: {
    IdentityRegistered: {
      keysOf,
      begins: beginsStream,
      evolve: (_, { id }, { position }) => ({
        id,
        revokedAt: null,
        lastPosition: position,
      }),
    },
    IdentityRevoked: {
      keysOf,
      evolve: (row, { at }, { position }) =>
        row && { ...row, revokedAt: at, lastPosition: position },
    },
  },
};
