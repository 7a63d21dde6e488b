import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";

import { isHoldfastError, Secret, type HoldfastError } from "../../../core/index.ts";
import type { Detector } from "../../detector.ts";
import { createJudgeDetector, type Judge, type JudgeOptions } from "./judge.ts";
import { llmJudge } from "./llm.ts";
import { webhookJudge } from "./webhook.ts";

const CONTEXT = { direction: "response", origin: "assistant", pointer: "/y" } as const;
const CATEGORIES = [
  { id: "first", message: "the first" },
  { id: "second", message: "the second", severity: "low" },
] as const;

function detectorOf(judge: Judge, more: Partial<JudgeOptions> = {}): Detector {
  return createJudgeDetector({
    id: "j",
    judge,
    timeoutMs: 5000,
    categories: CATEGORIES,
    onError: "closed",
    ...more,
  } as JudgeOptions);
}

function answering(answer: unknown): Judge {
  return () => Promise.resolve(answer as never);
}

async function fails(detector: Detector, code: string, text = "text"): Promise<void> {
  await assert.rejects(
    async () => detector.detect(text, CONTEXT),
    (error) => isHoldfastError(error, code),
    code,
  );
}

test("a judgement becomes findings", async () => {
  const rules = async (answer: unknown): Promise<unknown> =>
    (await detectorOf(answering(answer)).detect("some text", CONTEXT)).map(({ rule, location }) => [
      rule,
      location.start,
      location.end,
    ]);
  assert.deepEqual(await rules({ flagged: false }), []);
  assert.deepEqual(await rules({ flagged: false, category: "second" }), []);
  assert.deepEqual(await rules({ flagged: true }), [["j.first", 0, 9]]);
  assert.deepEqual(
    await rules({
      flagged: true,
      category: "second",
      places: [
        { start: 5, end: 9 },
        { start: 0, end: 1 },
      ],
    }),
    [
      ["j.second", 0, 1],
      ["j.second", 5, 9],
    ],
  );
});

test("nonsense is a failure, never a judgement", async () => {
  for (const answer of [
    undefined,
    null,
    true,
    [],
    {},
    { flagged: "true" },
    { flagged: 1 },
    { flagged: true, category: "third" },
    { flagged: true, category: 1 },
    { flagged: true, note: "a quotation of the text" },
    { flagged: true, places: [] },
    { flagged: true, places: [{ start: 0, end: 5 }] },
    { flagged: true, places: [{ start: 2, end: 2 }] },
    { flagged: true, places: [{ start: -1, end: 2 }] },
    { flagged: true, places: [{ start: 0.5, end: 2 }] },
    { flagged: true, places: [null] },
  ]) {
    await fails(detectorOf(answering(answer)), "guard.judge-answer");
  }
});

test("a judge that throws, at once or later, and one that never answers", async () => {
  await fails(
    detectorOf(() => {
      throw new Error("text");
    }),
    "guard.judge-failed",
  );
  await fails(
    detectorOf(() => Promise.reject(new Error("text"))),
    "guard.judge-failed",
  );
  let aborted = false;
  const hanging: Judge = (_text, _context, signal) =>
    new Promise((_, reject) => {
      signal.addEventListener("abort", () => {
        aborted = true;
        reject(new Error("late"));
      });
    });
  await fails(detectorOf(hanging, { timeoutMs: 20 }), "guard.judge-timeout");
  assert.ok(aborted);
  await fails(
    detectorOf(() => new Promise(() => {}), { timeoutMs: 20 }),
    "guard.judge-timeout",
  );
});

test("open lets pass, and says so", async () => {
  const told: string[] = [];
  const open = { onError: "open", failed: (error: HoldfastError) => void told.push(error.code) } as const;
  assert.deepEqual(await detectorOf(answering({}), open).detect("text", CONTEXT), []);
  assert.deepEqual(
    await detectorOf(answering({ flagged: true }), { ...open, maxUnits: 3 }).detect("text", CONTEXT),
    [],
  );
  assert.deepEqual(told, ["guard.judge-answer", "guard.judge-too-long"]);
});

