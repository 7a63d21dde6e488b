/**
 * `holdfast model list`, `model show` and `model checkout`.
 *
 * @module
 */

import { textTable, type CommandRun, type Style } from "../../../core/index.ts";
import { aliasHistory, listAliases, type Alias, type Move } from "../alias.ts";
import { ATTACHMENTS, attachments } from "../attachment.ts";
import { PARTS, shortDigest } from "../digest.ts";
import { registryError } from "../errors.ts";
import { listGrants } from "../grant.ts";
import { checkName, parseReference } from "../reference.ts";
import { openRegistry, openStore, type RegistryServices } from "../services.ts";
import { listReleases, readEvents, readStanding, standingOf } from "../store.ts";
import { argument, bytesText, fileAt, nextStep, releaseOf, shown, stateText, timeText, versionOf } from "./common.ts";

export const runList: CommandRun<RegistryServices> = async ({ services, args }) => {
  const registry = await openRegistry(services);
  const model = args["model"];
  const releases = await listReleases(registry.db, model === undefined ? undefined : checkName(model));
  const events = await readEvents(registry.db, registry.operators);
  const aliases = await listAliases(registry.db, model);
  const all = releases.map((release) => {
    const { state, approvals } = standingOf(events, release, registry.rules);
    const names = aliases.filter((one) => one.release === release.digest).map(({ alias }) => alias);
    return { release, state, approvals: approvals.length, aliases: names };
  });
  return {
    data: {
      releases: all.map(({ release, ...rest }) => ({
        model: release.model,
        number: release.number,
        release: `sha256:${release.digest}`,
        root: `sha256:${release.weights.root}`,
        createdAt: timeText(release.createdAt),
        ...rest,
      })),
    },
    text: (style) =>
      all.length === 0
        ? "no models yet; take one in: holdfast model import <folder> --name <name>"
        : textTable(
            ["MODEL", "NO.", "RELEASE", "STATE", "ALIASES", "MADE"],
            all.map(({ release, state, aliases: names }) => [
              release.model,
              String(release.number),
              shortDigest(release.digest),
              state,
              names.join(" "),
              timeText(release.createdAt),
            ]),
            style,
          ),
  };
};

export const runShow: CommandRun<RegistryServices> = async (input) => {
  const registry = await openRegistry(input.services);
  const reference = parseReference(argument(input, "release"));
  const release = await releaseOf(registry, argument(input, "release"));
  const { model, weights } = release;
  const version = await versionOf(registry, release);
  const now = await readStanding(registry, release);
  const aliases = (await listAliases(registry.db, model)).filter((one) => one.release === release.digest);
  const grants = await listGrants(registry.db, model);
  const kept = await attachments(registry.db, version);
  const history = reference.alias === undefined ? [] : await aliasHistory(registry.db, model, reference.alias);
  return {
    data: {
      release: { ...release, reference: `${model}@sha256:${release.digest}` },
      standing: now,
      source: version.source,
      bytes: version.bytes,
      files: version.files,
      attachments: Object.fromEntries(kept),
      aliases: aliases.map(({ alias }) => alias),
      grants,
      ...(reference.alias === undefined ? {} : { history }),
    },
    text: (style) => {
      const row = (name: string, value: string): string => `${style.dim(name.padEnd(10))} ${value}`;
      const { scan, signature } = now;
      const source = Object.entries(version.source).map(([name, value]) =>
        name === "kind" ? value : `${name} ${value}`,
      );
      return [
        `${style.bold(`${model}@sha256:${release.digest}`)}, release ${release.number}, is ${stateText(now.state, style)}`,
        row("weights", `sha256:${weights.root} (${version.files.length} files, ${bytesText(version.bytes)})`),
        ...PARTS.flatMap((part) => {
          const digest = release[part];
          return digest === null ? [] : [row(part, `sha256:${digest}`)];
        }),
        row("from", `${source.join(", ")}; asked for by ${now.requestedBy}, ${timeText(release.createdAt)}`),
        row("scan", scan === undefined ? "none yet" : `${scan.verdict}, by ${scan.scanner}, ${timeText(scan.at)}`),
        row(
          "signature",
          signature === undefined ? "not verified" : `by ${signature.identity}, ${timeText(signature.at)}`,
        ),
        row(
          "attached",
          [...kept].map(([kind, { size }]) => `${ATTACHMENTS[kind].title} (${bytesText(size)})`).join(", ") ||
            "nothing",
        ),
        row("approvals", now.approvals.map(({ by, at }) => `${by} (${timeText(at)})`).join(", ") || "none"),
        ...(now.revoked === undefined
          ? []
          : [
              row(
                "revoked",
                `by ${now.revoked.by}, ${timeText(now.revoked.at)}: ${now.revoked.reason || "no reason given"}`,
              ),
            ]),
        row("aliases", aliases.map(({ alias }) => alias).join(" ") || "none"),
        row(
          "granted to",
          grants.map(({ app, user }) => (user === "*" ? app : `${app}/${user}`)).join(", ") || "nobody",
        ),
        ...historyText(reference.alias, history, style),
        // What an alias points to has arrived.
        ...(now.state === "approved" && aliases.length > 0 ? [] : [style.dim(nextStep(release, now, registry.rules))]),
      ].join("\n");
    },
  };
};

/** Writes a release's files into a folder of its own, each byte checked. */
export const runCheckout: CommandRun<RegistryServices> = async (input) => {
  const registry = await openRegistry(input.services);
  const blobs = await openStore(input.services);
  const release = await releaseOf(registry, argument(input, "release"));
  const { state } = await readStanding(registry, release);
  if (state !== "approved") {
    throw registryError("models.transition-refused", {
      detail: `it is ${state}: only what is approved leaves the registry`,
    });
  }
  const version = await versionOf(registry, release);
  const folder = fileAt(input, argument(input, "folder"));
  await blobs.checkout(version.files, folder);
  return {
    data: {
      release: `${release.model}@sha256:${release.digest}`,
      folder,
      files: version.files.length,
      bytes: version.bytes,
    },
    text: () =>
      `${shown(release)} is in ${folder}: ${version.files.length} files, ${bytesText(version.bytes)}, every digest checked`,
  };
};

function historyText(alias: Alias["alias"] | undefined, history: readonly Move[], style: Style): readonly string[] {
  if (alias === undefined) return [];
  const lines = history.map(
    ({ sequence, how, to, by, at }) =>
      `  ${sequence}. ${how === "alias" ? "moved" : "rolled back"} to ${shortDigest(to)} by ${by}, ${timeText(at)}`,
  );
  return [style.dim(`history of ${alias}`), ...lines];
}
