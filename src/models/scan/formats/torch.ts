/**
 * The layout of torch's zip archives: a pickle, the raw storages that it names, and, of TorchScript, code in its own
 * language.
 *
 * Only storages that the pickle names, with the bytes that it says, are raw numbers. Any other member is read as a file:
 * `data/` is a place where nobody looks.
 *
 * Source: torch/serialization.py, torch/csrc/jit/serialization/export_module.cpp, torch/package.
 *
 * @module
 */

import type { ScanRule } from "../finding.ts";
import type { ScanContext } from "../format.ts";
import { storagesOf } from "./pickle/pickle.ts";
import { latin1 } from "./text.ts";
import type { ZipMember } from "./zip/archive.ts";
import { openMember } from "./zip/member.ts";

export const TORCH_RULES = {
  io: {
    id: "torchscript.file-access",
    severity: "high",
    verdict: "suspicious",
    why: "its TorchScript code reads or writes files, or calls back into Python, when the model runs",
    remedy: "read the code of the member, and ask for the weights as safetensors",
    references: ["AML.T0010.003", "AML.T0011.000"],
  },
  custom: {
    id: "torchscript.custom-operator",
    severity: "low",
    verdict: "note",
    why: "its TorchScript code needs operators of a library that has to be loaded beside it",
    remedy: "see that the library comes from whom you trust",
    references: ["AML.T0010.001"],
  },
  package: {
    id: "torch.package",
    severity: "high",
    verdict: "suspicious",
    why: "it is an archive of torch.package, which holds Python code that runs when it is loaded",
    remedy: "read its code before it is loaded, and ask for the weights as safetensors",
    references: ["AML.T0010.003", "AML.T0011.000"],
  },
} as const satisfies Readonly<Record<string, ScanRule>>;

/** What the members of an archive are to torch. */
export interface TorchLayout {
  /** Storages that a pickle of the archive names: raw numbers. */
  readonly raw: ReadonlySet<ZipMember>;
  /** Code of TorchScript. */
  readonly code: ReadonlySet<ZipMember>;
}

const PICKLE = /^((?:.*\/)?)(data|constants)\.pkl$/;

export function torchLayout(members: readonly ZipMember[], context: ScanContext): TorchLayout {
  const raw = new Set<ZipMember>();
  const code = new Set<ZipMember>();
  const pickles = members.filter(({ name }) => PICKLE.test(name));
  if (pickles.length === 0) return { raw, code };
  const byName = Map.groupBy(members, ({ name }) => name);
  for (const pickle of pickles) {
    const [, prefix = "", folder = ""] = PICKLE.exec(pickle.name) ?? [];
    const { source } = openMember(pickle, context.spend);
    if (source === undefined) continue;
    for (const [key, { bytes }] of storagesOf(source, context.spend)) {
      const named = byName.get(`${prefix}${folder}/${key}`) ?? [];
      // Two of one name: which of them a loader takes is not known.
      const [only] = named;
      if (named.length === 1 && only?.method === 0 && only.size === bytes) raw.add(only);
    }
    if (folder !== "constants") continue;
    for (const member of members) {
      if (member.name.startsWith(`${prefix}code/`) && member.name.endsWith(".py")) code.add(member);
    }
  }
  for (const member of members) if (BYTECODE.test(member.name)) scanBytecode(member, context);
  const extern = members.find(({ name }) => name.endsWith(".data/extern_modules"));
  if (extern !== undefined) context.report(TORCH_RULES.package, { offset: extern.local, detail: extern.name });
  return { raw, code };
}

/** Bytes of one member of code that are read. */
const MAX_CODE = 64 * 1024 * 1024;
const FILE_ACCESS =
  /\b(?:torch|ops\.aten|aten)\.(?:from_file|save|load|_load_from_bytes)\b|\bops\.prim\.PythonOp\b|\^[A-Za-z_]\w*\(/g;
const OPERATORS = /\bops\.(?!aten\b|prim\b|quantized\b|_quantized\b|prepacked\b|profiler\b)(\w+)\.(\w+)/g;

/** The code of TorchScript for mobile devices: a pickle, in which operators are texts. */
const BYTECODE = /(?:^|\/)bytecode\.pkl$/;
const FILE_OPERATORS = /\b(?:aten::(?:from_file|save|load)|prim::PythonOp)(?![a-z_])/g;

function scanBytecode(member: ZipMember, context: ScanContext): void {
  for (const match of textOf(member, context)?.matchAll(FILE_OPERATORS) ?? []) {
    context.report(TORCH_RULES.io, { offset: member.offset + match.index, detail: `${member.name}: ${match[0]}` });
  }
}

/** Looks at code of TorchScript, in which only operators reach outside. */
export function scanTorchScript(member: ZipMember, context: ScanContext): void {
  const text = textOf(member, context);
  if (text === undefined) return;
  for (const match of text.matchAll(FILE_ACCESS)) {
    context.report(TORCH_RULES.io, { offset: member.offset + match.index, detail: `${member.name}: ${match[0]}` });
  }
  for (const match of text.matchAll(OPERATORS)) {
    const detail = `${match[1] ?? ""}.${match[2] ?? ""}`;
    context.report(TORCH_RULES.custom, { offset: member.offset + match.index, detail });
  }
}

/** The text of a member, a character for each byte. One that is too large to be code is scanned as any other member. */
function textOf(member: ZipMember, context: ScanContext): string | undefined {
  const { source } = openMember(member, context.spend);
  if (source === undefined || !context.spend("bytes", source.size)) return undefined;
  if (source.size <= MAX_CODE) return latin1(source.read(0, source.size));
  context.member(member.name, source);
  return undefined;
}
