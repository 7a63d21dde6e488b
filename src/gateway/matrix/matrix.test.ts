/** The matrix, generated: nothing that a shape can hold goes past a guard, and nothing is missing from it. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { systemClock } from "../../core/index.ts";
import { gatewayConfig } from "../config.ts";
import type { GatewayServices } from "../module.ts";
import { METHODS } from "../mcp/protocol.ts";
import { predictOperations } from "../predict/operations.ts";
import { routes } from "../route/table.ts";
import { operations, type Operation } from "../wire/index.ts";
import { coverage } from "./command.ts";
import { covered } from "./covered.ts";
import { coverageOf, coveredBy, type Cell } from "./matrix.ts";
import { samplesOf } from "./samples.ts";

const cells = await coverageOf(covered);
const of = (route: string, direction: Cell["direction"], stream = false): readonly Cell[] =>
  cells.filter((cell) => cell.route === route && cell.direction === direction && cell.stream === stream);

describe("the coverage matrix", () => {
  it("has no cell in which a text is delivered unread", () => {
    assert.deepEqual(
      cells.filter(({ outcome }) => outcome === "delivered"),
      [],
    );
  });

  it("has every operation, in both directions, and as a stream where it has one", () => {
    for (const { operation } of routes()) {
      const { id, method } = operation;
      if (method === "POST") assert.ok(of(id, "request").length > 4, id);
      assert.ok(of(id, "answer").length > 2, id);
      assert.equal(of(id, "answer", true).length > 20, operation.responseStream !== undefined, id);
    }
    for (const method of [...METHODS.modern, ...METHODS.legacy]) {
      const id = `mcp.${method}`;
      assert.ok(of(id, "request").length > 5 && of(id, "answer").length > 20, id);
      const said = new Set(of(id, "answer", true).map(({ event }) => event));
      const all = ["error", "notification", "ping", "roots/list", "sampling/createMessage", "elicitation/create"];
      assert.deepEqual([...said], all, id);
    }
    assert.ok(of("mcp.answer", "request").length > 2 && of("mcp.notifications/progress", "request").length > 5);
  });

  it("reads the ids and names of messages of MCP, and blocks what it finds in them", () => {
    const heads = cells.filter(({ route, field }) => route.startsWith("mcp.") && /^\/(?:id|method)$/.test(field));
    assert.ok(heads.length > 20);
    for (const { outcome, origin } of heads) assert.deepEqual([outcome, origin], ["blocked", "metadata"]);
  });

  it("names as not scanned only what is numbers, and replaces only what has no meaning", () => {
    for (const { form, outcome } of cells) {
      if (outcome === "not scanned") assert.equal(form, "numbers");
      if (outcome === "replaced") assert.equal(form, "padding");
    }
    assert.ok(cells.some(({ outcome }) => outcome === "replaced"));
  });

  it("refuses what is not the protocol in a request, and reads it in an answer", () => {
    // A list of token ids may be a list of texts.
    const wrong = cells.filter(
      ({ form, field, route }) => form === "wrong-type" && !(route.startsWith("openai.") && field.startsWith("/input")),
    );
    assert.ok(wrong.some(({ direction }) => direction === "request"));
    for (const { direction, outcome, field, route } of wrong) {
      if (direction === "request") assert.equal(outcome, "refused", `${route} ${field}`);
    }
  });

  it("blocks what a mask would break: signed thinking in both directions, and names", () => {
    for (const { field, form, outcome } of cells) {
      if (form === "name") assert.notEqual(outcome, "masked", field);
    }
    const thinking = [
      ...of("anthropic.messages", "request"),
      ...of("anthropic.count-tokens", "request"),
      ...of("anthropic.messages", "answer"),
      ...of("anthropic.messages", "answer", true),
    ].filter(({ field }) => /\((?:redacted_)?thinking(?:_delta)?\)\/(?:thinking|data)$/.test(field));
    assert.ok(thinking.length >= 6);
    for (const cell of thinking) assert.equal(cell.outcome, "blocked", JSON.stringify(cell));
  });

  it("holds the fields that are known to be forgotten", () => {
    const seen = (route: string, direction: Cell["direction"], stream: boolean, field: RegExp): void => {
      const found = of(route, direction, stream).filter((cell) => field.test(cell.field));
      assert.ok(found.length > 0, String(field));
      for (const { outcome } of found) assert.ok(outcome === "masked" || outcome === "blocked", String(field));
    };
    seen("openai.chat", "request", false, /^\/messages\/\*\/tool_calls\/\*\/function\/arguments$/);
    seen("openai.chat", "answer", false, /^\/choices\/\*\/message\/refusal$/);
    seen("openai.chat", "answer", true, /^\/choices\/\*\/delta\/tool_calls\/\*\/function\/arguments$/);
    seen("openai.responses", "request", false, /^\/input\/\*\(function_call_output\)\/output$/);
    seen("openai.responses", "answer", true, /^\/item\(reasoning\)\/summary\/\*\(summary_text\)\/text$/);
    seen("openai.responses", "answer", true, /^\/response\/output\/\*\(message\)\/content\/\*\(output_text\)\/text$/);
    seen("anthropic.messages", "request", false, /\(tool_result\)\/content$/);
    seen("gemini.generate", "request", false, /^\/system_instruction\/parts\/\*\/text$/);
    seen("gemini.stream", "answer", true, /^\/candidates\/\*\/content\/parts\/\*\/functionCall\/args$/);
  });
});

describe("a matrix with a hole", () => {
  const chat = operations.find(({ id }) => id === "openai.chat") as Operation;

  it("shows it, for each direction and for streams", async () => {
    const blind: Operation = {
      ...chat,
      parseRequest: (value) => {
        const parsed = chat.parseRequest(value);
        return { ...parsed, spans: parsed.spans.filter(({ pointer }) => !pointer.endsWith("/name")) };
      },
      parseResponse: (value) => {
        const parsed = chat.parseResponse(value);
        return { ...parsed, spans: parsed.spans.filter(({ pointer }) => !pointer.endsWith("/refusal")) };
      },
      responseStream: (hooks) => {
        const openChannel: typeof hooks.openChannel = (origin, pointer, restores) =>
          hooks.openChannel(origin, pointer, restores);
        const silent = {
          push: (emit: string) => ({ emit, blocked: false }),
          end: () => ({ emit: "", blocked: false }),
        };
        return chat.responseStream?.({
          openChannel: (origin, pointer, restores) =>
            pointer.endsWith("/content")
              ? { ...silent, verdict: { action: "allow", findings: [], runs: [] } }
              : openChannel(origin, pointer, restores),
        }) as never;
      },
    };
    const holes = (await coverageOf([coveredBy(blind)])).filter(({ outcome }) => outcome === "delivered");
    assert.ok(holes.some(({ direction, field }) => direction === "request" && field.endsWith("/name")));
    assert.ok(
      holes.some(({ direction, stream, field }) => direction === "answer" && !stream && field.endsWith("/refusal")),
    );
    assert.ok(holes.some(({ stream, field }) => stream && field.endsWith("/content")));
  });
});

describe("the samples of a shape", () => {
  it("hold the text in one place each, and differ by it alone", () => {
    for (const { shapes } of [...operations, ...predictOperations]) {
      for (const sample of samplesOf(shapes.response)) {
        if (sample.form === "numbers" || sample.form === "json-escaped") continue;
        const text = JSON.stringify(sample.build("c4nary-x"));
        assert.ok(text.includes("c4nary-x") || text.includes(Buffer.from("c4nary-x").toString("base64")), sample.field);
        assert.ok(!JSON.stringify(sample.build("other-x")).includes("c4nary-x"));
      }
    }
  });
});

describe("holdfast gateway coverage", () => {
  const services = (gateway: object = {}): GatewayServices => ({
    clock: systemClock,
    db: () => Promise.reject(new Error("needs no state")),
    config: { gateway: gatewayConfig.parse(gateway) },
  });
  const plain = { bold: String, dim: String, red: String, green: String, yellow: String };
  const run = async (
    options: Record<string, string>,
    gateway?: object,
  ): Promise<{ text: string; data: never; exit: unknown }> => {
    const result = await coverage({ services: services(gateway), args: {}, options } as never);
    return { text: result.text(plain), data: result.data as never, exit: result.exit };
  };

  it("prints every route, with what each detector of this configuration does", async () => {
    const { text, exit } = await run({});
    for (const { id } of covered) assert.match(text, new RegExp(`^${id.replace(".", "\\.")} `, "m"));
    assert.match(text, /^secrets +block +mask$/m);
    assert.match(text, /no way past the guards$/m);
    assert.equal(exit, 0);
  });

  it("says what this configuration does", async () => {
    const guards = { secrets: { request: "off", response: "block" } };
    const { text } = await run({ route: "openai.embeddings" }, { guards });
    assert.match(text, /^request +\/input +document +masked +block +off /m);
    assert.match(text, /^answer +\/model +metadata +masked +mask +block /m);
  });

  it("prints each place for text of one route, where a mask becomes a block as well", async () => {
    const { text } = await run({ route: "anthropic.messages" });
    const line = text.split("\n").find((one) => one.startsWith("answer ") && one.includes("(thinking)/thinking "));
    assert.match(line ?? "", /assistant +blocked +block +block +off +flag/);
    assert.ok(!text.includes("openai"));
  });

  it("gives all of it as data", async () => {
    const { data } = await run({ route: "openai.embeddings" });
    const { cells: got, detectors } = data as {
      cells: (Cell & { detectors: object })[];
      detectors: { detector: string }[];
    };
    assert.equal(got.length, cells.filter(({ route }) => route === "openai.embeddings").length);
    assert.deepEqual(
      Object.keys(got[0]?.detectors ?? {}),
      detectors.map(({ detector }) => detector),
    );
  });

  it("refuses a route that is none", async () => {
    await assert.rejects(run({ route: "openai.nothing" }), /openai\.chat, openai\.responses/);
  });
});
