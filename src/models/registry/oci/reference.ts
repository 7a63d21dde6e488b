/**
 * References of OCI registries: `host[:port]/repository:tag` or `…@sha256:<digest>`. There is no default host and no
 * default tag: a name that leads somewhere else than its reader thinks is how the wrong model comes in.
 *
 * Source: OCI distribution specification v1.1, «Pulling manifests» (the grammar of names and tags).
 *
 * @module
 */

import { parseDigest, printable, type Sha256 } from "../digest.ts";
import { registryError } from "../errors.ts";

export interface OciReference {
  /** With its port, where it has one. */
  readonly host: string;
  readonly repository: string;
  readonly tag?: string;
  readonly digest?: Sha256;
}

const HOST = /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*(?::\d{1,5})?$/;
const REPOSITORY = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const TAG = /^\w[\w.-]{0,127}$/;

/** @throws `models.oci-reference`, `models.digest-invalid` */
export function parseOciReference(text: string): OciReference {
  const slash = text.indexOf("/");
  const host = text.slice(0, Math.max(slash, 0));
  const rest = text.slice(slash + 1);
  const at = rest.indexOf("@");
  const named = at === -1 ? rest : rest.slice(0, at);
  const colon = named.lastIndexOf(":");
  const repository = colon === -1 ? named : named.slice(0, colon);
  const tag = colon === -1 ? undefined : named.slice(colon + 1);
  const isHost = HOST.test(host) && (/[.:]/.test(host) || host === "localhost");
  const isValid =
    isHost && repository.length <= 255 && REPOSITORY.test(repository) && (tag === undefined || TAG.test(tag));
  if (!isValid || (tag === undefined && at === -1))
    throw registryError("models.oci-reference", { detail: printable(text) });
  return {
    host,
    repository,
    ...(tag === undefined ? {} : { tag }),
    ...(at === -1 ? {} : { digest: parseDigest(rest.slice(at + 1)) }),
  };
}
