/** Starts GraphiQL on this gateway, with operations to begin with. */

const examples = [
  `# The network as this gateway sees it. Press Ctrl-Enter to ask.
query Network {
  network {
    version
    natsUrl
    head
    position
    jobs { open completed failed rejected cancelled }
    nodes { registered live suspended }
    points { issued funded awarded refunded sum }
  }
}
`,
  `# What jobs can run, what it costs, and which nodes offer it.
query Apps {
  apps {
    name
    title
    price
    quote(quorum: 2) { expected escrow }
    inputs { name mediaTypes }
    offers { executionClass nodes live slots }
  }
}
`,
  `# The smallest job. Submitted again it is the same job: created is false.
mutation Submit {
  submitJob(input: { client: "client:ada", app: "noop", nonce: "hello" }) {
    ... on SubmittedJob { hash created position }
    ... on Refusal { code message }
  }
}
`,
  `# Jobs, newest first, and who computed them.
query Jobs {
  jobs(first: 10) {
    nodes {
      hash
      app
      status
      reason
      output { digest size path }
      tasks { nodeId status executionClass elapsedMs }
      awards { nodeId amount }
    }
    pageInfo { hasNextPage endCursor }
  }
}
`,
  `# Everything that happens, as it happens.
subscription Events {
  events(after: "-1", batchMax: 20) {
    position
    events { position type stream at data }
  }
}
`,
];

const scheme = location.protocol === "https:" ? "wss" : "ws";
const socket = graphqlWs.createClient({ url: `${scheme}://${location.host}/graphql` });
const fetcher = GraphiQL.createFetcher({ url: "/graphql", wsClient: socket });

ReactDOM.createRoot(document.getElementById("graphiql")).render(
  React.createElement(GraphiQL, {
    fetcher,
    defaultTabs: examples.map((query) => ({ query })),
    shouldPersistHeaders: false,
  }),
);
