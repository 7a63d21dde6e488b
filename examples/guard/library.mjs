/**
 * The guard as a library: a request judged, an answer masked as it streams, and what the verdict says.
 *
 *     node examples/guard/library.mjs
 */

// In an application: from "holdfast/guard".
import { createGuard, secretsDetector, unicodeDetector } from "../../src/guard/index.ts";

const guard = createGuard({
  detectors: [unicodeDetector, secretsDetector],
  settings: {
    unicode: { request: "block", response: "mask", onError: "block" },
    secrets: { request: "mask", response: "mask", onError: "block" },
  },
});

// Not a key: put together here so that no scanner takes this file for one.
const key = ["AKIA", "Z7Q4TLM2XKPW3VHD"].join("");

const spans = [{ pointer: "/messages/0/content", origin: "user", text: `Deploy with ${key}, please` }];
const { verdict, masked } = await guard.inspect(spans, "request");
console.log(verdict.action, masked[0]?.text);
for (const { rule, severity, location } of verdict.findings) {
  console.log(`${severity} ${rule} at ${location.pointer} ${location.start} to ${location.end}`);
}

// The same in pieces, cut anywhere: what could still become a match is held back, the rest leaves at once.
const stream = guard.stream("response", "assistant", "/content");
for (const piece of ["Sure, ", "AKIAZ7Q4", "TLM2XKPW3VHD is", " the key"]) {
  const { emit } = await stream.push(piece);
  process.stdout.write(emit);
}
process.stdout.write(`${(await stream.end()).emit}\n`);
