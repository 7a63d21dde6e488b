/**
 * `holdfast model push` and `model pull`.
 *
 * @module
 */

import { join } from "node:path";

import { Secret, type CommandRun } from "../../../core/index.ts";
import { attach, attachDocument, ATTACHMENTS, type AttachmentKind } from "../attachment.ts";
import { registryError } from "../errors.ts";
import { ociClient, type OciClient } from "../oci/client.ts";
import { ociHttp, type OciHttp } from "../oci/http.ts";
import { parseOciReference, type OciReference } from "../oci/reference.ts";
import { fileMemory, pullModel, pushRelease } from "../oci/transport.ts";
import { checkName } from "../reference.ts";
import { publish } from "../releases.ts";
import { openRegistry, openStore, type RegistryServices } from "../services.ts";
import { readStanding } from "../store.ts";
import { argument, bytesText, option, releaseOf, shown, versionOf, type Input } from "./common.ts";
import { examined, thereAlready, who } from "./take.ts";

/** Pushes a release. Only what is approved leaves the house. */
export const runPush: CommandRun<RegistryServices> = async (input) => {
  const registry = await openRegistry(input.services);
  const blobs = await openStore(input.services);
  const release = await releaseOf(registry, argument(input, "release"));
  const version = await versionOf(registry, release);
  const { state } = await readStanding(registry, release);
  if (state !== "approved") {
    throw registryError("models.transition-refused", {
      detail: `it is ${state}: only what is approved leaves the registry`,
    });
  }
  const to = parseOciReference(argument(input, "target"));
  const { tag } = to;
  if (tag === undefined || to.digest !== undefined) {
    throw registryError("models.oci-reference", { detail: "a push goes to a tag: host/repository:tag" });
  }
  return await connected(input, to, async (client) => {
    const memory = fileMemory(join(input.services.home, "models", "pushes"), to);
    const what = { release, version };
    const pushed = await pushRelease(registry, blobs, client, what, { ...to, tag }, memory, input.progress);
    const reference = `${to.host}/${to.repository}@sha256:${pushed.digest}`;
    return {
      data: {
        release: `${release.model}@sha256:${release.digest}`,
        reference,
        tag,
        sent: pushed.sent,
        bytes: version.bytes,
        attached: pushed.attached,
      },
      text: (style) =>
        [
          `${shown(release)} is at ${style.bold(`${to.host}/${to.repository}:${tag}`)}`,
          `digest ${reference}`,
          `sent ${bytesText(pushed.sent)}; what was there was not sent again`,
          withIt(pushed.attached),
        ].join("\n"),
    };
  });
};

/** Pulls a model into quarantine. */
export const runPull: CommandRun<RegistryServices> = async (input) => {
  const registry = await openRegistry(input.services);
  const blobs = await openStore(input.services);
  const from = parseOciReference(argument(input, "source"));
  const model = checkName(option(input, "name") ?? from.repository);
  return await connected(input, from, async (client) => {
    const { digest, files, parts, attached } = await pullModel(blobs, client, from, input.progress);
    const source = { kind: "oci", repository: `${from.host}/${from.repository}`, digest: `sha256:${digest}` };
    const published = await publish(registry, { model, files, source }, parts, who(input));
    for (const [kind, blob] of attached) {
      if (kind === "signature") await attach(registry, published.version, kind, blob);
      else await attachDocument(registry, blobs, published.version, kind, blob, who(input));
    }
    const notes = [
      `${files.length} files, ${bytesText(published.version.bytes)}, every digest checked, from ${source.repository}@${source.digest}`,
      ...thereAlready(published),
      withIt([...attached.keys()]),
    ];
    return await examined(input, registry, blobs, published, notes);
  });
};

function withIt(attached: readonly AttachmentKind[]): string {
  return `with it: ${attached.map((kind) => ATTACHMENTS[kind].title).join(", ") || "no signature and no documents"}`;
}

async function connected<T>(
  input: Input,
  { host, repository }: OciReference,
  use: (client: OciClient) => Promise<T>,
): Promise<T> {
  const username = option(input, "username");
  const password = input.services.source.env["HOLDFAST_OCI_PASSWORD"];
  if (username !== undefined && password === undefined) {
    throw registryError("models.options-invalid", { detail: "--username without HOLDFAST_OCI_PASSWORD" });
  }
  const http: OciHttp = ociHttp({
    host,
    plain: input.options["plainHttp"] === true,
    credentials:
      username === undefined || password === undefined ? undefined : { username, password: new Secret(password) },
  });
  try {
    return await use(ociClient(http, { repository }));
  } finally {
    await http.close();
  }
}
