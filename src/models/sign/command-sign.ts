/**
 * `holdfast model sign`.
 *
 * @module
 */

import { Secret, type CommandRun, listOption, textOption, type CommandOptions } from "../../core/index.ts";
import { signError, type SignErrorCode } from "./errors.ts";
import {
  ignoredNames,
  isDefaultIgnore,
  manifestOptions,
  pathOf,
  readSmall,
  readSmalls,
  signaturePath,
} from "./input.ts";
import { signModel, type SigningMethod } from "./sign.ts";
import { writeSignature } from "./write.ts";

/** Environment variables that hold an identity token, as other tools of Sigstore read them. */
const TOKEN_VARIABLE = "SIGSTORE_ID_TOKEN";

export const run: CommandRun<unknown> = async (input) => {
  const { options, progress } = input;
  const path = pathOf(input);
  const method = await methodOf(options);
  const signature = await signaturePath(path, options);
  const { bundle, manifest } = await signModel(path, method, {
    ...manifestOptions(options),
    ignorePaths: ignoredNames(path, signature, options),
    pythonSingleFile: options["pythonSingleFile"] === true,
    progress: (done, total) => progress("hashing the model", done, total),
  });
  await writeSignature(signature, bundle);
  const { name, root, resources, size, serialization } = manifest;
  const ignored = manifest.ignored.filter((one) => !isDefaultIgnore(one));
  const count = `${resources.length} ${serialization.method === "shards" ? "shards" : "files"}, ${size} bytes`;
  return {
    data: {
      path,
      signature,
      method: method.method,
      subject: { name, digest: { sha256: root } },
      serialization,
      resources: resources.length,
      bytes: size,
      ignored: manifest.ignored,
    },
    text: (style) =>
      [
        `${style.green("signed")}     ${path}: ${count}`,
        `root       ${root}`,
        `signature  ${signature}`,
        ...(ignored.length === 0 ? [] : [`left out   ${ignored.map((one) => JSON.stringify(one)).join(", ")}`]),
      ].join("\n"),
  };
};

/** @throws `models.key-unusable` when no key is given and no token is there */
async function methodOf(options: CommandOptions): Promise<SigningMethod> {
  const keyFile = textOption(options, "key");
  const certificateFile = textOption(options, "certificate");
  if (keyFile !== undefined) {
    const passphraseFile = textOption(options, "passphraseFile");
    const passphrase = passphraseFile === undefined ? undefined : await readLine(passphraseFile, "models.key-unusable");
    const privateKey = new Secret(await readSmall(keyFile, "models.key-unusable"));
    const key = { privateKey, ...(passphrase === undefined ? {} : { passphrase: new Secret(passphrase) }) };
    if (certificateFile === undefined) return { method: "key", ...key };
    const timestampUrl = textOption(options, "timestampUrl");
    return {
      method: "certificate",
      ...key,
      certificate: await readSmall(certificateFile, "models.certificate-unusable"),
      ...(listOption(options, "chain").length === 0
        ? {}
        : { chain: await readSmalls(listOption(options, "chain"), "models.certificate-unusable") }),
      ...(timestampUrl === undefined ? {} : { timestampUrl }),
    };
  }
  if (options["sigstore"] !== true) {
    throw signError("models.key-unusable", { detail: "none was given", hint: "give one with --key, or --sigstore" });
  }
  return { method: "sigstore", identityToken: await tokenOf(options), ...servicesOf(options) };
}

async function tokenOf(options: CommandOptions): Promise<Secret> {
  const file = textOption(options, "identityToken");
  const token = file === undefined ? process.env[TOKEN_VARIABLE] : await readLine(file, "models.sigstore-failed");
  if (token === undefined || token === "") {
    const hint = `name a file that holds one with --identity-token, or set ${TOKEN_VARIABLE}`;
    throw signError("models.sigstore-failed", { detail: "there is no identity token", hint });
  }
  return new Secret(token);
}

function servicesOf(options: CommandOptions): { fulcioUrl?: string; rekorUrl?: string; timestampUrl?: string } {
  const [fulcioUrl, rekorUrl, timestampUrl] = ["fulcioUrl", "rekorUrl", "timestampUrl"].map((name) =>
    textOption(options, name),
  );
  return {
    ...(fulcioUrl === undefined ? {} : { fulcioUrl }),
    ...(rekorUrl === undefined ? {} : { rekorUrl }),
    ...(timestampUrl === undefined ? {} : { timestampUrl }),
  };
}

/** A secret in a file, without the end of the line. */
async function readLine(path: string, code: SignErrorCode): Promise<string> {
  return (await readSmall(path, code)).replace(/\r?\n$/, "");
}
