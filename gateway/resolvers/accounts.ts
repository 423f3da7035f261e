import { type Context, seen } from "../context.ts";
import type { AccountKind, Resolvers } from "../schema.types.ts";
import { connection, type GatewaySources, pageOf } from "../sources.ts";

type All = Resolvers<GatewaySources, Context>;

const kinds = {
  CLIENT: "client",
  NODE: "node",
  ESCROW: "escrow",
  ISSUANCE: "issuance",
} as const satisfies Readonly<Record<AccountKind, string>>;

export const Query: Pick<All["Query"], "account" | "accounts"> = {
  account: async (_, { id, atLeast }, { gateway }) => {
    await seen(gateway, atLeast);
    return gateway.projections.views.account(id);
  },
  accounts: async (_, { filter, atLeast, ...page }, { gateway }) => {
    await seen(gateway, atLeast);
    const wanted = filter?.kind ? { kind: kinds[filter.kind] } : {};
    return connection(gateway.projections.views.accounts(wanted, pageOf(page)));
  },
};

export const Account: All["Account"] = {
  id: ({ account }) => account,
  entryCount: ({ entries }) => entries,
  entries: ({ account }, page, { gateway }) =>
    connection(gateway.projections.views.entries(account, pageOf(page))),
};

export const Entry: All["Entry"] = {
  counterparties: ({ counterAccounts }) => counterAccounts,
};
