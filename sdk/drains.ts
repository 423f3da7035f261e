/** An owner tells its nodes to take no tasks, and to go on. */

import type { Instant } from "../domain/decider.ts";
import type { NodeId } from "../domain/ids.ts";
import { CnctRefusal } from "./errors.ts";
import type { DrainedNode, Refusal } from "./schema.types.ts";

export interface Drains {
  /**
   * Tells one of your nodes to finish what it computes and to take no more tasks, until `resumeNode`.
   * A node that is away stays without tasks when it comes back.
   *
   * @param options.at - From then on; until then it gets no task that may last so long. Now if left out.
   * @throws {CnctRefusal} `node-unknown`, `node-owned-by-another`, `node-expelled`.
   */
  drainNode(id: NodeId, options?: { readonly at?: Instant }): Promise<DrainedNode>;
  /** @throws {CnctRefusal} `node-unknown`, `node-owned-by-another`. */
  resumeNode(id: NodeId): Promise<DrainedNode>;
}

type Answer =
  | ({ readonly __typename: "DrainedNode" } & DrainedNode)
  | ({ readonly __typename: "Refusal" } & Refusal);

const fields =
  "{ __typename ... on DrainedNode { id drainFrom position } ... on Refusal { code message } }";

export const openDrains = ({
  send,
  note,
}: {
  readonly send: <Data>(
    query: string,
    variables: Readonly<Record<string, unknown>>,
  ) => Promise<Data>;
  /** Hears the position of what was written. */
  readonly note: (position: string) => void;
}): Drains => {
  const told = (answer: Answer): DrainedNode => {
    if (answer.__typename === "Refusal") throw new CnctRefusal(answer.code, answer.message);
    const { __typename: _, ...node } = answer;
    note(node.position);
    return node;
  };
  return {
    drainNode: async (id, { at } = {}) => {
      const query = `mutation Drain($id: NodeId!, $at: Instant) { drainNode(id: $id, at: $at) ${fields} }`;
      return told((await send<{ drainNode: Answer }>(query, { id, at })).drainNode);
    },
    resumeNode: async (id) => {
      const query = `mutation Resume($id: NodeId!) { resumeNode(id: $id) ${fields} }`;
      return told((await send<{ resumeNode: Answer }>(query, { id })).resumeNode);
    },
  };
};
