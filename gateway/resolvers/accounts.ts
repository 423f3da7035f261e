import { type AccountId, bondAccount, pendingAccount } from "../../domain/ids.ts";
import type { AccountRow, Views } from "../../projections/views.ts";
import { type Context, seen } from "../context.ts";
import type { AccountKind, Resolvers } from "../schema.types.ts";
import { connection, type GatewaySources, pageOf } from "../sources.ts";

type All = Resolvers<GatewaySources, Context>;

const kinds = {
  CLIENT: "client",
  NODE: "node",
  PENDING: "pending",
  BOND: "bond",
  ESCROW: "escrow",
  ISSUANCE: "issuance",
  SLASH_SINK: "slash-sink",
} as const satisfies Readonly<Record<AccountKind, string>>;

/** An account; of a node also one that has nothing yet but what is pending or in bond. */
export const accountOf = (views: Views, account: AccountId): AccountRow | undefined => {
  const row = views.account(account);
  if (row) return row;
  const beside = besideOf(account);
  const other = beside && (views.account(beside.pending) ?? views.account(beside.bond));
  if (!other) return undefined;
  const { lastPosition } = other;
  return { account, balance: 0n, settlesBy: null, entries: 0, lastPosition };
};

/** The accounts beside that of a node. */
const besideOf = (
  account: AccountId,
): { readonly pending: AccountId; readonly bond: AccountId } | undefined => {
  if (!account.startsWith("node:")) return undefined;
  const nodeId = account.slice("node:".length);
  return { pending: pendingAccount(nodeId), bond: bondAccount(nodeId) };
};

export const Query: Pick<All["Query"], "account" | "accounts"> = {
  account: async (_, { id, atLeast }, { gateway }) => {
    await seen(gateway, atLeast);
    return accountOf(gateway.projections.views, id) ?? null;
  },
  accounts: async (_, { filter, atLeast, ...page }, { gateway }) => {
    await seen(gateway, atLeast);
    const wanted = filter?.kind ? { kind: kinds[filter.kind] } : {};
    return connection(gateway.projections.views.accounts(wanted, pageOf(page)));
  },
};

export const Account: All["Account"] = {
  id: ({ account }) => account,
  pending: ({ account }, _, { gateway }) => {
    const beside = besideOf(account);
    return beside ? (gateway.projections.views.account(beside.pending)?.balance ?? 0n) : null;
  },
  settlesBy: ({ account, settlesBy }, _, { gateway }) => {
    const beside = besideOf(account);
    return beside
      ? (gateway.projections.views.account(beside.pending)?.settlesBy ?? null)
      : settlesBy;
  },
  bond: ({ account }, _, { gateway }) => {
    const beside = besideOf(account);
    return beside ? (gateway.projections.views.account(beside.bond)?.balance ?? 0n) : null;
  },
  entryCount: ({ entries }) => entries,
  entries: ({ account }, page, { gateway }) =>
    connection(gateway.projections.views.entries(account, pageOf(page))),
};

export const Entry: All["Entry"] = {
  counterparties: ({ counterAccounts }) => counterAccounts,
};
