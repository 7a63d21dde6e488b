/**
 * The official OpenAI client through Holdfast. Only the base URL and the key differ from talking to the provider.
 *
 *     HOLDFAST_KEY=hf_… node examples/openai-client.mjs "What is the capital of France?"
 */

import OpenAI, { APIError } from "openai";

const client = new OpenAI({
  baseURL: `${process.env.HOLDFAST_URL ?? "http://127.0.0.1:8787"}/v1`,
  apiKey: process.env.HOLDFAST_KEY,
});
const model = process.env.HOLDFAST_MODEL ?? "smollm2-135m-instruct";
const content = process.argv[2] ?? "What is the capital of France?";

try {
  const stream = await client.chat.completions.create({ model, stream: true, messages: [{ role: "user", content }] });
  for await (const chunk of stream) process.stdout.write(chunk.choices[0]?.delta.content ?? "");
  process.stdout.write("\n");
} catch (error) {
  // A blocked request arrives as the client's own error class: status 403, code gateway.blocked.
  if (!(error instanceof APIError)) throw error;
  console.error(`${error.code}: ${error.message}`);
  process.exitCode = 1;
}
