/**
 * The fields of a request of the Gemini API (API reference: `models.generateContent`, `models.embedContent`,
 * `models.batchEmbedContents`, `models.countTokens`; types `Content`, `Part`, `Tool`, `GenerationConfig`).
 *
 * The API is protocol buffers in JSON, which takes every field in two spellings (`inlineData`, `inline_data`), so the
 * shapes know both.
 *
 * @module
 */

import type { Origin } from "../../../guard/index.ts";
import { jsonSchema } from "../schema.ts";
import {
  any,
  boolean,
  from,
  list,
  number,
  record,
  reference,
  sealedBase64,
  text,
  unknownPart,
  word,
  type Fields,
  type RecordShape,
  type Shape,
} from "../shape.ts";

/** A record whose fields may be spelt in either way. */
export function both(fields: Readonly<Record<string, Shape>>, options: Partial<RecordShape> = {}): RecordShape {
  const snake = Object.entries(fields).map(([name, shape]) => [otherSpelling(name), shape] as const);
  return record({ ...Object.fromEntries(snake), ...fields }, options);
}

/** `maxOutputTokens` as `max_output_tokens`. */
export function otherSpelling(name: string): string {
  return name.replace(/[A-Z]/g, (capital) => `_${capital.toLowerCase()}`);
}

const blob = both({ mimeType: text, data: { is: "base64", media: "file" }, displayName: text });

const fileData = both({ mimeType: text, fileUri: { is: "reference", media: "file" }, displayName: text });

/** A function's arguments are an object, not a text of JSON. */
const functionCall = from("assistant", both({ id: text, name: text, args: any }, { rest: any }));

/** A part of a message. `said` is the shape of its text, `more` of what is not known of a function's call. */
export function partOf(said: Shape, call: Shape = functionCall): Shape {
  const part: Shape = both(
    {
      text: said,
      thought: boolean,
      thoughtSignature: sealedBase64,
      inlineData: blob,
      fileData,
      functionCall: call,
      functionResponse: from(
        "tool",
        both(
          {
            id: text,
            name: text,
            response: any,
            parts: list({ is: "lazy", shape: () => whole }),
            willContinue: boolean,
          },
          { rest: any },
        ),
      ),
      executableCode: both({ language: word("PYTHON"), code: text, id: text }),
      codeExecutionResult: from("tool", both({ outcome: text, output: text, id: text })),
      videoMetadata: any,
      partMetadata: any,
      mediaResolution: any,
    },
    { rest: from("metadata", unknownPart) },
  );
  const whole: Shape = said === text ? part : partOf(text);
  return part;
}

const part = partOf(text);

const ORIGINS: ReadonlyMap<unknown, Origin> = new Map([
  ["model", "assistant"],
  ["function", "tool"],
  ["tool", "tool"],
  ["system", "system"],
]);

/** Without a role, or with one that is not known, the user has spoken. */
const byRole = (content: Fields): Origin => ORIGINS.get(content["role"]) ?? "user";

const content = record({ role: word("user", "model", "function", "tool", "system"), parts: list(part) });

const contents: Shape = list(from(byRole, content));

const instruction: Shape = from("system", { is: "either", text, record: content });

const declaration = both(
  {
    name: text,
    description: text,
    parameters: jsonSchema,
    parametersJsonSchema: jsonSchema,
    response: jsonSchema,
    responseJsonSchema: jsonSchema,
    behavior: word("UNSPECIFIED", "BLOCKING", "NON_BLOCKING"),
  },
  { rest: any },
);

const fileSearch = both({ fileSearchStoreNames: list(reference) }, { rest: any });

/** What is searched for the answer: data stores and corpora that the upstream keeps. */
const retrieval = both(
  {
    vertexAiSearch: both(
      {
        datastore: reference,
        engine: reference,
        dataStoreSpecs: list(both({ dataStore: reference }, { rest: any })),
      },
      { rest: any },
    ),
    vertexRagStore: both(
      {
        ragCorpora: list(reference),
        ragResources: list(both({ ragCorpus: reference, ragFileIds: list(reference) }, { rest: any })),
      },
      { rest: any },
    ),
  },
  { rest: any },
);

const tools: Shape = list(
  from("tool", both({ functionDeclarations: list(declaration), fileSearch, retrieval }, { rest: any })),
);

const generationConfig = both(
  {
    stopSequences: list(text),
    responseMimeType: text,
    responseSchema: jsonSchema,
    responseJsonSchema: jsonSchema,
    responseModalities: list(text),
    candidateCount: number,
    maxOutputTokens: number,
    temperature: number,
    topP: number,
    topK: number,
    seed: number,
    presencePenalty: number,
    frequencyPenalty: number,
    responseLogprobs: boolean,
    logprobs: number,
  },
  { rest: any },
);

const fields: Readonly<Record<string, Shape>> = {
  model: text,
  contents,
  systemInstruction: instruction,
  tools,
  toolConfig: from("tool", any),
  safetySettings: any,
  generationConfig,
  cachedContent: reference,
  labels: { is: "map", of: any },
  serviceTier: text,
  store: boolean,
};

/** `POST /models/{model}:generateContent`, and `:streamGenerateContent`. */
export const generateRequest: Shape = both(fields, { required: ["contents"] });

/** `POST /models/{model}:countTokens`: what is counted stands here, or in a whole request. */
export const countRequest: Shape = both({ ...fields, generateContentRequest: both(fields) });

const embedding = both(
  {
    model: text,
    content: from("document", record({ role: word("user", "model"), parts: list(part) })),
    taskType: text,
    title: from("document", text),
    outputDimensionality: number,
  },
  { required: ["content"] },
);

/** `POST /models/{model}:embedContent`. What is embedded is a document: it is data, whoever wrote it. */
export const embedRequest: Shape = embedding;

/** `POST /models/{model}:batchEmbedContents`. */
export const embedBatchRequest: Shape = record({ requests: list(embedding) }, { required: ["requests"] });
