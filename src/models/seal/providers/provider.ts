/**
 * The port to services that keep keys: they wrap a file key and unwrap it, and never hand out the key that they do it
 * with. What a service has wrapped stands in the header of the age file as a stanza:
 *
 *     -> holdfast.dev/vault-transit transit/models
 *     <what the service has made of the file key>
 *
 * A stanza names its key so that the right one is asked; which service is asked, where it is and with which credentials
 * comes from this side's configuration alone. A stranger's file cannot send anybody anywhere.
 *
 * Source: C2SP age.md v1, «Recipient stanza».
 *
 * @module
 */

import { Stanza, type Identity, type Recipient } from "age-encryption";
import { sealError } from "../errors.ts";

/** A key in a service. */
export interface KeyProvider {
  /** Kind of the service, the stanza's first argument: a domain of whoever defines it, and a name. */
  readonly kind: string;
  /** Which key of the service. Printable ASCII without spaces. */
  readonly key: string;
  /** Wraps a file key (16 bytes). @throws `seal.service-…` */
  wrap(fileKey: Uint8Array): Promise<Uint8Array>;
  /**
   * Unwraps what {@link KeyProvider.wrap} has made.
   *
   * @returns undefined where the service says that it was not made with this key
   * @throws `seal.service-…`
   */
  unwrap(wrapped: Uint8Array): Promise<Uint8Array | undefined>;
}

/** Bytes of a file key in age. */
const FILE_KEY_BYTES = 16;

/** Seals to a key in a service. */
export function providerRecipient(provider: KeyProvider): Recipient {
  return {
    wrapFileKey: async (fileKey) => [new Stanza([provider.kind, provider.key], await provider.wrap(fileKey))],
  };
}

/** Opens what was sealed to a key in a service. */
export function providerIdentity(provider: KeyProvider): Identity {
  return {
    unwrapFileKey: async (stanzas) => {
      for (const { args, body } of stanzas) {
        if (args[0] !== provider.kind || args[1] !== provider.key) continue;
        if (args.length !== 2)
          throw sealError("seal.header-invalid", { detail: `a malformed stanza ${provider.kind}` });
        const fileKey = await provider.unwrap(body);
        if (fileKey === undefined) continue;
        if (fileKey.length === FILE_KEY_BYTES) return fileKey;
        throw sealError("seal.service-answer", { detail: `${provider.kind}: a key of ${fileKey.length} bytes` });
      }
      return null;
    },
  };
}
