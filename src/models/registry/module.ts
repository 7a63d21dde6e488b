/**
 * What the registry plugs into the module of `models`: its commands, its proofs and its jobs, as data.
 *
 * @module
 */

import type { Command, Job, Proof, Routes } from "../../core/index.ts";
import type { RegistryServices } from "./services.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

const RELEASE = { name: "release", summary: "name@alias or name@sha256:<12 digits or more>", required: true } as const;
const DECIDES = [
  { flags: "--as <operator>", summary: "who decides; else HOLDFAST_OPERATOR" },
  { flags: "--key <file>", summary: "the operator's private key; else HOLDFAST_OPERATOR_KEY" },
] as const;
const REQUESTS = { flags: "--as <name>", summary: "who asks for the release, and cannot approve it alone" } as const;
const PARTS = [
  { flags: "--prompt <file>", summary: "the system prompt that belongs to the release" },
  { flags: "--policy <file>", summary: "the policy that belongs to it" },
  { flags: "--tools <file>", summary: "the tools that belong to it" },
] as const;
const TRUSTS = [
  { flags: "--signature <file>", summary: "the model's signature; default: model.sig in its folder" },
  { flags: "--public-key <file>", summary: "whose signature is trusted: a public key, PEM" },
  { flags: "--certificate <file>", summary: "… or certificates of authorities, PEM" },
  { flags: "--identity <name>", summary: "… or a Sigstore identity, with --issuer" },
  { flags: "--issuer <url>", summary: "who vouches for the identity" },
  { flags: "--trusted-root <file>", summary: "another Sigstore instance than the public one" },
] as const;
const TRANSPORT = [
  { flags: "--username <name>", summary: "for the registry; the password is read from HOLDFAST_OCI_PASSWORD" },
  { flags: "--plain-http", summary: "speak HTTP without TLS: for registries on this machine" },
] as const;

