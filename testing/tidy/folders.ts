/** Who may import whom. This table is the rule; `rules.ts` only applies it. */

export interface FolderRule {
  /**
   * Paths from the root that files of this folder may import, besides their own folder. A path that
   * ends in `/` is a whole folder, `folder/*` the files directly in it (its ports, not its adapters).
   */
  readonly may: readonly string[] | "everything";
  /** Packages it may import, by name or scope; left out: any that has a decision record. */
  readonly packages?: readonly string[];
  /** Modules of Node it may import; left out: any. An empty list keeps the folder fit for browsers. */
  readonly node?: readonly string[];
}

export const folderRules: Readonly<Record<string, FolderRule>> = {
  domain: { may: [], packages: ["@noble/hashes"], node: [] },
  crypto: { may: ["domain/"], packages: ["@noble/"], node: ["node:crypto"] },
  services: { may: ["domain/", "streams/*"] },
  projections: { may: ["domain/", "streams/*"] },
  streams: { may: ["domain/"] },
  gateway: { may: ["domain/", "projections/", "streams/*", "crypto/"] },
  worker: {
    may: [
      "domain/",
      "crypto/",
      "streams/task-queue.ts",
      "streams/blob-store.ts",
      "streams/clock.ts",
    ],
  },
  sdk: { may: ["domain/", "crypto/"], node: [] },
  apps: { may: ["sdk/", "worker/", "crypto/"] },
  bootstrap: { may: [], packages: [] },
  cli: { may: "everything" },
  testing: { may: "everything" },
  bench: { may: "everything" },
  examples: { may: "everything" },
  docs: { may: "everything" },
  deploy: { may: "everything" },
};

/** Never, not even through other modules: from a file of one of these, to a file that matches. */
export const neverReach: readonly {
  readonly from: readonly string[];
  readonly to: RegExp;
  readonly why: string;
}[] = [
  {
    from: ["gateway/", "services/", "projections/", "streams/"],
    to: /^crypto\/open[^/]*\.ts$/,
    why: "the server side cannot open a sealed payload",
  },
  { from: ["gateway/"], to: /^worker\//, why: "the gateway and the worker share only the domain" },
  { from: ["worker/"], to: /^gateway\//, why: "the gateway and the worker share only the domain" },
];

/** Drivers, each at home in one folder. (The composition roots and tests may use them too.) */
export const drivers: readonly { readonly package: string; readonly home: string }[] = [
  { package: "@eventstore/db-client", home: "streams/eventstoredb/" },
  { package: "@nats-io/", home: "streams/nats/" },
];

/** Past participles that do not end in -ed and may end an event's name. */
export const irregularParticiples: ReadonlySet<string> = new Set(
  "Begun Drawn Found Frozen Given Gone Held Kept Left Lost Met Paid Put Sent Set Shut Spent Split Taken Told Withdrawn Won Written".split(
    " ",
  ),
);
