/**
 * `holdfast policy check` and `holdfast policy explain`.
 *
 * @module
 */

import { Exit, type CommandInput, type CommandRun, type Style, listOption, textOption } from "../../core/index.ts";
import type { GatewayConfig } from "../config.ts";
import { gatewayError } from "../errors.ts";
import { covers, type Principal } from "../identity/principal.ts";
import { findKey } from "../identity/store.ts";
import type { GatewayServices } from "../module.ts";
import { loadCedar } from "./cedar.ts";
import { explain, type Explanation } from "./explain.ts";
import { problemLine, readPolicies } from "./policies.ts";
import type { Question, RequestFacts } from "./question.ts";
import { POLICY_ACTIONS } from "./schema.ts";

type Options = CommandInput<unknown>["options"];

/** Every problem of the policies, with its place. */
export const check: CommandRun<GatewayServices> = async ({ services, args }) => {
  const { folder, policies, digest, errors, warnings } = readPolicies(
    folderOf(args["folder"], services),
    await loadCedar(),
  );
  const valid = errors.length === 0;
  const shown = policies.map(({ id, effect, file, line }) => ({ id, effect, file, line }));
  return {
    data: { valid, folder, digest, policies: shown, errors, warnings },
    text: (style) =>
      [
        ...errors.map((problem) => style.red(problemLine(problem))),
        ...warnings.map((problem) => style.yellow(problemLine(problem))),
        ...(valid ? [`${style.green("valid")}: ${folder}; ${count(policies.length, "policy", "policies")}`] : []),
      ].join("\n"),
    ...(valid ? {} : { exit: Exit.usage }),
  };
};

/** What the policies say to one question, and why. Exits 1 where it is denied. */
export const explainOne: CommandRun<GatewayServices> = async ({ services, options }) => {
  const cedar = await loadCedar();
  const { policies, errors } = readPolicies(folderOf(textOption(options, "policies"), services), cedar);
  const [problem] = errors;
  if (problem !== undefined) throw gatewayError("gateway.policy-invalid", { detail: problemLine(problem) });

  const principal = await principalOf(options, services);
  const questions = questionsOf(options, principal, services);
  const explained = questions.map((question) => explain(cedar, policies, question));
  const inScope = questions.every((one) => !("model" in one) || covers(principal.models, one.model));
  const allowed = inScope && explained.every(({ decision }) => decision === "allow");
  return {
    data: { allowed, inScope, explained },
    text: (style) =>
      [
        ...explained.map((one) => explanationText(one, style)),
        ...(inScope ? [] : [style.red("denied besides: the scope of the key does not cover the model")]),
      ].join("\n\n"),
    exit: allowed ? Exit.clean : Exit.findings,
  };
};

function explanationText({ what, decision, why, policies }: Explanation, style: Style): string {
  const verdict = decision === "allow" ? style.green("allowed") : style.red("denied");
  const width = Math.max(...policies.map(({ id }) => id.length));
  const lines = policies.map(({ id, effect, file, line, says }) => {
    const row = `  ${effect.padEnd(6)}  ${id.padEnd(width)}  ${says.padEnd(14)}  ${file}:${line}`;
    return says === "does not apply" ? style.dim(row) : row;
  });
  return [`${verdict}: ${what}: ${why}`, ...lines].join("\n");
}

/** Of a model: what would really be asked. Of a tool: its server, and the tool. @throws `gateway.policy-option` */
function questionsOf(options: Options, principal: Principal, services: GatewayServices): readonly Question[] {
  const model = textOption(options, "model");
  const tool = textOption(options, "tool");
  const given = textOption(options, "action");
  if ((model ?? "") === "" && (tool ?? "") === "") throw option("--model or --tool is missing");
  const facts = factsOf(options, tool ?? model ?? "", services.clock.now());
  if (tool !== undefined) {
    const [server = "", ...rest] = tool.split("/");
    if (model !== undefined || given !== undefined) throw option("--tool stands without --model and --action");
    const use: Question = { principal, action: "useServer", server, facts };
    return rest.length === 0 ? [use] : [use, { principal, action: "callTool", server, tool: rest.join("/"), facts }];
  }
  const action = POLICY_ACTIONS.find((known) => known === (given ?? "infer"));
  if (action === undefined) throw option(`--action: ${POLICY_ACTIONS.join(" or ")}`);
  const candidates = candidatesOf(services.config.gateway, model ?? "", textOption(options, "upstream"), principal);
  return candidates.map((one) => ({ principal, action, facts, ...one }));
}

