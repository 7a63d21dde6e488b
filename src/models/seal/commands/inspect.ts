/**
 * `holdfast seal inspect`. Headers are foreign text: it is shown as the header's printable ASCII, and cut.
 *
 * @module
 */

import { open, stat } from "node:fs/promises";
import { join } from "node:path";
import type { CommandResult, CommandRun } from "../../../core/index.ts";
import type { Header, HeaderStanza } from "../age/header.ts";
import { NONCE_BYTES, plainBytes } from "../age/payload.ts";
import type { SealServices } from "../commands.ts";
import { fileSource, readHeader, withoutArmor } from "../open.ts";
import { KEY_FILE } from "../set/manifest.ts";
import { isShredded, isThere, readManifest } from "../set/unseal.ts";
import { bytesText, filesText } from "./options.ts";

export const run: CommandRun<SealServices> = async ({ args }) => {
  const path = args["path"] ?? "";
  return (await stat(path)).isDirectory() ? await inspectSet(path) : await inspectFile(path);
};

async function inspectFile(path: string): Promise<CommandResult> {
  const { header, armored, contentBytes } = await look(path);
  const recipients = header.stanzas.map(describe);
  return {
    data: { path, armored, contentBytes, recipients },
    text: () =>
      [
        `age file  ${path}${armored ? ", armored" : ""}`,
        `content   ${bytesText(contentBytes)}`,
        ...recipientLines(recipients),
      ].join("\n"),
  };
}

async function inspectSet(folder: string): Promise<CommandResult> {
  const { manifest, manifestDigest } = await readManifest(folder);
  const { id, createdAt, files } = manifest;
  const bytes = files.reduce((sum, { size }) => sum + size, 0);
  const keyFile = join(folder, KEY_FILE);
  const shredded = await isShredded(folder);
  const recipients = (await isThere(keyFile)) ? (await look(keyFile)).header.stanzas.map(describe) : undefined;
  return {
    data: {
      path: folder,
      id,
      createdAt,
      manifestDigest,
      files: files.length,
      bytes,
      shredded,
      recipients: recipients ?? null,
    },
    text: (style) =>
      [
        `sealed set  ${folder}`,
        `content     ${filesText(files.length)}, ${bytesText(bytes)}, sealed ${createdAt}`,
        `id          ${id}`,
        `manifest    sha256:${manifestDigest}`,
        ...(recipients === undefined
          ? [`key         ${shredded ? style.yellow("destroyed: nobody can read it any more") : "kept elsewhere"}`]
          : recipientLines(recipients)),
      ].join("\n"),
  };
}

async function look(path: string): Promise<{ header: Header; armored: boolean; contentBytes: number }> {
  await using file = await open(path);
  const raw = await fileSource(file);
  const source = await withoutArmor(raw);
  const header = await readHeader(source);
  const contentBytes = plainBytes(source.size - header.bytes.length - NONCE_BYTES);
  return { header, armored: source !== raw, contentBytes };
}

interface Described {
  readonly kind: string;
  /** Of a key service: which key. Of a passphrase: the work factor. */
  readonly detail?: string;
}

function describe({ args }: HeaderStanza): Described {
  const [kind = "", first = "", second = ""] = args.map((arg) => arg.slice(0, 200));
  if (kind === "scrypt") return { kind: "passphrase", detail: `work factor ${second}` };
  if (kind.startsWith("holdfast.dev/")) return { kind, detail: first };
  return { kind };
}

function recipientLines(recipients: readonly Described[]): string[] {
  return [
    "sealed to",
    ...recipients.map(({ kind, detail }) => `  ${kind}${detail === undefined ? "" : `  ${detail}`}`),
  ];
}
