/**
 * The matrix: a canary in every field of every route is read. The samples hold every field of the API references; a
 * field that is missing here is an unknown field, which the property test covers.
 */
import assert from "node:assert/strict";
import { describe, it } from "node:test";

import fc from "fast-check";

import { isHoldfastError } from "../../core/index.ts";
import { anthropicAnswers, anthropicRequests } from "../../../test/upstreams/fields-anthropic.ts";
import { geminiAnswers, geminiRequests } from "../../../test/upstreams/fields-gemini.ts";
import { openaiAnswers, openaiRequests } from "../../../test/upstreams/fields-openai.ts";
import { operations, type Operation } from "./index.ts";

const CANARY = "c4nary";

const requests = { ...openaiRequests, ...anthropicRequests, ...geminiRequests };
const answers = { ...openaiAnswers, ...anthropicAnswers, ...geminiAnswers };

type Path = readonly (string | number)[];

/** Every string of `value`, and every name, by path. */
function* places(value: unknown, path: Path = []): Generator<{ path: Path; isName: boolean }> {
  if (typeof value === "string") yield { path, isName: false };
  else if (Array.isArray(value)) for (const [index, item] of value.entries()) yield* places(item, [...path, index]);
  else if (typeof value === "object" && value !== null) {
    for (const [name, member] of Object.entries(value)) {
      yield { path: [...path, name], isName: true };
      yield* places(member, [...path, name]);
    }
  }
}

/** A copy of `value` with the string, or the name, at `path` replaced. */
function replaced(value: unknown, path: Path, isName: boolean, by: string): unknown {
  const [step, ...rest] = path;
  if (step === undefined) return by;
  if (Array.isArray(value))
    return value.map((item, index) => (index === step ? replaced(item, rest, isName, by) : item));
  return Object.fromEntries(
    Object.entries(value as object).map(([name, member]) => {
      if (name !== step) return [name, member];
      return isName && rest.length === 0 ? [by, member] : [name, replaced(member, rest, isName, by)];
    }),
  );
}

/** True when the canary is read, or the message is refused as wrong, which happens to names and types only. */
function isRead(
  parse: (value: unknown) => { spans: readonly { text: string }[] },
  value: unknown,
  code: string,
  mayRefuse = true,
): boolean {
  try {
    return parse(value).spans.some((span) => span.text.includes(CANARY));
  } catch (error) {
    assert.ok(mayRefuse && isHoldfastError(error, code), String(error));
    assert.ok(!error.message.includes(CANARY));
    return true;
  }
}

/** A model beside that of the path: one that differs is refused. */
const mustAgree = (path: Path): boolean => path.at(-1) === "model";

/** The model of the samples, where the path names it. */
const inPath = ({ path }: Operation): string | undefined => (path.includes("{model}") ? "m" : undefined);

function sides(
  operation: Operation,
): { name: string; sample: unknown; parse: Operation["parseResponse"]; code: string }[] {
  const { id } = operation;
  return [
    {
      name: `${id} request`,
      sample: requests[id],
      parse: (v: unknown) => operation.parseRequest(v, inPath(operation)) as never,
      code: "gateway.request-invalid",
    },
    {
      name: `${id} answer`,
      sample: answers[id],
      parse: (v: unknown) => operation.parseResponse(v),
      code: "gateway.upstream-invalid",
    },
  ].filter(({ sample }) => sample !== undefined);
}

describe("coverage: a canary is read", () => {
  for (const { name, sample, parse, code } of operations.flatMap(sides)) {
    it(`in every string and every name of ${name}`, () => {
      assert.ok(parse(sample).spans.every((span) => !span.text.includes(CANARY)));
      let count = 0;
      for (const { path, isName } of places(sample)) {
        count++;
        const value = replaced(sample, path, isName, isName ? CANARY : `${CANARY} x`);
        assert.ok(
          isRead(parse, value, code, isName || mustAgree(path)),
          `${isName ? "name" : "string"} ${path.join(".")}`,
        );
      }
      assert.ok(count > 4);
    });

    it(`at the end of every string of ${name}, long base64 excepted`, () => {
      for (const { path, isName } of places(sample)) {
        if (isName) continue;
        const value = replaced(sample, path, false, `${"A".repeat(5_000)}+${CANARY} .`);
        assert.ok(isRead(parse, value, code, mustAgree(path)), path.join("."));
      }
    });
  }

  it("anywhere in a random value of any field of a request", () => {
    const text = fc.oneof(
      fc.constant(CANARY),
      fc.string().map((rest) => rest + CANARY),
    );
    const { holding } = fc.letrec<{ holding: unknown }>((tie) => ({
      holding: fc.oneof(
        { maxDepth: 5 },
        text,
        text,
        fc
          .tuple(fc.array(fc.jsonValue({ maxDepth: 1 }), { maxLength: 2 }), tie("holding"))
          .map(([rest, one]) => [...rest, one]),
        fc
          .tuple(fc.jsonValue({ maxDepth: 1 }), fc.string(), tie("holding"))
          .map(([rest, name, one]) => ({ rest, [`${name}!`]: one })),
        fc.tuple(text, fc.jsonValue({ maxDepth: 1 })).map(([name, value]) => ({ [name]: value })),
      ),
    }));
    for (const operation of operations) {
      const sample = requests[operation.id];
      if (sample === undefined) continue;
      const all = [...places(sample)].map(({ path }) => path);
      fc.assert(
        fc.property(fc.constantFrom(...all), holding, fc.boolean(), (path, value, added) => {
          const target = added ? [...path.slice(0, -1), path.at(-1) as string | number] : path;
          const body = put(structuredClone(sample), target, value, added);
          assert.ok(isRead((v) => operation.parseRequest(v, inPath(operation)), body, "gateway.request-invalid"));
        }),
        { numRuns: 400 },
      );
    }
  });
});

/** Puts `value` at `path`, or beside it under a new name. */
function put(sample: unknown, path: Path, value: unknown, beside: boolean): unknown {
  let holder = sample as Record<string | number, unknown>;
  for (const step of path.slice(0, -1)) holder = holder[step] as Record<string | number, unknown>;
  const last = path.at(-1) as string | number;
  if (Array.isArray(holder)) holder[typeof last === "number" ? last : 0] = value;
  else holder[beside ? `${last} beside` : last] = value;
  return sample;
}
