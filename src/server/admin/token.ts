/**
 * The token of the admin API: 256 random bits in a file that only this user can read. Whoever can read the file can
 * already read the keys beside it, so the token adds no second secret to keep.
 *
 * @module
 */

import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";

import { Secret } from "../../core/index.ts";
import { serverError } from "../errors.ts";

const FORM = /^hfadmin_[A-Za-z0-9_-]{43}$/;

/** Reads the token of `file`, made first where there is none. @throws `server.data-unusable` */
export function adminToken(file: string): Secret {
  try {
    const made = `hfadmin_${randomBytes(32).toString("base64url")}`;
    // Fails where the file is there: of two processes that start at once, one makes it and both read it.
    writeFileSync(file, `${made}\n`, { mode: 0o600, flag: "wx", flush: true });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "EEXIST") {
      throw serverError("server.data-unusable", { detail: file, cause });
    }
  }
  const text = readFileSync(file, "utf8").trim();
  if (!FORM.test(text)) {
    throw serverError("server.data-unusable", {
      detail: `${file} holds no admin token`,
      hint: "delete the file: the next start makes a new token",
    });
  }
  return new Secret(text);
}

/**
 * Whether an `authorization` header carries the token (RFC 6750 section 2.1). Digests are compared, in time that depends
 * neither on where they differ nor on the length of what was sent.
 */
export function carriesToken(header: string | undefined, token: Secret): boolean {
  const match = /^bearer +([^\s]{1,256})$/i.exec(header ?? "");
  return timingSafeEqual(digest(match?.[1] ?? ""), digest(token.reveal()));
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
