/**
 * Coverage from end to end: a canary in a field of a request, of an answer and of the events of a stream, for every route,
 * through a whole gateway whose policy blocks it. Every field by its name once; every place of every field, without the
 * sockets, is `src/gateway/matrix/matrix.test.ts`.
 */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { samplesOf, type Sample } from "../../src/gateway/matrix/samples.ts";
import { operations, type Operation } from "../../src/gateway/wire/index.ts";
import type { RecordedRequest } from "../upstreams/fake.ts";
import { OTHER_GUARDS_OFF, startHarness, type Answer, type Harness } from "./harness.ts";
import { REQUESTS } from "./requests.ts";

const CANARY = "c4nary-of-holdfast";

const blocking = {
  ...OTHER_GUARDS_OFF,
  unicode: { request: "off", response: "off" },
  custom: {
    request: "block",
    response: "block",
    rules: [{ id: "canary", message: "a canary", words: [CANARY], part: true }],
  },
};

let harness: Harness;
/** What the upstream answers with. */
let planted: { readonly type: string; readonly body: string } | undefined;

before(async () => {
  harness = await startHarness({
    config: { guards: blocking, limits: { requestsPerMinute: 1_000_000 } },
    script: {
      answer: (_request: RecordedRequest, response) => {
        if (planted === undefined) return false;
        response.writeHead(200, { "content-type": planted.type }).end(planted.body);
        return true;
      },
    },
  });
});

after(async () => {
  await harness.close();
});

const urlOf = ({ path, queries }: Operation): string =>
  `${path.replace("{model}", "m")}${queries[0] === "" ? "" : `?${queries[0] ?? ""}`}`;

function ask(operation: Operation, body: unknown): Promise<Answer> {
  const { method } = operation;
  return method === "GET" ? harness.get(operation.path) : harness.post(urlOf(operation), body);
}

/** One sample for each field by its own name, and form: what differs in the rest is the same code. */
function oneOfEach(samples: readonly Sample[]): readonly Sample[] {
  const chosen = new Map<string, Sample>();
  for (const sample of samples) {
    if (sample.form === "numbers" || sample.form === "padding") continue;
    const key = `${sample.field.slice(sample.field.lastIndexOf("/"))} ${sample.form}`;
    if (!chosen.has(key)) chosen.set(key, sample);
  }
  return [...chosen.values()];
}

/** Nothing of the canary, as it is or encoded. */
function assertSilent(text: string, sample: Sample): void {
  const decoded = text.replaceAll(/\\+u([0-9a-f]{4})/g, (_, code: string) => String.fromCharCode(parseInt(code, 16)));
  assert.ok(!decoded.includes(CANARY) && !text.includes(Buffer.from(CANARY).toString("base64")), sample.field);
}

describe("a canary that policy blocks", () => {
  for (const operation of operations) {
    const { id, shapes } = operation;

    if (shapes.request !== undefined) {
      it(`reaches no upstream from any field of a request: ${id}`, async () => {
        planted = undefined;
        assert.equal((await ask(operation, REQUESTS[id])).status, 200);
        const asked = harness.upstream.requests.length;
        for (const sample of oneOfEach(samplesOf(shapes.request ?? { is: "any" }))) {
          const answer = await ask(operation, sample.build(CANARY));
          assert.ok(answer.status >= 400 && answer.status < 500, `${sample.field}: ${answer.status}`);
          assertSilent(answer.text, sample);
        }
        assert.equal(harness.upstream.requests.length, asked);
      });
    }

    it(`reaches no client from any field of an answer: ${id}`, async () => {
      for (const sample of oneOfEach(samplesOf(shapes.response))) {
        planted = { type: "application/json", body: JSON.stringify(sample.build(CANARY)) };
        const answer = await ask(operation, REQUESTS[id]);
        // A listing is made anew of what is known of models, so what else it says is left out.
        const made = operation.method === "GET" && answer.status === 200;
        assert.ok(made || answer.status === 403 || answer.status === 502, `${sample.field}: ${answer.status}`);
        assertSilent(answer.text, sample);
      }
    });

    for (const { name, shape, event } of shapes.events ?? []) {
      it(`reaches no client from any field of a streamed event: ${id}, ${name}`, async () => {
        for (const sample of oneOfEach(samplesOf(shape))) {
          planted = { type: "text/event-stream", body: `data: ${JSON.stringify(event(sample.build(CANARY)))}\n\n` };
          const answer = await ask(operation, { ...REQUESTS[id], ...(id === "gemini.stream" ? {} : { stream: true }) });
          assert.match(answer.text, /gateway\.(?:answer-blocked|upstream-)/, sample.field);
          assertSilent(answer.text, sample);
        }
      });
    }
  }
});
