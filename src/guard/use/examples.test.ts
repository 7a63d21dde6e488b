import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { startFakeUpstream } from "../../../test/upstreams/fake.ts";
import { run } from "../commands/eval.ts";

const EXAMPLES = fileURLToPath(new URL("../../../examples/guard/", import.meta.url));
const AWS = ["AKIA", "Z7Q4TLM2XKPW3VHD"].join("");

async function node(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<{ stdout: string; stderr: string; code: number }> {
  const options = { env: { ...process.env, ...env, NODE_NO_WARNINGS: "1" } };
  try {
    return { ...(await promisify(execFile)(process.execPath, args, options)), code: 0 };
  } catch (error) {
    const { stdout, stderr, code } = error as { stdout: string; stderr: string; code: number };
    return { stdout, stderr, code };
  }
}

test("the example of the library prints a verdict and a masked stream", async () => {
  const { stdout, code } = await node([`${EXAMPLES}library.mjs`]);
  assert.equal(code, 0);
  assert.deepEqual(stdout.split("\n"), [
    "mask Deploy with [masked:secrets.aws-access-key-id], please",
    "critical secrets.aws-access-key-id at /messages/0/content 12 to 32",
    "Sure, [masked:secrets.aws-access-key-id] is the key",
    "",
  ]);
});

test("the example of a client streams an answer, and tells what was blocked", async () => {
  const upstream = await startFakeUpstream({ text: ["Pa", "ris."] });
  try {
    const env = { OPENAI_BASE_URL: upstream.url };
    assert.deepEqual(await node([`${EXAMPLES}clients.mjs`], env), { stdout: "Paris.\n", stderr: "", code: 0 });
    assert.deepEqual(await node([`${EXAMPLES}clients.mjs`, `is ${AWS} a key`], env), {
      stdout: "",
      stderr: "secrets.aws-access-key-id: an AWS access key id\n",
      code: 1,
    });
    assert.equal(upstream.requests.length, 1);
  } finally {
    await upstream.close();
  }
});

test("the example of an adapter runs on the example of a set", async () => {
  const { exit, data } = await run({
    services: undefined,
    args: {},
    options: { detector: ["unicode"], adapter: [`${EXAMPLES}adapter.mjs`] },
    progress: () => {},
    rest: [`${EXAMPLES}set.jsonl`],
  });
  assert.equal(exit, 0);
  const { rows, detectors } = data as {
    rows: object;
    detectors: { name: string; groups: { tpr?: { value: number } }[] }[];
  };
  assert.deepEqual(rows, { attacks: 2, benign: 2 });
  assert.equal(detectors[1]?.name, "words");
  assert.equal(detectors[1]?.groups[0]?.tpr?.value, 1);
});
