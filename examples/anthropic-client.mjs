/**
 * The official Anthropic client through Holdfast. Only the base URL and the key differ from talking to the provider.
 *
 *     HOLDFAST_KEY=hf_… node examples/anthropic-client.mjs "What is the capital of France?"
 */

import Anthropic, { APIError } from "@anthropic-ai/sdk";

const client = new Anthropic({
  baseURL: process.env.HOLDFAST_URL ?? "http://127.0.0.1:8787",
  apiKey: process.env.HOLDFAST_KEY,
});
const model = process.env.HOLDFAST_MODEL ?? "smollm2-135m-instruct";
const content = process.argv[2] ?? "What is the capital of France?";

try {
  const stream = client.messages.stream({ model, max_tokens: 200, messages: [{ role: "user", content }] });
  stream.on("text", (text) => process.stdout.write(text));
  await stream.finalMessage();
  process.stdout.write("\n");
} catch (error) {
  // A blocked request arrives as the client's own error class: status 403, type permission_error.
  if (!(error instanceof APIError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