export const registryCommands: readonly Command<RegistryServices>[] = [
  {
    path: "model operator",
    summary: "make an operator's key, and show what belongs into holdfast.yaml",
    arguments: [{ name: "name", summary: "the operator's name", required: true }],
    options: [{ flags: "--output <file>", summary: "where the private key goes; default: <name>.key" }],
    examples: [
      { what: "one of two who approve", line: "holdfast model operator alice --output ~/.holdfast/alice.key" },
    ],
    load: async () => (await import("./commands/decide.ts")).runOperator,
  },
  {
    path: "model import",
    summary: "take a model into the registry, into quarantine, and examine it",
    description:
      "Every byte is read once, hashed and kept under its digest. A folder or cache of the Hugging Face hub is pinned by " +
      "its commit, and every digest that it promises is checked. What is stored is scanned, and its signature verified " +
      "where it is said whose is trusted.\n\n" +
      "Exit codes: 0 taken in and found clean, 1 taken in and found otherwise, 2 not taken in.",
    arguments: [{ name: "path", summary: "a folder, a file, or a cache folder models--org--name", required: true }],
    options: [
      { flags: "--name <name>", summary: "the model's name in the registry" },
      {
        flags: "--from <kind>",
        summary: "what it is",
        choices: ["auto", "files", "huggingface", "mlflow"],
        default: "auto",
      },
      { flags: "--revision <commit>", summary: "of a cache of the Hugging Face hub: which snapshot; default: main" },
      ...PARTS,
      ...TRUSTS,
      REQUESTS,
    ],
    examples: [
      {
        what: "a folder, signed by a key",
        line: "holdfast model import ./bot --name support-bot --public-key acme.pub",
      },
      {
        what: "what the Hugging Face client downloaded",
        line: "holdfast model import ~/.cache/huggingface/hub/models--acme--bot --name acme/bot",
      },
    ],
    load: async () => (await import("./commands/take.ts")).runImport,
  },
  {
    path: "model release",
    summary: "put weights that are there together with another prompt, policy or tools",
    arguments: [RELEASE],
    options: [...PARTS, REQUESTS],
    examples: [{ what: "another prompt", line: "holdfast model release support-bot@prod --prompt prompt-2.txt" }],
    load: async () => (await import("./commands/take.ts")).runRelease,
  },
  {
    path: "model check",
    summary: "scan a model that is stored, and verify its signature",
    description: "Exit codes: 0 clean, 1 not clean, or the signature is rejected.",
    arguments: [RELEASE],
    options: [...TRUSTS],
    examples: [
      {
        what: "with a key that is trusted",
        line: "holdfast model check support-bot@sha256:3f9a0c77d2e8 --public-key acme.pub",
      },
    ],
    load: async () => (await import("./commands/take.ts")).runCheck,
  },
  {
    path: "model attach",
    summary: "attach a bill of materials, a model card or a lineage to a release, which then travel with it",
    description:
      "A bill of materials in CycloneDX or SPDX, a card, and what the comparison with another model printed as JSON. Each " +
      "has to name the root digest of the release's weights, and a bill none but their files. It takes the place of the " +
      "one of its kind before; both stand in the ledger.\n\n" +
      "Exit codes: 0 attached, 1 it is about another model, 3 it was attached already.",
    arguments: [RELEASE],
    options: [
      { flags: "--bom <file>", summary: "what holdfast model bom wrote, in either format" },
      { flags: "--card <file>", summary: "what holdfast model card wrote" },
      { flags: "--lineage <file>", summary: "what holdfast model fingerprint A B --format json printed" },
      { flags: "--as <name>", summary: "who attaches it; else HOLDFAST_OPERATOR" },
    ],
    examples: [
      { what: "after the import", line: "holdfast model attach support-bot@sha256:3f9a0c77d2e8 --bom bot.cdx.json" },
    ],
    load: async () => (await import("./commands/evidence.ts")).runAttach,
  },
  {
    path: "model evidence",
    summary: "list what vouches for a release, or write it out: signature, documents, decisions of operators",
    description: "Exit codes: 0 there is some, 3 nothing is attached and nobody has decided.",
    arguments: [RELEASE],
    options: [{ flags: "--out <folder>", summary: "write all of it there; the folder must not be there yet" }],
    examples: [{ what: "for an auditor", line: "holdfast model evidence support-bot@prod --out support-bot.evidence" }],
    load: async () => (await import("./commands/evidence.ts")).runEvidence,
  },
  {
    path: "model list",
    summary: "list releases and where they stand",
    arguments: [{ name: "model", summary: "only this model's" }],
    examples: [
      { what: "all of them", line: "holdfast model list" },
      {
        what: "what waits for approval",
        line: "holdfast model list --format json | jq '.releases[] | select(.state == \"signed\")'",
      },
    ],
    load: async () => (await import("./commands/show.ts")).runList,
  },
  {
    path: "model show",
    summary: "show all that is known of a release; of an alias also where it has been",
    arguments: [RELEASE],
    examples: [{ what: "what is served", line: "holdfast model show support-bot@prod" }],
    load: async () => (await import("./commands/show.ts")).runShow,
  },
  {
    path: "model approve",
    summary: "approve a release, as one of the operators who have to",
    description:
      "Shows what was approved: the weights, their scan and their signature. One operator alone approves nothing.",
    arguments: [RELEASE],
    options: [...DECIDES],
    examples: [
      { what: "as alice", line: "holdfast model approve support-bot@sha256:3f9a0c77d2e8 --as alice --key alice.key" },
    ],
    load: async () => (await import("./commands/decide.ts")).runApprove,
  },
  {
    path: "model revoke",
    summary: "end a release for good; gateways stop serving it within 2 seconds",
    arguments: [RELEASE],
    options: [{ flags: "--reason <text>", summary: "why; it stands in the ledger" }, ...DECIDES],
    examples: [
      { what: "what leaked", line: "holdfast model revoke support-bot@prod --reason 'answers with training data'" },
    ],
    load: async () => (await import("./commands/decide.ts")).runRevoke,
  },
  {
    path: "model alias",
    summary: "point an alias to an approved release that is newer than all it was at",
    arguments: [RELEASE, { name: "alias", summary: "prod, staging, …", required: true }],
    options: [...DECIDES],
    examples: [{ what: "into production", line: "holdfast model alias support-bot@sha256:3f9a0c77d2e8 prod" }],
    load: async () => (await import("./commands/decide.ts")).runAlias,
  },
  {
    path: "model rollback",
    summary: "put an alias back to its last approved release: weights, prompt, policy and tools in one step",
    arguments: [{ name: "alias", summary: "name@alias", required: true }],
    options: [{ flags: "--to <release>", summary: "this one, where the alias has been before" }, ...DECIDES],
    examples: [{ what: "at once", line: "holdfast model rollback support-bot@prod" }],
    load: async () => (await import("./commands/decide.ts")).runRollback,
  },
  {
    path: "model grant",
    summary: "let an app use a model, or one of its users; what is not granted is denied",
    description: "Exit codes: 0 changed, 3 nothing to change.",
    arguments: [{ name: "model", summary: "the model's name", required: true }],
    options: [
      { flags: "--app <name>", summary: "the app, as in holdfast key create; * for all" },
      { flags: "--user <issuer/name>", summary: "only for this user of the app" },
      { flags: "--remove", summary: "take the grant back" },
      ...DECIDES,
    ],
    examples: [{ what: "an app", line: "holdfast model grant support-bot --app shop" }],
    load: async () => (await import("./commands/decide.ts")).runGrant,
  },
  {
    path: "model checkout",
    summary: "write the files of an approved release into a folder, each digest checked",
    arguments: [RELEASE, { name: "folder", summary: "which must not be there yet", required: true }],
    examples: [
      { what: "for a model server", line: "holdfast model checkout support-bot@prod /srv/models/support-bot" },
    ],
    load: async () => (await import("./commands/show.ts")).runCheckout,
  },
  {
    path: "model seal",
    summary: "seal what lies in the registry's store in the clear, and the store's key to whom it is sealed now",
    description:
      "For a store from before models.registry.seal was set, and after models.registry.seal.to was changed. Every blob is " +
      "compared with its digest before its sealed form takes its place. Files that are sealed already are not written " +
      "again: who may read them is said by one small file, key.age.",
    examples: [{ what: "once models.registry.seal is set", line: "holdfast model seal" }],
    load: async () => (await import("./commands/seal.ts")).runSeal,
  },
  {
    path: "model push",
    summary: "push a release to an OCI registry with all that is attached to it; goes on where it was interrupted",
    arguments: [RELEASE, { name: "target", summary: "host[:port]/repository:tag", required: true }],
    options: [...TRANSPORT],
    examples: [
      { what: "for the team", line: "holdfast model push support-bot@prod registry.example.org/models/support-bot:7" },
    ],
    load: async () => (await import("./commands/transport.ts")).runPush,
  },
  {
    path: "model pull",
    summary: "pull a model from an OCI registry into quarantine, and examine it",
    description: "Exit codes: 0 taken in and found clean, 1 taken in and found otherwise, 2 not taken in.",
    arguments: [{ name: "source", summary: "host[:port]/repository:tag or @sha256:<digest>", required: true }],
    options: [{ flags: "--name <name>", summary: "the model's name here" }, ...TRUSTS, REQUESTS, ...TRANSPORT],
    examples: [
      {
        what: "by its digest",
        line: "holdfast model pull registry.example.org/models/support-bot@sha256:<digest> --name support-bot",
      },
    ],
    load: async () => (await import("./commands/transport.ts")).runPull,
  },
];