test("limits: one below, one above", async () => {
  const judge = answering({ flagged: true });
  assert.equal((await detectorOf(judge, { maxUnits: 4 }).detect("text", CONTEXT)).length, 1);
  await fails(detectorOf(judge, { maxUnits: 3 }), "guard.judge-too-long");
  assert.deepEqual(await detectorOf(judge).detect("", CONTEXT), []);
  for (const more of [
    { timeoutMs: 0 },
    { timeoutMs: 1.5 },
    { timeoutMs: 600_001 },
    { maxUnits: 0 },
    { categories: [] },
    { categories: [CATEGORIES[0], CATEGORIES[0]] },
  ]) {
    assert.throws(
      () => detectorOf(judge, more),
      (error) => isHoldfastError(error, "guard.judge-options"),
    );
  }
  assert.throws(
    () => detectorOf(judge, { id: "a b" }),
    (error) => isHoldfastError(error, "guard.rule-invalid"),
  );
});

test("a stream is held until it was judged, or judged as it passes", async () => {
  const asked: string[] = [];
  const judge: Judge = (text) => {
    asked.push(text);
    return Promise.resolve({ flagged: true, places: [{ start: 3, end: 5 }] });
  };
  const detector = detectorOf(judge, { maxUnits: 8 });
  const scan = detector.open?.(CONTEXT);
  assert.ok(scan !== undefined);
  assert.deepEqual([scan.push("some"), scan.push("text"), scan.hits], [0, 0, []]);
  await scan.end();
  assert.deepEqual(asked, ["sometext"]);
  assert.deepEqual(scan.hits[0]?.finding.location, { pointer: "/y", start: 3, end: 5 });
  const long = detector.open?.(CONTEXT);
  void long?.push("12345678");
  assert.throws(
    () => long?.push("9"),
    (error) => isHoldfastError(error, "guard.judge-too-long"),
  );
  const windowed = detectorOf(judge, { stream: "windowed" });
  assert.deepEqual(["open" in windowed, windowed.guarantee, detector.guarantee], [false, "windowed", "strict"]);
});

