/**
 * `npm run bench -- guard`: what the two detectors cost a text, by kind of text.
 *
 * @module
 */

import { createGuard, secretsDetector, unicodeDetector } from "../src/guard/index.ts";

const SETTINGS = { request: "block", response: "mask", onError: "block" } as const;

/** Texts of about 2 KB each. */
const TEXTS: Readonly<Record<string, string>> = {
  "clean ASCII": fill(
    "Summarise the attached minutes in five bullet points, name the owner of each open task, and keep every date as it is. ",
  ),
  "clean code": fill('const total = rows.map((row) => row.price * row.count).reduce((a, b) => a + b, 0); // "sum"\n'),
  multilingual: fill("Résumé · 会议纪要：请总结要点。 · می‌خواهم خلاصه کنی · संक्षेप में बताइए 👩🏽‍💻 · สรุปให้หน่อย "),
  "hostile: tags": fill("go on\u{E0069}\u{E0067}\u{E006E}\u{E006F}\u{E0072}\u{E0065} "),
  "hostile: zero-width": fill("i\u200Bg\u200Bn\u200Bo\u200Br\u200Be "),
  "hostile: keywords": fill('token secret="sk-proj-" eyJ.eyJ. ://a:b -----BEGIN :AA ghp_ AKIA '),
  "hostile: full width": fill("ＡＫＩＡ ｇｈｐ＿ ｓｋ－ "),
};

/** Prints microseconds per text and per KB (of UTF-8), the median of several rounds. */
export async function run(args: readonly string[]): Promise<void> {
  const rounds = Number(args[0] ?? 9);
  const guard = createGuard({
    detectors: [unicodeDetector, secretsDetector],
    settings: { unicode: SETTINGS, secrets: SETTINGS },
  });
  console.log("text                     KB   us/text   us/KB    MB/s   stream us/KB (16-unit pieces)");
  for (const [name, text] of Object.entries(TEXTS)) {
    const spans = [{ pointer: "/messages/0/content", text, origin: "user" as const }];
    const whole = await median(rounds, async () => void (await guard.inspect(spans, "request")));
    const streamed = await median(rounds, async () => {
      const stream = guard.stream("response", "assistant", "/choices/0");
      for (let at = 0; at < text.length; at += 16) await stream.push(text.slice(at, at + 16));
      await stream.end();
    });
    const kb = Buffer.byteLength(text) / 1024;
    const cells = [kb.toFixed(1), whole.toFixed(1), (whole / kb).toFixed(1), ((kb / whole) * 976.6).toFixed(0)];
    console.log(
      name.padEnd(22) + cells.map((cell) => cell.padStart(8)).join("") + (streamed / kb).toFixed(0).padStart(12),
    );
  }
}

/** Median microseconds of one call, over rounds of at least 20 ms. */
async function median(rounds: number, call: () => Promise<void>): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round <= rounds; round++) {
    const start = performance.now();
    let calls = 0;
    do {
      await call();
      calls += 1;
    } while (performance.now() - start < 20);
    // The first round warms the compiler up.
    if (round > 0) times.push(((performance.now() - start) * 1000) / calls);
  }
  return times.toSorted((a, b) => a - b)[times.length >> 1] ?? 0;
}

function fill(phrase: string): string {
  return phrase.repeat(Math.ceil(2048 / Buffer.byteLength(phrase)));
}
