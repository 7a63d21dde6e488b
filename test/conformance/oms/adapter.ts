#!/usr/bin/env node
/**
 * The command that the conformance suite of OpenSSF Model Signing runs: `sign-model` and `verify-model` with the flags of
 * its adapter protocol (sampras343/model-signing-conformance, docs/conformance_adapter_cli_protocol.md).
 *
 *     pytest test/ --entrypoint=…/test/conformance/oms/adapter.ts
 *
 * Exits 0 when the model was signed or verified, 1 when it was rejected, 2 when that could not be done.
 */

import { readFileSync, statSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { Secret } from "../../../src/core/index.ts";
import { signModel, verifyModel, type SigningMethod, type Trust } from "../../../src/models/index.ts";
import { nameInModel } from "../../../src/models/sign/walk.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  strict: true,
  options: {
    method: { type: "string" },
    "model-path": { type: "string" },
    "output-bundle": { type: "string" },
    bundle: { type: "string" },
    "private-key": { type: "string" },
    "public-key": { type: "string" },
    "signing-cert": { type: "string" },
    "cert-chain": { type: "string", multiple: true, default: [] },
    "ignore-paths": { type: "string", multiple: true, default: [] },
    "ignore-unsigned-files": { type: "boolean", default: false },
    identity: { type: "string" },
    "identity-provider": { type: "string" },
    "identity-token": { type: "string" },
  },
});

try {
  process.exitCode = await run(positionals[0]);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 2;
}

async function run(command: string | undefined): Promise<number> {
  const path = needed("model-path");
  if (command === "sign-model") {
    const output = needed("output-bundle");
    const { bundle } = await signModel(path, methodOf(needed("method")), { ignorePaths: ignored(path, output) });
    writeFileSync(output, bundle);
    return 0;
  }
  if (command !== "verify-model") throw new TypeError("the command is neither sign-model nor verify-model");
  const file = needed("bundle");
  const report = await verifyModel(path, readFileSync(file), trustOf(needed("method")), {
    ignorePaths: ignored(path, file),
    ignoreUnsignedFiles: values["ignore-unsigned-files"],
  });
  for (const problem of report.problems) console.error(JSON.stringify(problem));
  return report.verified ? 0 : 1;
}

function methodOf(method: string): SigningMethod {
  switch (method) {
    case "key":
      return { method, privateKey: new Secret(read(needed("private-key"))) };
    case "certificate":
      return {
        method,
        privateKey: new Secret(read(needed("private-key"))),
        certificate: read(needed("signing-cert")),
        ...(values["cert-chain"].length === 0 ? {} : { chain: values["cert-chain"].map(read).join("\n") }),
      };
    case "sigstore":
      return { method, identityToken: new Secret(needed("identity-token")) };
    default:
      throw new TypeError(`there is no method ${method}`);
  }
}

function trustOf(method: string): Trust {
  switch (method) {
    case "key":
      return { method, publicKey: read(needed("public-key")) };
    case "certificate":
      return { method, trusted: values["cert-chain"].map(read).join("\n") };
    case "sigstore":
      return { method, identity: needed("identity"), issuer: needed("identity-provider") };
    default:
      throw new TypeError(`there is no method ${method}`);
  }
}

/** The suite names paths of the file system, and of a model of one file also those beside it. */
function ignored(path: string, bundle: string): string[] {
  if (statSync(path).isFile()) return [];
  return [bundle, ...values["ignore-paths"]].flatMap((file) => nameInModel(path, file) ?? []);
}

function needed(name: keyof typeof values): string {
  const value = values[name];
  if (typeof value !== "string") throw new TypeError(`--${name} is missing`);
  return value;
}

function read(file: string): string {
  return readFileSync(file, "utf8");
}
