/**
 * What is said of zip archives. Loaders read them by different parts (zipfile by the central directory, streaming readers
 * by the local headers, miniz in torch by absolute offsets), so that a place where the parts disagree shows one archive
 * to the scanner and another one to the loader: no honest writer makes one.
 *
 * @module
 */

import type { ScanRule } from "../../finding.ts";

const DISCARD = "do not load it, and find out who made it: no ordinary tool writes such an archive";
const REPACK = "get it again from its source; where it stays so, unpack it and pack it anew before it is scanned";

export const ZIP_RULES = {
  disagree: {
    id: "zip.headers-disagree",
    severity: "critical",
    verdict: "malicious",
    why: "the archive says one thing twice and differently, so that a loader may read what a scanner does not see",
    remedy: DISCARD,
    references: ["AML.T0010.003", "AML.T0011.000", "CVE-2025-1944"],
  },
  flags: {
    id: "zip.flags",
    severity: "high",
    verdict: "suspicious",
    why: "flags make strict readers refuse a member that lenient loaders read",
    remedy: DISCARD,
    references: ["AML.T0010.003", "CVE-2025-1945"],
  },
  falseEncryption: {
    id: "zip.false-encryption",
    severity: "critical",
    verdict: "malicious",
    why: "a member says that it is encrypted and is not, which keeps scanners out and loaders not",
    remedy: DISCARD,
    references: ["AML.T0010.003", "CVE-2025-1945"],
  },
  overlap: {
    id: "zip.overlap",
    severity: "critical",
    verdict: "malicious",
    why: "members lie over each other, as in decompression bombs and in archives that read differently in other tools",
    remedy: DISCARD,
    references: ["AML.T0010.003", "AML.T0029"],
  },
  escape: {
    id: "zip.path-escape",
    severity: "critical",
    verdict: "malicious",
    why: "a member's name leads out of the folder that it is unpacked into",
    remedy: DISCARD,
    references: ["AML.T0010.003", "AML.T0011.000"],
  },
  link: {
    id: "zip.link",
    severity: "high",
    verdict: "suspicious",
    why: "a member is a link, which leads out of the folder when it is unpacked",
    remedy: "do not unpack it; ask for an archive of plain files",
    references: ["AML.T0010.003"],
  },
  twice: {
    id: "zip.name-twice",
    severity: "high",
    verdict: "suspicious",
    why: "two members have one name, of which one tool reads the first and another the last",
    remedy: DISCARD,
    references: ["AML.T0010.003"],
  },
  outside: {
    id: "zip.bytes-outside",
    severity: "medium",
    verdict: "suspicious",
    why: "bytes stand before, after or between the members, where archives of models have none",
    remedy: REPACK,
    references: ["AML.T0010.003"],
  },
  crc: {
    id: "zip.crc",
    severity: "high",
    verdict: "suspicious",
    why: "a checksum is wrong: readers that check it give up, and loaders that do not go on",
    remedy: REPACK,
    references: ["AML.T0010.003", "CVE-2025-10156"],
  },
  noCrc: {
    id: "zip.crc-missing",
    severity: "info",
    verdict: "note",
    why: "members have no checksum, as torch writes them when it is told to",
    remedy: "nothing, where the file is signed; a signature covers its bytes",
    references: [],
  },
  encrypted: {
    id: "zip.encrypted",
    severity: "medium",
    verdict: "inconclusive",
    why: "a member is encrypted and could not be read",
    remedy: "decrypt it, and scan what is inside before it is used",
    references: ["AML.T0010.003"],
  },
  method: {
    id: "zip.method",
    severity: "medium",
    verdict: "inconclusive",
    why: "a member is compressed in a way that is not read here",
    remedy: "unpack it, and scan what is inside before it is used",
    references: ["AML.T0010.003"],
  },
  large: {
    id: "zip.member-too-large",
    severity: "medium",
    verdict: "inconclusive",
    why: "a compressed member is larger than the limit and was not read",
    remedy: "unpack it, and scan what is inside before it is used",
    references: ["AML.T0010.003"],
  },
  broken: {
    id: "zip.broken",
    severity: "medium",
    verdict: "inconclusive",
    why: "the archive is cut short or damaged, so that parts of it could not be read",
    remedy: REPACK,
    references: ["AML.T0010.003"],
  },
} as const satisfies Readonly<Record<string, ScanRule>>;

/** Something that is wrong with an archive. */
export interface ZipProblem {
  readonly rule: ScanRule;
  readonly offset: number;
  readonly detail: string;
}
