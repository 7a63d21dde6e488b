import assert from "node:assert/strict";
import { describe, it } from "node:test";

import type { Principal } from "../identity/principal.ts";
import type { Exchange } from "../receipt/receipt.ts";
import { operations, type Operation } from "../wire/index.ts";
import { admit } from "./admit.ts";
import { extractionConfig } from "./config.ts";
import type { Extraction } from "./extraction.ts";
import type { Query } from "./features.ts";

/** What the watch is told of a request for embeddings. */
async function queriesOf(input: unknown): Promise<readonly Query[]> {
  return await toldOf("openai.embeddings", "embed", { model: "m", input });
}

/** And of one for an answer. */
async function chatOf(content: unknown): Promise<readonly Query[]> {
  return await toldOf("openai.chat", "infer", { model: "m", messages: [{ role: "user", content }] });
}

async function toldOf(id: string, action: "embed" | "infer", value: object): Promise<readonly Query[]> {
  const operation = operations.find((one) => one.id === id) as Operation;
  const body = Buffer.from(JSON.stringify(value), "utf8");
  let told: readonly Query[] = [];
  const extraction = {
    secret: "ab".repeat(32),
    watches: () => true,
    admit: async (_exchange: Exchange, { queries }: { readonly queries: readonly Query[] }) => {
      told = queries;
      return { coarse: false, answered() {} };
    },
  } as unknown as Extraction;
  const principal = { keyId: "k", app: "a" } as Principal;
  const door = {
    principal,
    operation,
    actions: [action],
    parsed: operation.parseRequest(value),
    value,
    body,
  } as const;
  const watched = { config: extractionConfig.parse({}), extraction };
  await admit({} as Exchange, door, watched, { cancelled: false, onCancel: undefined });
  return told;
}

const fingerprints = (queries: readonly Query[]): ReadonlySet<string> =>
  new Set(queries.map(({ fingerprint: { high, low } }) => `${high} ${low}`));

describe("inputs that are no text, as the watch sees them", () => {
  it("count as often as there are, the same only where the whole request is", async () => {
    const ofRows = async (...last: readonly number[]): Promise<ReadonlySet<string>> =>
      fingerprints(await queriesOf([[1, 2], [3, 4], last]));
    const one = await ofRows(1, 2);
    assert.equal(one.size, 3);
    assert.deepEqual(await ofRows(1, 2), one);
    assert.equal(new Set([...one, ...(await ofRows(1, 3))]).size, 6);
    assert.equal((await queriesOf(["a", "b"])).length, 2);
    const single = await Promise.all([queriesOf([1, 2]), queriesOf([3, 4]), queriesOf([5])]);
    assert.equal(fingerprints(single.flat()).size, 3, "a request with one input is told from the next");
  });

  it("tell requests for an answer apart, where texts do not", async () => {
    const image = (data: string): object => ({
      type: "image_url",
      image_url: { url: `data:image/png;base64,${data}` },
    });
    const png = (last: string): string =>
      Buffer.from(`\x89PNG\r\n\x1a\n${"0".repeat(90)}${last}`, "latin1").toString("base64");
    const [one, same, other] = await Promise.all(["a", "a", "b"].map((last) => chatOf([image(png(last))])));
    assert.deepEqual(one, same);
    assert.notDeepEqual(one?.[0]?.fingerprint, other?.[0]?.fingerprint);
    assert.deepEqual(await chatOf("hi"), await chatOf("hi"));
  });

  it("cost what reading the request once costs, however many there are", { timeout: 10_000 }, async () => {
    const input = Array.from({ length: 2_000 }, (_, at) => Array.from({ length: 400 }, (_, index) => 7 * at + index));
    assert.equal((await queriesOf(input)).length, 2_000);
  });
});