function folderOf(given: string | undefined, services: GatewayServices): string {
  const folder = given ?? services.config.gateway.authorization.policies;
  if (folder === undefined) {
    throw option("there is no folder of policies: name it, or set gateway.authorization.policies in holdfast.yaml");
  }
  return folder;
}

/**
 * What would really be asked. A name of the gateway's own is a question for each model behind it, and one for the name at
 * each of their upstreams, since both must be permitted.
 */
function candidatesOf(
  config: GatewayConfig,
  model: string,
  upstream: string | undefined,
  { app }: Principal,
): readonly { readonly model: string; readonly upstream: string | undefined }[] {
  const behind = Object.hasOwn(config.models, model) ? (config.models[model] ?? []) : undefined;
  const all =
    behind === undefined
      ? config.upstreams.filter((one) => covers(one.models, model)).map(({ name }) => ({ model, upstream: name }))
      : behind.flatMap((one) => [
          { model: one.model, upstream: one.upstream },
          { model, upstream: one.upstream },
        ]);
  const mayUse = (name: string): boolean =>
    config.upstreams.some((one) => one.name === name && covers(one.apps, app)) && (upstream ?? name) === name;
  const found = all.filter((one) => mayUse(one.upstream));
  // An upstream that the configuration does not have is a question all the same: what would be if it had.
  return found.length > 0 ? found : [{ model, upstream }];
}

/** `key:ID`, `app:NAME`, `user:ISSUER/NAME`, `certificate:NAME`. @throws `gateway.policy-option`, `gateway.key-unknown` */
async function principalOf(options: Options, services: GatewayServices): Promise<Principal> {
  const [kind, ...rest] = (textOption(options, "principal") ?? "").split(":");
  const name = rest.join(":");
  const { certificates, issuers } = services.config.gateway.identity;
  const app = textOption(options, "app");
  const limits = { requestsPerMinute: undefined, concurrency: undefined };
  const groups = listOption(options, "group");
  switch (name === "" ? "" : kind) {
    case "key": {
      const key = await findKey(await services.db(), name);
      if (key === undefined) throw gatewayError("gateway.key-unknown");
      return { ...limits, keyId: key.id, app: key.app, models: key.models };
    }
    case "app":
      return { ...limits, keyId: "any", app: name, models: ["*"] };
    case "user": {
      const issuer = issuers.find((one) => name.startsWith(`${one.name}/`));
      const own = typeof issuer?.app === "string" ? issuer.app : undefined;
      const acting =
        app ?? own ?? fail("--app is missing: the configuration does not say which one its users act through");
      return {
        ...limits,
        keyId: "any",
        app: acting,
        models: issuer?.models ?? ["*"],
        via: "token",
        user: name,
        groups,
      };
    }
    case "certificate": {
      const known = certificates.find((one) => one.name === name);
      const acting = known?.app ?? app ?? fail(`--principal: there is no certificate ${name} in the configuration`);
      return {
        ...limits,
        keyId: "any",
        app: acting,
        models: known?.models ?? ["*"],
        via: "certificate",
        certificate: name,
      };
    }
    default:
      throw option("--principal: key:ID, app:NAME, user:ISSUER/NAME or certificate:NAME");
  }
}

function factsOf(options: Options, requested: string, now: number): RequestFacts {
  const at = textOption(options, "at");
  const time = at === undefined ? now : Date.parse(at);
  if (Number.isNaN(time)) throw option("--at: a time, for example 2026-12-24T18:00:00Z");
  return {
    now: time,
    address: textOption(options, "address") ?? "127.0.0.1",
    requested,
    stream: options["stream"] === true,
    origins: listOr(options, "origin", ["user"]),
    dataClasses: listOption(options, "dataClass"),
    rules: listOption(options, "rule"),
    unchecked: [],
    hasUnread: options["unread"] === true,
  };
}

function listOr(options: Options, name: string, otherwise: readonly string[]): readonly string[] {
  const given = listOption(options, name);
  return given.length > 0 ? given : otherwise;
}

function count(number: number, one: string, many: string): string {
  return `${number} ${number === 1 ? one : many}`;
}

function option(detail: string): Error {
  return gatewayError("gateway.policy-option", { detail });
}

function fail(detail: string): never {
  throw option(detail);
}