/** A web service on this machine, for one test. */
async function withServer(
  answer: (request: IncomingMessage, response: ServerResponse, body: string) => void,
  work: (url: string) => Promise<void>,
): Promise<void> {
  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8");
    request.on("data", (piece: string) => (body += piece));
    request.on("end", () => {
      answer(request, response, body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    await work(`http://127.0.0.1:${(server.address() as AddressInfo).port}/judge`);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

test("a webhook is asked with the text, and its answer is the judgement", async () => {
  const seen: unknown[] = [];
  await withServer(
    (request, response, body) => {
      seen.push(
        request.method,
        request.url,
        request.headers["authorization"],
        request.headers["content-type"],
        JSON.parse(body),
      );
      response.setHeader("content-type", "application/json");
      response.end('{"flagged":true,"category":"second","places":[{"start":0,"end":4}]}');
    },
    async (url) => {
      const judge = webhookJudge({
        url,
        timeoutMs: 5000,
        headers: { authorization: new Secret("Bearer x"), "x-plain": "y" },
      });
      const found = await detectorOf(judge).detect("text ü", CONTEXT);
      assert.deepEqual(found[0]?.location, { pointer: "/y", start: 0, end: 4 });
      assert.deepEqual(seen, [
        "POST",
        "/judge",
        "Bearer x",
        "application/json",
        { version: 1, text: "text ü", direction: "response", origin: "assistant", pointer: "/y" },
      ]);
    },
  );
});

test("a webhook that redirects, fails, says too much, or nonsense", async () => {
  const answers: Readonly<Record<string, readonly [(response: ServerResponse) => void, string]>> = {
    redirect: [(response) => response.writeHead(307, { location: "/other" }).end(), "guard.judge-failed"],
    "not found": [(response) => response.writeHead(404).end(), "guard.judge-failed"],
    "no content": [(response) => response.writeHead(204).end(), "guard.judge-failed"],
    "server error": [(response) => response.writeHead(500).end('{"flagged":false}'), "guard.judge-failed"],
    oversize: [(response) => response.end(`{"flagged":false}${" ".repeat(64 * 1024)}`), "guard.judge-answer"],
    endless: [
      (response) => {
        const more = (): void => {
          if (!response.destroyed) response.write(" ".repeat(16_384), () => setImmediate(more));
        };
        more();
      },
      "guard.judge-answer",
    ],
    "not JSON": [(response) => response.end("flagged: false"), "guard.judge-answer"],
    "not UTF-8": [(response) => response.end(Buffer.of(0x22, 0xff, 0x22)), "guard.judge-answer"],
    "a name twice": [(response) => response.end('{"flagged":true,"flagged":false}'), "guard.judge-answer"],
    deep: [(response) => response.end("[".repeat(9) + "]".repeat(9)), "guard.judge-answer"],
    empty: [(response) => response.end(), "guard.judge-answer"],
    "another shape": [(response) => response.end('{"ok":true}'), "guard.judge-answer"],
    "broken off": [
      (response) => {
        response.writeHead(200, { "content-length": "100" });
        response.write('{"flagged":');
        setImmediate(() => response.destroy());
      },
      "guard.judge-failed",
    ],
  };
  let asked = 0;
  for (const [name, [answer, code]] of Object.entries(answers)) {
    await withServer(
      (request, response) => {
        asked += 1;
        assert.equal(request.url, "/judge", name);
        answer(response);
      },
      async (url) => {
        await fails(detectorOf(webhookJudge({ url, timeoutMs: 5000 })), code);
      },
    );
  }
  assert.equal(asked, Object.keys(answers).length, "no redirect was followed");
});

test("a webhook that hangs, before or in its answer, runs out of time", async () => {
  for (const answer of [
    () => {},
    (response: ServerResponse) => {
      response.writeHead(200);
      response.write('{"flagged":');
    },
  ]) {
    await withServer(
      (_request, response) => {
        answer(response);
      },
      async (url) => {
        await fails(detectorOf(webhookJudge({ url, timeoutMs: 40 })), "guard.judge-timeout");
        await fails(detectorOf(webhookJudge({ url, timeoutMs: 60_000 }), { timeoutMs: 40 }), "guard.judge-timeout");
      },
    );
  }
});

test("a webhook that is not there; what is said of it holds no address", async () => {
  let port = "";
  await withServer(
    () => {},
    (url) => {
      port = url;
      return Promise.resolve();
    },
  );
  await assert.rejects(
    async () => detectorOf(webhookJudge({ url: `${port}?token=hunter2`, timeoutMs: 5000 })).detect("x", CONTEXT),
    (error) =>
      isHoldfastError(error, "guard.judge-failed") &&
      !JSON.stringify([error.message, error.detail]).includes("hunter2"),
  );
});

test("addresses that a text must not be sent to are refused", () => {
  for (const url of [
    "",
    "judge",
    "http://judge.example/",
    "http://127.0.0.1.example/",
    "https://u:p@judge.example/",
    "ftp://judge.example/",
    "http://10.0.0.1/",
    "http://2130706433/",
    "http://0x7f.1/",
    "https://169.254.169.254/",
    "https://[::ffff:7f00:1]/",
  ]) {
    assert.throws(
      () => webhookJudge({ url, timeoutMs: 100 }),
      (error) => isHoldfastError(error, "guard.judge-options"),
      url,
    );
  }
  for (const url of ["https://judge.example/", "http://localhost:1/", "http://127.8.9.10/", "http://[::1]/"]) {
    assert.doesNotThrow(() => webhookJudge({ url, timeoutMs: 100 }));
  }
  assert.throws(
    () => webhookJudge({ url: "https://judge.example/", timeoutMs: 0 }),
    (error) => isHoldfastError(error, "guard.judge-options"),
  );
});

test("a model is asked with the text between marks, and answers with JSON alone", async () => {
  const prompts: { readonly system: string; readonly user: string }[] = [];
  const judge = (answer: unknown): Judge =>
    llmJudge({
      prompt: ({ direction }) => `Flag shouting in a ${direction}.`,
      categories: ["first", "second"],
      complete: (prompt) => {
        prompts.push(prompt);
        return Promise.resolve(answer as string);
      },
    });
  const found = await detectorOf(judge(' {"flagged":true,"category":"second"}\n')).detect("HEY", CONTEXT);
  assert.equal(found[0]?.rule, "j.second");
  const { system, user } = prompts[0] as (typeof prompts)[number];
  const mark = /^<<(\w+)>>\nHEY\n<<\/\1>>$/.exec(user)?.[1];
  assert.ok(mark !== undefined && system.includes(mark));
  assert.match(system, /^Flag shouting in a response\./);
  assert.ok(system.includes('"first", "second"'));
  for (const answer of [
    "",
    "yes",
    'Sure: {"flagged":false}',
    '```json\n{"flagged":false}\n```',
    '{"flagged":false} ok',
    7,
    `{"flagged":false}${" ".repeat(9)}x`,
    '{"flagged":false,"why":"x"}',
  ]) {
    await fails(detectorOf(judge(answer)), "guard.judge-answer");
  }
  await fails(
    detectorOf(llmJudge({ prompt: "x", complete: () => Promise.reject(new Error("down")) })),
    "guard.judge-failed",
  );
});
