import assert from "node:assert/strict";
import { test } from "node:test";
import { heartbeatSubjects, nodeOfSubject, resultSubject, resultSubjects } from "./names.ts";

test("a subject names its node only if it is one of the subjects that were asked for", () => {
  assert.equal(nodeOfSubject(resultSubject("ada"), resultSubjects), "ada");
  assert.equal(nodeOfSubject("cnct.result.ada-1", resultSubjects), "ada-1");
  for (const subject of [
    "cnct.task.ada", // The server delivers it to whoever listens where a node wants it.
    "cnct.commit.ada",
    "cnct.result.ada.more",
    "cnct.result.",
    "cnct.result.*",
    "cnct.resultsxada",
    "_INBOX.ada.x",
  ])
    assert.equal(nodeOfSubject(subject, resultSubjects), undefined, subject);
  assert.equal(nodeOfSubject("cnct.result.ada", heartbeatSubjects), undefined);
});
