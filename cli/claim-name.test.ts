import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { test } from "node:test";
import { claimName } from "./claim-name.ts";

const skip = process.platform === "linux" ? false : "only Linux has abstract sockets";
const gateway = "http://127.0.0.1:1";

test("a name is one worker's in a network, until it is released", { skip }, async () => {
  const release = await claimName(gateway, "ada-1");
  await assert.rejects(claimName("http://localhost:1/", "ada-1"), {
    code: "name-in-use",
    message: /ada-1 runs on this machine already; stop it/,
  });
  for (const [network, name] of [
    [gateway, "ada-2"],
    ["http://127.0.0.1:2", "ada-1"],
  ] as const)
    await (await claimName(network, name))();
  await release();
  await (await claimName(gateway, "ada-1"))();
});

test("a worker that was killed gives its name back at once", { skip }, async () => {
  const file = join(import.meta.dirname, "claim-name.ts");
  const program = `import { claimName } from ${JSON.stringify(file)};
    await claimName("${gateway}", "bob-1"); console.log("claimed"); setInterval(() => {}, 1e6);`;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(child.stdout, "data");
  await assert.rejects(claimName(gateway, "bob-1"), { code: "name-in-use" });
  child.kill("SIGKILL");
  await once(child, "exit");
  await (await claimName(gateway, "bob-1"))();
});
