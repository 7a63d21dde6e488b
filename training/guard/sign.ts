/**
 * Signs trained weights: writes `manifest.json`, which the classifier checks before it reads anything
 * (`src/guard/model/manifest.ts`).
 *
 *     node training/guard/sign.ts --key ~/holdfast-weights.key --new-key    makes a key pair, once
 *     node training/guard/sign.ts --key ~/holdfast-weights.key              signs weights/guard
 *
 * The private key (Ed25519, PKCS #8 PEM) stays outside the repository. The public key that is printed belongs into
 * `src/guard/model/trusted-keys.ts`.
 */

import { createPrivateKey, generateKeyPairSync } from "node:crypto";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { readConfig } from "../../src/guard/model/config.ts";
import { MANIFEST_FILE, publicKeyOf, sha256, signManifest, WEIGHT_FILES } from "../../src/guard/model/manifest.ts";
import { TRUSTED_KEYS } from "../../src/guard/model/trusted-keys.ts";

const REPOSITORY = fileURLToPath(new URL("../../", import.meta.url));

const { values } = parseArgs({
  options: {
    key: { type: "string" },
    "new-key": { type: "boolean", default: false },
    weights: { type: "string", default: join(REPOSITORY, "weights/guard") },
  },
});
if (values.key === undefined) throw new Error("--key FILE says where the private key lies");
const keyFile = resolve(values.key);
if (keyFile.startsWith(REPOSITORY)) throw new Error("the private key must lie outside the repository");

if (values["new-key"]) {
  const { privateKey } = generateKeyPairSync("ed25519");
  // `wx` never overwrites a key.
  writeFileSync(keyFile, privateKey.export({ type: "pkcs8", format: "pem" }), { mode: 0o600, flag: "wx" });
  say(publicKeyOf(privateKey));
} else {
  const key = createPrivateKey(readFileSync(keyFile));
  const files = WEIGHT_FILES.map((name) => ({ name, sha256: sha256(readFileSync(join(values.weights, name))) }));
  const { version } = readConfig(readFileSync(join(values.weights, "model.json")));
  const manifest = `${JSON.stringify(await signManifest(files, version, key), undefined, 2)}\n`;
  const target = join(values.weights, MANIFEST_FILE);
  writeFileSync(`${target}.new`, manifest);
  renameSync(`${target}.new`, target);
  say(`signed version ${version} with ${publicKeyOf(key)}`);
  if (!TRUSTED_KEYS.includes(publicKeyOf(key))) say("this key is not in src/guard/model/trusted-keys.ts");
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
