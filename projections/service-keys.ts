/** One row a secret of a service key: whose it is. What it is worth, the stream of the keys says. */
import type { Projection } from "./projection.ts";
import type { ServiceKeyRow } from "./views.ts";

export const serviceKeys: Projection<ServiceKeyRow> = {
  name: "serviceKeys",
  version: 1,
  on: {
    ServiceKeyIssued: {
      keysOf: ({ secretHash }) => [secretHash],
      evolve: (_, { secretHash, id, keyId }) => ({ secretHash, id, keyId }),
    },
    ServiceKeyRolled: {
      keysOf: ({ secretHash }) => [secretHash],
      evolve: (_, { secretHash, id, keyId }) => ({ secretHash, id, keyId }),
    },
  },
};
