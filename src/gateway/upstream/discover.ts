/**
 * Looking for a model when the configuration names none: provider keys in the environment, then model servers on this
 * machine. It never pretends: what is not found is not there.
 *
 * @module
 */

import { request } from "undici";

import { parseJson } from "../../core/index.ts";
import { upstreamConfig, type UpstreamConfig } from "../config.ts";

/** Model servers people run on their own machine, at the addresses these have by default. */
const LOCAL = [
  { name: "ollama", url: "http://127.0.0.1:11434/v1" },
  { name: "llama-cpp", url: "http://127.0.0.1:8080/v1" },
] as const;

/** How long a local server has to list its models, in milliseconds. */
const WAIT_MS = 500;

/**
 * What could serve as upstream on this machine, in order of preference. Keys stay in the environment: the result
 * names the variable.
 */
export async function discoverUpstreams(
  env: Readonly<Record<string, string | undefined>>,
  local: readonly { readonly name: string; readonly url: string }[] = LOCAL,
): Promise<readonly UpstreamConfig[]> {
  const found: UpstreamConfig[] = [];
  if (env["OPENAI_API_KEY"] !== undefined && env["OPENAI_API_KEY"] !== "") {
    const url = "https://api.openai.com/v1";
    found.push(upstreamConfig.parse({ name: "openai", protocol: "openai", url, key: { env: "OPENAI_API_KEY" } }));
  }
  if (env["ANTHROPIC_API_KEY"] !== undefined && env["ANTHROPIC_API_KEY"] !== "") {
    const url = "https://api.anthropic.com/v1";
    found.push(
      upstreamConfig.parse({ name: "anthropic", protocol: "anthropic", url, key: { env: "ANTHROPIC_API_KEY" } }),
    );
  }
  if (env["GEMINI_API_KEY"] !== undefined && env["GEMINI_API_KEY"] !== "") {
    const url = "https://generativelanguage.googleapis.com/v1beta";
    found.push(upstreamConfig.parse({ name: "gemini", protocol: "gemini", url, key: { env: "GEMINI_API_KEY" } }));
  }
  const answers = await Promise.all(
    local.map(async (server) => ((await listsModels(server.url)) ? server : undefined)),
  );
  for (const server of answers) {
    if (server === undefined) continue;
    found.push(upstreamConfig.parse({ ...server, protocol: "openai" }));
    // Both kinds of server also speak Anthropic Messages, below the same URL.
    found.push(upstreamConfig.parse({ ...server, name: `${server.name}-anthropic`, protocol: "anthropic" }));
  }
  return found;
}

/** True when a server answers `GET /models` as the OpenAI API does: anything else on the port is left alone. */
async function listsModels(url: string): Promise<boolean> {
  try {
    const answer = await request(`${url}/models`, { signal: AbortSignal.timeout(WAIT_MS) });
    const value = parseJson(new Uint8Array(await answer.body.arrayBuffer()));
    return answer.statusCode === 200 && Array.isArray((value as { data?: unknown } | null)?.data);
  } catch {
    // Not running, not a model server, or too slow to be one.
    return false;
  }
}
