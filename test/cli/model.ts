/**
 * A model API on loopback, for the product as a whole: one answer, and streams that stay open until they are told to end.
 *
 * @module
 */

import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";

export interface Model {
  /** What an upstream's `url` is. */
  readonly url: string;
  /** Requests so far. */
  asked(): number;
  /** Lets every stream that is open end. */
  finish(): void;
}

const ANSWER = {
  id: "chatcmpl-1",
  object: "chat.completion",
  created: 1,
  model: "tiny",
  choices: [{ index: 0, message: { role: "assistant", content: "hello there" }, finish_reason: "stop" }],
  usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 },
};

/** Starts it; it ends with the test. */
export async function startModel(context: TestContext): Promise<Model> {
  const finish: (() => void)[] = [];
  let asked = 0;
  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (chunk: string) => (body += chunk));
    request.on("end", () => {
      asked++;
      if (!body.includes('"stream":true')) {
        response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(ANSWER));
        return;
      }
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write(event({ role: "assistant", content: `first ${"word ".repeat(2_000)}` }, null));
      finish.push(() => response.end(`${event({ content: "last" }, "stop")}data: [DONE]\n\n`));
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  context.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    asked: () => asked,
    finish: () => finish.splice(0).forEach((one) => one()),
  };
}

function event(delta: object, end: string | null): string {
  const { id, created, model } = ANSWER;
  const choices = [{ index: 0, delta, finish_reason: end }];
  return `data: ${JSON.stringify({ id, object: "chat.completion.chunk", created, model, choices })}\n\n`;
}
