/** What the resolvers of each type start from: rows of the views where the wire has more fields. */
import type { AppName, CatalogueApp } from "../domain/catalogue.ts";
import type { Receipt } from "../domain/receipts/bundle.ts";
import type { ScoreChange } from "../domain/reputation/changes.ts";
import type { ReputationRecord } from "../domain/reputation/record.ts";
import type { RequesterRecord } from "../domain/reputation/requester.ts";
import type {
  AccountRow,
  BlobRow,
  EntryRow,
  JobRow,
  MeasuredSpeed,
  NodeView,
  Page,
  TaskRow,
} from "../projections/views.ts";
import type { RecordedEvent } from "../streams/event-store.ts";
import type { KnownIdentity } from "./access/identities.ts";
import type { Assignments } from "./assignments.ts";
import { GraphqlFault } from "./errors.ts";
import type { PageInfo, WireSources } from "./schema.types.ts";

export interface AppSource {
  readonly name: AppName;
  readonly app: CatalogueApp;
  /** The position that the asker wants to see. */
  readonly atLeast: string | null | undefined;
}

export interface TaskSource extends TaskRow {
  /** Those of the whole job, by `<replica>/<attempt>`. */
  readonly receipts: () => Promise<ReadonlyMap<string, Receipt>>;
  /** Likewise, and as lazily. */
  readonly assignments: Assignments;
}

export interface BatchSource {
  readonly position: bigint;
  readonly events: readonly RecordedEvent[];
}

export interface Connection<Row> {
  readonly edges: readonly { readonly cursor: string; readonly node: Row }[];
  readonly nodes: readonly Row[];
  readonly pageInfo: PageInfo;
}
interface Edge<Row> {
  readonly cursor: string;
  readonly node: Row;
}

interface RowSources {
  readonly Job: JobRow;
  readonly JobConnection: Connection<JobRow>;
  readonly JobEdge: Edge<JobRow>;
  readonly Task: TaskSource;
  readonly Node: NodeView;
  readonly MeasuredSpeed: MeasuredSpeed;
  readonly NodeConnection: Connection<NodeView>;
  readonly NodeEdge: Edge<NodeView>;
  readonly Reputation: ReputationRecord;
  readonly ScoreChange: ScoreChange;
  readonly ScoreChangeConnection: Connection<ScoreChange>;
  readonly ScoreChangeEdge: Edge<ScoreChange>;
  readonly Requester: RequesterRecord;
  readonly Account: AccountRow;
  readonly AccountConnection: Connection<AccountRow>;
  readonly AccountEdge: Edge<AccountRow>;
  readonly Entry: EntryRow;
  readonly EntryConnection: Connection<EntryRow>;
  readonly EntryEdge: Edge<EntryRow>;
  readonly Blob: BlobRow;
  readonly BlobConnection: Connection<BlobRow>;
  readonly BlobEdge: Edge<BlobRow>;
  readonly App: AppSource;
  readonly Event: RecordedEvent;
  readonly EventBatch: BatchSource;
  readonly Identity: KnownIdentity;
  readonly Network: object;
}
export type GatewaySources = Omit<WireSources, keyof RowSources> & RowSources;

/** A page of rows in Relay's form. */
export const connection = <Row>(page: Page<Row>): Connection<Row> => {
  if (!page.ok)
    throw new GraphqlFault(
      "BAD_USER_INPUT",
      page.reason === "BadCursor"
        ? "after must be an endCursor or cursor of an earlier page of the same list"
        : "first must be 1 to 100",
    );
  const { edges, hasNextPage } = page;
  return {
    edges,
    nodes: edges.map(({ node }) => node),
    pageInfo: { hasNextPage, endCursor: edges.at(-1)?.cursor ?? null },
  };
};

/** Arguments of a list as the views want them. */
export const pageOf = ({
  first,
  after,
}: {
  readonly first?: number | undefined;
  readonly after?: string | null | undefined;
}): { readonly first: number; readonly after?: string } => ({
  first: first ?? 20,
  ...(after === undefined || after === null ? {} : { after }),
});

/** Filters without the conditions that were not given. */
export const given = <Filter extends object>(
  filter: Filter,
): { [K in keyof Filter]?: NonNullable<Filter[K]> } =>
  Object.fromEntries(
    Object.entries(filter).filter(([, value]) => value !== undefined && value !== null),
  ) as { [K in keyof Filter]?: NonNullable<Filter[K]> };
