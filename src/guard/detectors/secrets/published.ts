/**
 * Secrets that everybody knows: values that public examples and quick starts show, which scanners meet in every second
 * repository. Kept as the first 16 hexadecimal digits of their SHA-256, so that none of them stands here.
 *
 * Sources: the API keys of Firebase's and Google's public examples and the passwords of NuGet's documentation, as
 * gitleaks' configuration names them (MIT).
 *
 * @module
 */

import { createHash } from "node:crypto";

const PUBLISHED: ReadonlySet<string> = new Set([
  "27a9a42931dff7eb",
  "49f777db995e8260",
  "a6c814bc555ae62c",
  "8731261cb72d8626",
  "37f8f09bdf12c2f2",
  "eb540d2b6ee2a0a4",
  "2037abcaffb2b777",
  "3a8b61d0f636b007",
  "4c98242dcadc8b29",
  "ea9bb1082cf95663",
  "3f370c9dd8225c63",
  "a19f89ab3555eac1",
  "e4a5542bb7fd7b67",
  "dc0fcf046c61640c",
  "f56e323494a6ffc2",
  "0b476bdf9acf2123",
  "dba72c00f41f4e4c",
  "a0702bc91d699f60",
]);

/** Whether a value is one of them. */
export function isPublished(secret: string): boolean {
  return PUBLISHED.has(createHash("sha256").update(secret).digest("hex").slice(0, 16));
}
