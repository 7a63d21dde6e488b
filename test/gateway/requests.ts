/**
 * A request that each route takes, by the id of its operation.
 *
 * @module
 */

export const REQUESTS: Readonly<Record<string, object>> = {
  "openai.chat": { model: "m", messages: [{ role: "user", content: "hi" }] },
  "openai.responses": { model: "m", input: "hi" },
  "openai.embeddings": { model: "m", input: "hi" },
  "anthropic.messages": { model: "m", max_tokens: 5, messages: [{ role: "user", content: "hi" }] },
  "anthropic.count-tokens": { model: "m", messages: [{ role: "user", content: "hi" }] },
  "gemini.generate": { contents: [{ parts: [{ text: "hi" }] }] },
  "gemini.stream": { contents: [{ parts: [{ text: "hi" }] }] },
  "gemini.embed": { content: { parts: [{ text: "hi" }] } },
  "gemini.embed-batch": { requests: [{ model: "models/m", content: { parts: [{ text: "hi" }] } }] },
  "gemini.count-tokens": { contents: [{ parts: [{ text: "hi" }] }] },
};
