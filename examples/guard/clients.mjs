/**
 * The official OpenAI client with a guard in it, without a gateway between. What is blocked rejects with the verdict.
 *
 *     OPENAI_API_KEY=… node examples/guard/clients.mjs "What is the capital of France?"
 */

import OpenAI from "openai";

// In an application: all of it from "holdfast/guard".
import { createGuard, secretsDetector, unicodeDetector } from "../../src/guard/index.ts";
import { isGuardBlocked } from "../../src/guard/use/blocked.ts";
import { guardOpenAI } from "../../src/guard/use/clients.ts";

const guard = createGuard({
  detectors: [unicodeDetector, secretsDetector],
  settings: {
    unicode: { request: "block", response: "mask", onError: "block" },
    secrets: { request: "block", response: "mask", onError: "block" },
  },
});
const baseURL = process.env.OPENAI_BASE_URL ?? "http://127.0.0.1:8080/v1";
const client = guardOpenAI(new OpenAI({ baseURL, apiKey: process.env.OPENAI_API_KEY ?? "none" }), guard);
const model = process.env.OPENAI_MODEL ?? "smollm2-135m-instruct";
const content = process.argv[2] ?? "What is the capital of France?";

try {
  const stream = await client.chat.completions.create({ model, stream: true, messages: [{ role: "user", content }] });
  for await (const chunk of stream) process.stdout.write(chunk.choices[0]?.delta.content ?? "");
  process.stdout.write("\n");
} catch (error) {
  if (!isGuardBlocked(error)) throw error;
  for (const { rule, message } of error.verdict.findings) console.error(`${rule}: ${message}`);
  process.exitCode = 1;
}
