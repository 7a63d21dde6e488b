/**
 * A gateway with MCP servers behind it, official clients of both eras in front of it, and an operator beside it.
 */

import { Client as ModernClient, StreamableHTTPClientTransport as ModernTransport } from "@modelcontextprotocol/client";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

import { systemClock, type CommandResult, type CommandRun } from "../../src/core/index.ts";
import { createKey, gatewayModule, type GatewayServices } from "../../src/gateway/index.ts";
import { startHarness, type Harness, type HarnessOptions } from "../gateway/harness.ts";

export interface McpHarness extends Harness {
  /** Runs `holdfast mcp <command>` on the gateway's database. */
  operator(
    command: string,
    args?: Readonly<Record<string, string>>,
    options?: Readonly<Record<string, string>>,
  ): Promise<CommandResult>;
  /** Approves everything that waits. */
  approveAll(): Promise<void>;
  /** Another key of the same app: another principal. */
  newKey(): Promise<string>;
  /** One message by hand, with the harness's key unless `headers` say otherwise. */
  rpc(server: string, message: unknown, headers?: Readonly<Record<string, string>>): Promise<RpcAnswer>;
}

export interface RpcAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** Of JSON the value; of a stream its messages. */
  readonly messages: readonly RpcMessage[];
  readonly error:
    | { readonly code: number; readonly message: string; readonly data: { readonly code: string } }
    | undefined;
  readonly result: Readonly<Record<string, unknown>> | undefined;
}

export interface RpcMessage {
  readonly id?: unknown;
  readonly method?: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly result?: Readonly<Record<string, unknown>>;
  readonly error?: RpcAnswer["error"];
}

/** Guards that need no model: what is tested here is where they look, not how well. */
const GUARDS = { injection: { request: "off" }, pii: { request: "off", response: "off" } };

/** Starts one. `servers`: url by name, or the whole of a server's configuration. Call `close`, also when the test fails. */
export async function startMcp(
  servers: Readonly<Record<string, string | Readonly<Record<string, unknown>>>>,
  mcp: Readonly<Record<string, unknown>> = {},
  options: HarnessOptions = {},
): Promise<McpHarness> {
  const list = Object.entries(servers).map(([name, server]) =>
    typeof server === "string" ? { name, url: server } : { name, ...server },
  );
  const harness = await startHarness({
    ...options,
    config: { guards: GUARDS, ...options.config, mcp: { servers: list, ...mcp } },
  });
  const operator: McpHarness["operator"] = async (command, args = {}, flags = {}) => {
    const row = gatewayModule.commands.find(({ path }) => path === `mcp ${command}`);
    const run = (await row?.load()) as CommandRun<GatewayServices>;
    const services: GatewayServices = {
      clock: systemClock,
      db: () => Promise.resolve(harness.db),
      config: { gateway: harness.config },
    };
    return await run({ services, args, rest: [], options: flags, progress: () => undefined });
  };
  return {
    ...harness,
    operator,
    async approveAll() {
      const { data } = await operator("tools");
      const { definitions } = data as { definitions: { name: string; server: string; state: string }[] };
      for (const { name, server, state } of definitions) {
        if (state !== "approved") await operator("approve", { server, tool: name });
      }
    },
    async newKey() {
      return (await createKey(harness.db, { app: "test" }, systemClock)).key.reveal();
    },
    async rpc(server, message, headers = {}) {
      const response = await fetch(`${harness.url}/mcp/${server}`, {
        method: "POST",
        body: typeof message === "string" ? message : JSON.stringify(message),
        headers: {
          authorization: `Bearer ${harness.key}`,
          "content-type": "application/json",
          accept: "application/json, text/event-stream",
          ...headers,
        },
      });
      return rpcAnswer(response.status, response.headers, await response.text());
    },
  };
}

function rpcAnswer(status: number, headers: Headers, text: string): RpcAnswer {
  const isStream = headers.get("content-type")?.startsWith("text/event-stream") === true;
  const datas = isStream
    ? [...text.matchAll(/^data: (.*)$/gm)].map(([, data]) => data as string)
    : text === ""
      ? []
      : [text];
  const messages = datas.map((data) => JSON.parse(data) as RpcMessage);
  const answer = messages.find(({ error, result }) => error !== undefined || result !== undefined);
  return { status, headers, text, messages, error: answer?.error, result: answer?.result };
}

/** A connected client of the revisions with sessions. */
export async function legacyClient(
  harness: McpHarness,
  server: string,
  options: ConstructorParameters<typeof Client>[1] = {},
  key = harness.key,
  prepare: (client: Client) => void = () => undefined,
): Promise<Client> {
  const client = new Client({ name: "test", version: "1.0.0" }, options);
  prepare(client);
  const transport = new StreamableHTTPClientTransport(new URL(`${harness.url}/mcp/${server}`), {
    requestInit: { headers: { authorization: `Bearer ${key}` } },
  });
  await client.connect(transport);
  return client;
}

/** A connected client that asks for the modern revision first. */
export async function modernClient(
  harness: McpHarness,
  server: string,
  mode: "auto" | "modern" = "modern",
  prepare: (client: ModernClient) => void = () => undefined,
  capabilities: object = {},
): Promise<ModernClient> {
  const client = new ModernClient(
    { name: "test", version: "1.0.0" },
    { versionNegotiation: { mode: mode === "auto" ? "auto" : { pin: "2026-07-28" } }, capabilities },
  );
  prepare(client);
  const transport = new ModernTransport(new URL(`${harness.url}/mcp/${server}`), {
    requestInit: { headers: { authorization: `Bearer ${harness.key}` } },
  });
  await client.connect(transport);
  return client;
}
