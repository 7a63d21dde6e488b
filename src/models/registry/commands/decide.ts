/**
 * `holdfast model approve`, `revoke`, `alias`, `rollback` and `grant`: decisions of operators, each signed with their key.
 *
 * @module
 */

import { generateKeyPairSync } from "node:crypto";
import { open } from "node:fs/promises";

import { Exit, type CommandRun } from "../../../core/index.ts";
import { findAlias, moveAlias, previousRelease } from "../alias.ts";
import { decide, publicKeyText } from "../decision.ts";
import { PARTS, printable } from "../digest.ts";
import { registryError } from "../errors.ts";
import { decideGrant } from "../grant.ts";
import { checkAlias, checkName, parseReference } from "../reference.ts";
import { approve, revoke } from "../releases.ts";
import { openRegistry, type RegistryServices } from "../services.ts";
import { readStanding } from "../store.ts";
import { argument, deciderOf, fileAt, nextStep, option, releaseOf, shown, stateText } from "./common.ts";

/** Makes an operator's key. */
export const runOperator: CommandRun<RegistryServices> = async (input) => {
  const name = argument(input, "name");
  if (!/^[a-z0-9][a-z0-9._-]{0,62}$/.test(name)) {
    throw registryError("models.options-invalid", {
      detail: `name: lower-case letters, digits, . _ -: ${printable(name)}`,
    });
  }
  const file = fileAt(input, option(input, "output") ?? `${name}.key`);
  const { privateKey } = generateKeyPairSync("ed25519");
  const handle = await open(file, "wx", 0o600).catch((cause: unknown) => {
    throw registryError("models.operator-key-invalid", {
      detail: `${file} cannot be made, or is there already`,
      cause,
    });
  });
  try {
    await handle.writeFile(privateKey.export({ format: "pem", type: "pkcs8" }));
    await handle.sync();
  } finally {
    await handle.close();
  }
  const key = publicKeyText(privateKey);
  return {
    data: { name, key, file },
    text: (style) =>
      [
        `the private key is in ${style.bold(file)}: it stays with ${name} alone`,
        "put the public key into holdfast.yaml, where who changes it decides who may approve:",
        "",
        `models:\n  registry:\n    operators:\n      ${name}: { key: ${JSON.stringify(key)} }`,
      ].join("\n"),
  };
};

export const runApprove: CommandRun<RegistryServices> = async (input) => {
  const decider = deciderOf(input);
  const registry = await openRegistry(input.services);
  const release = await releaseOf(registry, argument(input, "release"));
  const before = await readStanding(registry, release);
  if (before.basis === "") {
    throw registryError("models.transition-refused", {
      detail: `it is ${before.state}: only what is signed can be approved`,
    });
  }
  const action = { do: "approve", model: release.model, release: release.digest, basis: before.basis } as const;
  const { standing } = await approve(registry, await decide(decider, action, registry.clock));
  const { scan, signature, approvals, state } = standing;
  return {
    data: { release: `${release.model}@sha256:${release.digest}`, state, approvals },
    text: (style) =>
      [
        `${style.bold(shown(release))} is ${stateText(state, style)}: ` +
          `${approvals.length} of ${registry.rules.approvals} operators (${approvals.map(({ by }) => by).join(", ")})`,
        `approved was: weights sha256:${release.weights.root}, scanned ${scan?.verdict} by ${scan?.scanner}, signed by ${signature?.identity}`,
        ...PARTS.flatMap((part) => (release[part] === null ? [] : [`with ${part.padEnd(7)} sha256:${release[part]}`])),
        style.dim(nextStep(release, standing, registry.rules)),
      ].join("\n"),
  };
};

export const runRevoke: CommandRun<RegistryServices> = async (input) => {
  const decider = deciderOf(input);
  const registry = await openRegistry(input.services);
  const release = await releaseOf(registry, argument(input, "release"));
  const reason = option(input, "reason") ?? "";
  const action = { do: "revoke", model: release.model, release: release.digest, reason: reason.slice(0, 500) } as const;
  await revoke(registry, await decide(decider, action, registry.clock));
  return {
    data: { release: `${release.model}@sha256:${release.digest}`, state: "revoked" },
    text: (style) =>
      `${style.bold(shown(release))} is ${style.red("revoked")}, for good; gateways stop serving it within 2 s`,
  };
};

export const runAlias: CommandRun<RegistryServices> = async (input) => {
  const decider = deciderOf(input);
  const registry = await openRegistry(input.services);
  const release = await releaseOf(registry, argument(input, "release"));
  const alias = checkAlias(argument(input, "alias"));
  const { model, digest } = release;
  const sequence = ((await findAlias(registry.db, model, alias))?.sequence ?? 0) + 1;
  const action = { do: "alias", model, alias, release: digest, sequence } as const;
  const moved = await moveAlias(registry, await decide(decider, action, registry.clock));
  return {
    data: { alias: `${model}@${alias}`, release: `sha256:${digest}`, from: moved.from ?? null, sequence },
    text: (style) => `${style.bold(`${model}@${alias}`)} is now release ${release.number}, ${shown(release)}`,
  };
};

/** Puts the whole state of a release back, in one call. */
export const runRollback: CommandRun<RegistryServices> = async (input) => {
  const decider = deciderOf(input);
  const registry = await openRegistry(input.services);
  const began = performance.now();
  const { model, alias } = parseReference(argument(input, "alias"));
  if (alias === undefined)
    throw registryError("models.reference-invalid", { detail: `${model}: name an alias, as in ${model}@prod` });
  const to = option(input, "to");
  const release = to === undefined ? await previousRelease(registry, model, alias) : await releaseOf(registry, to);
  const sequence = ((await findAlias(registry.db, model, alias))?.sequence ?? 0) + 1;
  const action = { do: "rollback", model, alias, release: release.digest, sequence } as const;
  const { from } = await moveAlias(registry, await decide(decider, action, registry.clock));
  const ms = Math.round(performance.now() - began);
  const { weights, prompt, policy, tools } = release;
  return {
    data: {
      alias: `${model}@${alias}`,
      from: from ?? null,
      to: release.digest,
      number: release.number,
      weights,
      prompt,
      policy,
      tools,
      ms,
    },
    text: (style) =>
      [
        `${style.bold(`${model}@${alias}`)} is back at release ${release.number}, ${shown(release)}, in ${ms} ms`,
        `weights sha256:${weights.root}`,
        ...PARTS.map((part) => `${part.padEnd(7)} ${release[part] === null ? "none" : `sha256:${release[part]}`}`),
      ].join("\n"),
  };
};

export const runGrant: CommandRun<RegistryServices> = async (input) => {
  const decider = deciderOf(input);
  const registry = await openRegistry(input.services);
  const model = checkName(argument(input, "model"));
  const app = option(input, "app");
  if (app === undefined) throw registryError("models.options-invalid", { detail: "--app is missing" });
  const user = option(input, "user") ?? "*";
  const back = input.options["remove"] === true;
  const action = { do: back ? "ungrant" : "grant", model, app, user } as const;
  const changed = await decideGrant(registry, await decide(decider, action, registry.clock));
  const whom = user === "*" ? `app ${app}` : `user ${user} of app ${app}`;
  return {
    data: { model, app, user, granted: !back, changed },
    text: () =>
      !changed
        ? `nothing changed: ${whom} ${back ? "had no such grant" : "had it already"}`
        : back
          ? `${whom} may no longer use ${model}`
          : `${whom} may use ${model}`,
    exit: changed ? Exit.clean : Exit.nothing,
  };
};
