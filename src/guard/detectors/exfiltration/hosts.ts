/**
 * The allow list of hosts, and hosts that are written to look like others.
 *
 * Addresses are read as browsers read them (WHATWG URL): tabs and line breaks are dropped, a backslash is a slash,
 * what stands before an `@` is no host, `0x7f.1` is `127.0.0.1`, letters of other scripts become `xn--…`.
 *
 * @module
 */

import { domainToUnicode } from "node:url";

import { defineErrors, Exit, type ErrorTable } from "../../../core/index.ts";

/** Errors of the exfiltration detector's options. */
export const ExfiltrationErrors = {
  "guard.host-invalid": {
    what: "an entry of the allow list is not a host",
    hint: "write a host name, an IP address, either with :port, or *.name for all names under a name",
    exit: Exit.usage,
  },
} as const satisfies ErrorTable;

const exfiltrationError = defineErrors(ExfiltrationErrors);

/** Whether a host may be addressed. */
export type HostTest = (url: URL) => boolean;

/**
 * Compiles an allow list. `docs.example.com` allows that host on every port, `example.com:8080` on that port,
 * `*.example.com` all names under it but not the name itself.
 *
 * @throws `guard.host-invalid`
 */
export function compileHosts(entries: readonly string[]): HostTest {
  const exact = new Set<string>();
  const suffixes: string[] = [];
  for (const entry of entries) {
    const wild = entry.startsWith("*.");
    const host = wild ? entry.slice(2) : entry;
    const url = /[/?#@\\\s*]/.test(host) ? null : URL.parse(`ws://${host}`);
    if (url === null || url.hostname === "") throw exfiltrationError("guard.host-invalid", { detail: entry });
    if (wild) suffixes.push(`.${url.host}`);
    else exact.add(/:\d+$/.test(host) ? `${url.hostname}:${url.port === "" ? "80" : url.port}` : url.hostname);
  }
  return ({ hostname, host, port, protocol }) => {
    const name = hostname.endsWith(".") ? hostname.slice(0, -1) : hostname;
    if (exact.has(name) || exact.has(`${name}:${port === "" ? (DEFAULT_PORTS[protocol] ?? "") : port}`)) return true;
    return suffixes.some((suffix) => name.endsWith(suffix) || host.endsWith(suffix));
  };
}

const DEFAULT_PORTS: Readonly<Record<string, string>> = { "http:": "80", "https:": "443", "ws:": "80", "wss:": "443" };

/** Cyrillic and Greek letters that look like Latin ones: a label of nothing else is made to be taken for another. */
const LATIN_LOOKALIKES = /^[асԁеһіјӏорԛѕԝхуԍѵΐαοντυρκιχγ\d-]+$/u;

/**
 * Whether an address is written so that people take its host for another: a user name before the host, an IP address
 * in a form that nobody writes, letters of several scripts in one label, full-width letters, backslashes.
 */
export function isDisguised(raw: string, url: URL): boolean {
  const authority = /^[^/\\]*[/\\]{2,}([^/\\?#]*)/.exec(raw.replaceAll(/[\t\n\r]/g, ""))?.[1];
  if (authority === undefined) return false;
  if (/^[^/]*\\/.test(raw) || /[\t\n\r]/.test(raw.trim())) return true;
  // A user name that has a dot looks like a host; one alone is a login, which is the secrets detector's business.
  if (url.username !== "" && /[.%]/.test(url.username)) return true;
  const written = authority.slice(authority.lastIndexOf("@") + 1).replace(/:\d*$/, "");
  if (/^\d+\.\d+\.\d+\.\d+$/.test(url.hostname)) return written !== url.hostname;
  if (url.hostname.includes("xn--")) return domainToUnicode(url.hostname).split(".").some(isLookalike);
  return /[^\0-\x7F]/.test(written);
}

function isLookalike(label: string): boolean {
  const scripts = [/\p{Script=Latin}/u, /\p{Script=Cyrillic}/u, /\p{Script=Greek}/u, /\p{Script=Cherokee}/u];
  if (scripts.filter((script) => script.test(label)).length > 1) return true;
  return /[^\0-\x7F]/.test(label) && LATIN_LOOKALIKES.test(label);
}
