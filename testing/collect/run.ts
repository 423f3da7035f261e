/** Short ways to run the collector in a test. */

import assert from "node:assert/strict";
import { parseAllowList } from "../../domain/collection/allow-list.ts";
import type { CollectedItem, FailedItem, FetchedItem } from "../../domain/collection/items.ts";
import { type CollectSeams, openCollect } from "../../worker/collect/collect.ts";
import type { Executor } from "../../worker/executor.ts";
import { execute, parseJson } from "../fixtures/execute.ts";

/** Allows example.org and every name below it. */
export const openTestCollect = (seams: CollectSeams): Executor => {
  const allowed = parseAllowList(["example.org", "*.example.org"]);
  assert.ok(allowed.ok);
  return openCollect({ allow: allowed.list, version: "1.2.3" }, { gapMs: 0, ...seams });
};

export const collect = async (
  executor: Executor,
  urls: readonly string[],
  params: object = {},
): Promise<readonly CollectedItem[]> => {
  const { output, mediaType } = await execute(executor, {}, { params: { urls, ...params } });
  assert.equal(mediaType, "application/json");
  return (parseJson(output) as { items: readonly CollectedItem[] }).items;
};

export const fetchedFrom = async (
  executor: Executor,
  url: string,
  params: object = {},
): Promise<FetchedItem> => {
  const [item] = await collect(executor, [url], params);
  assert.ok(item?.outcome === "fetched", JSON.stringify(item));
  return item;
};

export const failedAt = async (
  executor: Executor,
  url: string,
  params: object = {},
): Promise<FailedItem> => {
  const [item] = await collect(executor, [url], params);
  assert.ok(item?.outcome === "failed", JSON.stringify(item));
  return item;
};

export const textOf = ({ body }: FetchedItem): string => {
  assert.ok(body && "text" in body);
  return body.text;
};
