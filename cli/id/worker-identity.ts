/** The identity that a worker works as. */

import { connect, openRegistry } from "../../sdk/index.ts";
import { asksForIdentities, patientWith } from "../cli.ts";
import { exitCodes } from "../exit-codes.ts";
import { CliFailure } from "../failures.ts";
import { type FoundIdentity, findIdentity } from "./find-identity.ts";

/**
 * @returns Undefined where the gateway asks for none.
 * @throws {CliFailure} `not-a-worker` for an identity that is no worker's; and as `findIdentity`.
 */
export const workerIdentity = async ({
  gateway,
  path,
  say,
}: {
  readonly gateway: string;
  readonly path: string;
  readonly say: (line: string) => void;
}): Promise<FoundIdentity | undefined> => {
  const { ask, close } = connect(patientWith(gateway));
  try {
    if (!(await asksForIdentities(ask))) return undefined;
    const found = await findIdentity({ path, registry: openRegistry(ask), say });
    const own = found.latest();
    if (own.roles.includes("worker")) return found;
    throw new CliFailure(
      "not-a-worker",
      `${own.id} in ${path} was made without the role worker; cnct id new --roles client,worker --id <file> makes one that has it`,
      exitCodes.badInput,
    );
  } finally {
    await close();
  }
};