export const registryAdmin: Routes<RegistryServices> = {
  access: [
    { method: "GET", path: "/releases", role: "viewer" },
    { method: "GET", path: "/release", role: "viewer" },
  ],
  load: async () => (await import("./routes.ts")).registryRoutes,
};

export const registryProofs: readonly Proof<RegistryServices>[] = [
  {
    id: "models.rollback-drilled",
    control: "M4",
    question: "Did the last drill put the whole state of a release back in one step, in time?",
    freshFor: 7 * DAY_MS,
    observe: async (services) => await (await import("./proofs.ts")).observeRollback(services),
  },
  {
    id: "models.signed-only",
    control: "M5",
    question: "Does the gateway serve only releases whose signature was verified and whose bytes are unchanged?",
    freshFor: DAY_MS,
    observe: async (services) => await (await import("./proofs.ts")).observeSigned(services),
  },
  {
    id: "models.access-granted",
    control: "M7",
    question: "Is every model denied to apps that it is not granted to, and no grant wider than one app?",
    freshFor: DAY_MS,
    observe: async (services) => await (await import("./proofs.ts")).observeGrants(services),
  },
  {
    id: "models.scanned-before-approval",
    control: "M10",
    question: "Was every release that is approved pinned, and found clean before it was approved?",
    freshFor: DAY_MS,
    observe: async (services) => await (await import("./proofs.ts")).observeScanned(services),
  },
];

export const registryJobs: readonly Job<RegistryServices>[] = [
  {
    name: "rollback-drill",
    every: DAY_MS,
    load: async () => (await import("./drill.ts")).drillRollback,
  },
];
