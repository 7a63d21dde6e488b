/**
 * The Gemini API: a request and an answer of each route with every field of the API references, for tests that put
 * something into each of them. Written by hand.
 *
 * @module
 */

import { IMAGE, schema } from "./fields-common.ts";

const geminiContents = [
  {
    role: "user",
    parts: [
      { text: "t" },
      { inlineData: { mimeType: "image/png", data: IMAGE, displayName: "n" } },
      { file_data: { mime_type: "image/png", file_uri: "https://u", display_name: "n" } },
      {
        functionResponse: {
          id: "i",
          name: "f",
          response: { a: ["b"] },
          parts: [{ inlineData: { mimeType: "image/png", data: IMAGE } }],
        },
      },
      { codeExecutionResult: { outcome: "OUTCOME_OK", output: "o" } },
      { novelPart: { deep: ["x"] } },
    ],
  },
  {
    role: "model",
    parts: [
      { text: "t", thought: true, thoughtSignature: "c2ln" },
      {
        functionCall: {
          id: "i",
          name: "f",
          args: { a: { b: ["c"] } },
          partialArgs: [{ jsonPath: "$", stringValue: "v" }],
        },
      },
      { executableCode: { language: "PYTHON", code: "c", id: "i" } },
    ],
  },
  { parts: [{ text: "t", videoMetadata: { startOffset: "1s" }, partMetadata: { k: "v" } }] },
];
const geminiRequest = {
  model: "models/m",
  contents: geminiContents,
  systemInstruction: { role: "system", parts: [{ text: "s" }] },
  tools: [
    {
      functionDeclarations: [
        {
          name: "f",
          description: "d",
          parameters: schema,
          parametersJsonSchema: schema,
          response: schema,
          behavior: "BLOCKING",
        },
      ],
    },
    { googleSearch: { excludeDomains: ["d"] } },
  ],
  toolConfig: { functionCallingConfig: { mode: "ANY", allowedFunctionNames: ["f"] } },
  safetySettings: [{ category: "c", threshold: "t" }],
  generationConfig: {
    stopSequences: ["x"],
    responseMimeType: "application/json",
    responseSchema: schema,
    response_json_schema: schema,
    responseModalities: ["TEXT"],
    candidateCount: 1,
    maxOutputTokens: 5,
    temperature: 1,
    topP: 1,
    topK: 1,
    seed: 1,
    presencePenalty: 0,
    frequencyPenalty: 0,
    responseLogprobs: true,
    logprobs: 2,
    speechConfig: { voice: "v" },
  },
  cachedContent: "cachedContents/1",
  labels: { k: "v" },
  serviceTier: "standard",
  store: false,
  unknown: { a: [{ b: "c" }] },
};

const embed = {
  model: "models/m",
  content: { parts: [{ text: "t" }] },
  taskType: "T",
  title: "t",
  output_dimensionality: 4,
  k: "v",
};

export const geminiRequests: Readonly<Record<string, unknown>> = {
  "gemini.generate": geminiRequest,
  "gemini.stream": { ...geminiRequest, system_instruction: "s", generation_config: null },
  "gemini.embed": embed,
  "gemini.embed-batch": { requests: [embed], unknown: "x" },
  "gemini.count-tokens": { generateContentRequest: geminiRequest },
};

const answer = {
  candidates: [
    {
      index: 0,
      content: geminiContents[1],
      finishReason: "STOP",
      finishMessage: "m",
      safetyRatings: [{ category: "c", probability: "p" }],
      citationMetadata: { citationSources: [{ uri: "u", license: "l" }] },
      groundingMetadata: { webSearchQueries: ["q"], groundingChunks: [{ web: { uri: "u", title: "t" } }] },
      urlContextMetadata: { urlMetadata: [{ retrievedUrl: "u" }] },
      tokenCount: 1,
      avgLogprobs: -1,
      logprobsResult: {
        chosenCandidates: [{ token: "t", tokenId: 1, logProbability: -1 }],
        topCandidates: [{ candidates: [{ token: "t", tokenId: 1, logProbability: -1 }] }],
      },
    },
    { index: 1, content: geminiContents[0] },
  ],
  promptFeedback: { blockReason: "SAFETY", safetyRatings: [{ category: "c" }] },
  usageMetadata: {
    promptTokenCount: 3,
    promptTokensDetails: [{ modality: "TEXT", tokenCount: 3 }],
    candidatesTokenCount: 4,
    candidatesTokensDetails: [{ modality: "TEXT", tokenCount: 4 }],
    toolUsePromptTokensDetails: [{ modality: "DOCUMENT" }],
    cacheTokensDetails: [{ modality: "IMAGE" }],
    serviceTier: "standard",
    trafficType: "ON_DEMAND",
  },
  modelVersion: "m",
  responseId: "r",
  unknown: { a: "b" },
};

export const geminiAnswers: Readonly<Record<string, unknown>> = {
  "gemini.generate": answer,
  "gemini.stream": answer,
  "gemini.embed": { embedding: { values: [0.1], statistics: { k: "v" } }, metadata: { k: "v" } },
  "gemini.embed-batch": {
    embeddings: [{ values: [0.1, 0.2] }],
    usageMetadata: { promptTokenDetails: [{ modality: "TEXT" }] },
  },
  "gemini.count-tokens": { totalTokens: 3, promptTokensDetails: [{ modality: "TEXT" }], unknown: "x" },
};
