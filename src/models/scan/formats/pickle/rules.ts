/**
 * What is said of pickles. Loading one runs what it names: there is no data in it that only lies there.
 *
 * @module
 */

import type { ScanRule } from "../../finding.ts";

const POISONED = ["AML.T0010.003", "AML.T0011.000", "OWASP-LLM03:2025"];
const DISCARD = "do not load it: delete it, find out how it came here, and report it to whoever hosts it";
const REVIEW = "find out what the name does before it is loaded; better, ask for the weights as safetensors";
const AGAIN = "get it again from its source, and do not load it before it was read whole";

export const PICKLE_RULES = {
  dangerous: {
    id: "pickle.global-dangerous",
    severity: "critical",
    verdict: "malicious",
    why: "it names a function that runs code, commands or connections when the file is loaded",
    remedy: DISCARD,
    references: POISONED,
  },
  callDangerous: {
    id: "pickle.call-dangerous",
    severity: "critical",
    verdict: "malicious",
    why: "it calls a function that runs code, commands or connections, as soon as the file is loaded",
    remedy: DISCARD,
    references: POISONED,
  },
  unknown: {
    id: "pickle.global-unknown",
    severity: "high",
    verdict: "suspicious",
    why: "it names something that is not on the list of what models need",
    remedy: REVIEW,
    references: POISONED,
  },
  callUnknown: {
    id: "pickle.call-unknown",
    severity: "high",
    verdict: "suspicious",
    why: "it calls something that is not on the list of what models need",
    remedy: REVIEW,
    references: POISONED,
  },
  callComputed: {
    id: "pickle.call-computed",
    severity: "critical",
    verdict: "malicious",
    why: "it calls what an earlier call returned, so that the name of what runs stands nowhere",
    remedy: DISCARD,
    references: POISONED,
  },
  computed: {
    id: "pickle.global-computed",
    severity: "critical",
    verdict: "malicious",
    why: "it makes the name of a global while it is loaded, which hides the name",
    remedy: DISCARD,
    references: POISONED,
  },
  dunder: {
    id: "pickle.global-dunder",
    severity: "critical",
    verdict: "malicious",
    why: "it reaches into the inside of a module or class, from where everything can be reached",
    remedy: DISCARD,
    references: POISONED,
  },
  dotted: {
    id: "pickle.global-dotted",
    severity: "high",
    verdict: "suspicious",
    why: "it names an attribute of an attribute, which leads through modules to others",
    remedy: REVIEW,
    references: POISONED,
  },
  changed: {
    id: "pickle.global-changed",
    severity: "critical",
    verdict: "malicious",
    why: "it changes a module, class or function instead of an object of its own: what it replaces runs later",
    remedy: DISCARD,
    references: POISONED,
  },
  items: {
    id: "pickle.items-on-object",
    severity: "high",
    verdict: "suspicious",
    why: "it sets items of an object that is no container, by which loaders were made to write past their memory",
    remedy: REVIEW,
    references: [...POISONED, "CVE-2026-24747"],
  },
  extension: {
    id: "pickle.extension",
    severity: "high",
    verdict: "suspicious",
    why: "it names a global by a number of the extension registry, which hides the name",
    remedy: REVIEW,
    references: POISONED,
  },
  persistent: {
    id: "pickle.persistent-id",
    severity: "high",
    verdict: "suspicious",
    why: "it holds a persistent id that is not a storage of torch: what it means only its loader knows",
    remedy: REVIEW,
    references: POISONED,
  },
  allocates: {
    id: "pickle.allocates",
    severity: "medium",
    verdict: "suspicious",
    why: "it asks for more memory than the file could fill, which is how a bomb looks",
    remedy: AGAIN,
    references: ["AML.T0010.003", "AML.T0029"],
  },
  frame: {
    id: "pickle.frame",
    severity: "high",
    verdict: "suspicious",
    why: "the lengths of its frames do not fit its instructions, so that loaders read it differently",
    remedy: REVIEW,
    references: POISONED,
  },
  hidden: {
    id: "pickle.hidden",
    severity: "critical",
    verdict: "malicious",
    why: "bytes that the loader of the file does not reach name a function that runs code or commands",
    remedy: DISCARD,
    references: POISONED,
  },
  literal: {
    id: "pickle.in-literal",
    severity: "high",
    verdict: "suspicious",
    why: "a text or bytes in it name a function as a pickle would: whoever loads them runs it",
    remedy: REVIEW,
    references: POISONED,
  },
  broken: {
    id: "pickle.broken",
    severity: "medium",
    verdict: "inconclusive",
    why: "it ends in an instruction that no loader can follow, so that what it was meant to do is not known",
    remedy: AGAIN,
    references: ["AML.T0010.003"],
  },
  limit: {
    id: "pickle.limit",
    severity: "medium",
    verdict: "inconclusive",
    why: "its machine grows over the limit",
    remedy: AGAIN,
    references: ["AML.T0010.003", "AML.T0029"],
  },
  trailing: {
    id: "pickle.bytes-behind",
    severity: "info",
    verdict: "note",
    why: "bytes stand behind its end that are no pickle; they were searched for names of functions",
    remedy: "nothing, where a loader of this kind keeps arrays there",
    references: [],
  },
} as const satisfies Readonly<Record<string, ScanRule>>;
