/**
 * Zip archives: reports what is wrong with them, and scans all members. What lies outside of members is scanned too.
 *
 * Archives of torch are read by their layout (`torch.ts`): storages that `data.pkl` names are raw numbers, and are left
 * alone.
 *
 * @module
 */

import type { Format, ScanContext } from "../../format.ts";
import { scanTorchScript, TORCH_RULES, torchLayout } from "../torch.ts";
import { isZip, readZip, type ZipMember } from "./archive.ts";
import { openMember } from "./member.ts";
import { ZIP_RULES } from "./rules.ts";

export const zipFormat: Format = {
  id: "zip",
  rules: [...Object.values(ZIP_RULES), ...Object.values(TORCH_RULES)],
  sniff: isZip,
  scan: (source, context) => {
    const { members, problems, outside } = readZip(source);
    for (const { rule, offset, detail } of problems) context.report(rule, { offset, detail });
    if (!context.spend("steps", members.length)) return;
    const { raw, code } = torchLayout(members, context);
    for (const member of members) {
      if (code.has(member)) scanTorchScript(member, context);
      else if (!raw.has(member)) scanMember(member, context);
    }
    for (const { offset, source: stretch } of outside) context.member(`bytes at ${offset}`, stretch);
  },
};

/** Bits 5 and 6: patched data, strong encryption. */
const STRANGE_FLAGS = 0x60;

function scanMember(member: ZipMember, context: ScanContext): void {
  if ((member.flags & STRANGE_FLAGS) !== 0) {
    const detail = `${member.name}: flags 0x${member.flags.toString(16)}`;
    context.report(ZIP_RULES.flags, { offset: member.local, detail });
  }
  if (member.size === 0 && member.packed.size === 0) return;
  const { source, problems } = openMember(member, context.spend);
  for (const { rule, offset, detail } of problems) context.report(rule, { offset, detail });
  if (source !== undefined) context.member(member.name, source);
}
