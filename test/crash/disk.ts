/**
 * A disk in memory that can lose power.
 *
 * It keeps two states: what the running system sees, and what is certain to survive. The bytes of a file become certain
 * with `sync` (or `append`), names with `syncFolder`. At a power cut everything in between is up to chance, as on a real
 * disk: {@link Disk.afterPowerCut} takes a choice of the two extremes, or any mixture by a seed.
 */

import { dirname } from "node:path";
import type { Files } from "../../src/ledger/index.ts";

/** Bytes of a file: all that was written, and how much of it is certain. */
interface Content {
  bytes: Buffer;
  certain: Buffer;
}

/** What happens at the chosen call. `torn` writes a part of the bytes first; `late` does it all, then reports failure. */
export type Fault = "error" | "torn" | "late" | "power";

export interface Disk {
  readonly files: Files;
  /** Calls so far that change something. */
  readonly calls: () => readonly string[];
  /** The `at`-th changing call (from 1) meets `fault`. After `power` every later call fails as well. */
  failAt(at: number, fault: Fault): void;
  /** A disk with what survived. `lucky(path)` tells whether something uncertain made it. */
  afterPowerCut(lucky: (path: string) => boolean): Disk;
  /** The files as the running system sees them. */
  readonly visible: () => ReadonlyMap<string, Uint8Array>;
}

export class PowerCut extends Error {}

export function diskInMemory(start: ReadonlyMap<string, Uint8Array> = new Map()): Disk {
  const names = new Map<string, Content>();
  const certainNames = new Map<string, Content>();
  for (const [path, bytes] of start) {
    const content = { bytes: Buffer.from(bytes), certain: Buffer.from(bytes) };
    names.set(path, content);
    certainNames.set(path, content);
  }
  const folders = new Set<string>(["/", ...[...start.keys()].flatMap(parents)]);
  const certainFolders = new Set<string>(folders);
  const open = new Map<number, Content>();
  const calls: string[] = [];
  let nextHandle = 3;
  let fault: { at: number; fault: Fault } | undefined;
  let dead = false;

  /** Runs a changing call, or what is left of it when the fault meets it. */
  function step(call: string, act: (share: number) => void): void {
    if (dead) throw new PowerCut("no power");
    calls.push(call);
    const met = fault !== undefined && fault.at === calls.length ? fault.fault : undefined;
    if (met === undefined) {
      act(1);
      return;
    }
    if (met === "late") act(1);
    if (met === "torn" || met === "power") act(0.6);
    dead = met === "power";
    throw met === "power" ? new PowerCut("power cut") : Object.assign(new Error("no space left"), { code: "ENOSPC" });
  }

  function write(handle: number, bytes: Uint8Array, share: number): Content {
    const content = open.get(handle);
    if (content === undefined) throw new Error(`bad handle ${handle}`);
    content.bytes = Buffer.concat([content.bytes, bytes.subarray(0, Math.ceil(bytes.length * share))]);
    return content;
  }

  function create(path: string): number {
    const content: Content = { bytes: Buffer.alloc(0), certain: Buffer.alloc(0) };
    const handle = nextHandle++;
    step(`create ${path}`, (share) => {
      if (share === 1) names.set(path, content);
    });
    open.set(handle, content);
    return handle;
  }

  const files: Files = {
    read: async (path) => {
      if (dead) throw new PowerCut("no power");
      return names.get(path)?.bytes;
    },
    mode: async (path) => (names.has(path) ? 0o600 : undefined),
    list: async (path) => {
      const inside = [...names.keys(), ...folders].filter((name) => name.startsWith(`${path}/`));
      return [...new Set(inside.map((name) => name.slice(path.length + 1).split("/")[0] as string))];
    },
    makeFolder: async (path) => {
      if (folders.has(path)) return false;
      if (dirname(path) !== "/" && !folders.has(dirname(path))) {
        throw Object.assign(new Error(path), { code: "ENOENT" });
      }
      step(`makeFolder ${path}`, () => folders.add(path));
      return true;
    },
    create: async (path) => create(path),
    createLog: async (path) => create(path),
    write: async (handle, bytes) => step("write", (share) => write(handle, bytes, share)),
    append: async (handle, bytes) =>
      step("append", (share) => {
        const content = write(handle, bytes, share);
        if (share === 1) content.certain = content.bytes;
      }),
    sync: async (handle) =>
      step("sync", (share) => {
        const content = open.get(handle);
        if (content !== undefined && share === 1) content.certain = content.bytes;
      }),
    close: async (handle) => step("close", () => open.delete(handle)),
    rename: async (from, to) =>
      step(`rename ${to}`, (share) => {
        const content = names.get(from);
        if (content === undefined) throw Object.assign(new Error(from), { code: "ENOENT" });
        if (share !== 1) return;
        names.delete(from);
        names.set(to, content);
      }),
    remove: async (path) =>
      step(`remove ${path}`, (share) => {
        const inside = [...names.keys()].filter((name) => name === path || name.startsWith(`${path}/`));
        for (const name of inside.slice(0, Math.ceil(inside.length * share))) names.delete(name);
        if (share === 1) folders.delete(path);
      }),
    syncFolder: async (path) =>
      step(`syncFolder ${path}`, (share) => {
        if (share !== 1) return;
        for (const name of certainNames.keys()) {
          if (dirname(name) === path && !names.has(name)) certainNames.delete(name);
        }
        for (const [name, content] of names) if (dirname(name) === path) certainNames.set(name, content);
        for (const name of folders) if (dirname(name) === path) certainFolders.add(name);
      }),
    lock: async () => () => undefined,
  };

  return {
    files,
    calls: () => calls,
    failAt: (at, what) => {
      fault = { at, fault: what };
    },
    afterPowerCut: (lucky) => {
      const survived = new Map<string, Uint8Array>();
      const stands = (path: string): boolean => parents(path).every((name) => certainFolders.has(name) || lucky(name));
      for (const path of new Set([...names.keys(), ...certainNames.keys()])) {
        const now = names.get(path);
        const before = certainNames.get(path);
        const content = now === before || lucky(path) ? now : before;
        if (content === undefined || !stands(path)) continue;
        survived.set(path, lucky(`${path} bytes`) ? content.bytes : content.certain);
      }
      return diskInMemory(survived);
    },
    visible: () => new Map([...names].map(([path, { bytes }]) => [path, bytes])),
  };
}

function parents(path: string): string[] {
  const parent = dirname(path);
  return parent === path ? [] : [parent, ...parents(parent)];
}
