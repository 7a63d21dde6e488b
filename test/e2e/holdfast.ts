/**
 * A whole Holdfast for end-to-end tests: `holdfast up` as a process of its own, on free ports and a folder of its own,
 * in front of one upstream that speaks both protocols.
 *
 * @module
 */

import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";

import { runProcess, startProcess, type Ran } from "./processes.ts";

export interface Holdfast {
  readonly url: string;
  /** The official clients, unmodified but for base URL and key. They do not retry: that would hide a fault. */
  readonly openai: OpenAI;
  readonly anthropic: Anthropic;
  /** The public part of the ledger, and what verifies it. */
  readonly ledger: { readonly folder: string; readonly vkey: string };
  /** Runs a command of `holdfast` with the same configuration. */
  command(...args: readonly string[]): Promise<Ran>;
  /** The bytes of every file of the data folder, and what the process printed, but for the line with the first key. */
  traces(): Promise<readonly { readonly name: string; readonly bytes: Buffer }[]>;
  /** Stops the process with SIGTERM, and resolves with its exit code. The folder stays. */
  stop(): Promise<number | null>;
  /** Stops it if it still runs, and removes the folder. */
  remove(): Promise<void>;
}

/** Starts Holdfast in front of the server at `upstream`, `http://127.0.0.1:<port>`. */
export async function startHoldfast(upstream: string): Promise<Holdfast> {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-e2e-"));
  const config = join(folder, "holdfast.yaml");
  await writeFile(
    config,
    [
      "gateway:",
      "  listen: 127.0.0.1:0",
      "  upstreams:",
      `    - { name: local, protocol: openai, url: "${upstream}/v1" }`,
      `    - { name: local-anthropic, protocol: anthropic, url: "${upstream}/v1" }`,
      "admin:",
      "  listen: 127.0.0.1:0",
      "data: data",
    ].join("\n"),
  );
  const env = environment(folder);
  const started = await startProcess(
    ["src/cli/main.ts", "up", "--config", config],
    /gateway (http:\/\/127\.0\.0\.1:\d+)[^]*?key {5}(hf_\S+)/,
    env,
  );
  const [, url, apiKey] = started.match;
  if (url === undefined || apiKey === undefined) throw new Error("holdfast up printed no address or key");
  let stopped: Promise<number | null> | undefined;
  const stop = () => (stopped ??= started.stop());

  return {
    url,
    openai: new OpenAI({ baseURL: `${url}/v1`, apiKey, maxRetries: 0 }),
    anthropic: new Anthropic({ baseURL: url, apiKey, maxRetries: 0 }),
    ledger: { folder: join(folder, "data", "ledger"), vkey: join(folder, "data", "keys", "ledger.vkey") },
    command: (...args) => runProcess(["src/cli/main.ts", ...args, "--config", config], env),
    stop,
    async traces() {
      const entries = await readdir(join(folder, "data"), { recursive: true, withFileTypes: true });
      const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
      return [
        ...(await Promise.all(files.map(async (name) => ({ name, bytes: await readFile(name) })))),
        { name: "output", bytes: Buffer.from(started.printed().replaceAll(apiKey, "")) },
      ];
    },
    async remove() {
      await stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Nothing of the machine's own settings reaches the process: no provider's key, no proxy, no configuration. */
function environment(home: string): NodeJS.ProcessEnv {
  return { PATH: process.env["PATH"], HOME: home, NO_COLOR: "1" };
}
