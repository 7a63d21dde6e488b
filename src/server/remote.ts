/**
 * Asking the server that runs on the same data folder. Some proofs can only be observed in its process; were the command
 * to observe them itself, its «could not be checked» would stand over what the server has just seen.
 *
 * @module
 */

import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { Exit, HoldfastError, parseJson, type ProblemDetails } from "../core/index.ts";
import { adminToken } from "./admin/token.ts";
import { formatListen, reachable, type ListenAddress } from "./config/listen.ts";
import { serverError } from "./errors.ts";
import { keyFile } from "./home.ts";

/** Longer than the time limit of all proofs together would be of no use to a person who waits. */
const ANSWER_MS = 10 * 60_000;

/** Notes where the admin API listens, for commands on the same data folder. Returns what takes the note back. */
export function noteAdminAddress(home: string, address: ListenAddress): () => void {
  writeFileSync(noteFile(home), JSON.stringify({ admin: formatListen(reachable(address)) }), { mode: 0o600 });
  return () => forgetAdminAddress(home);
}

/**
 * Takes back the note of a server that could not do so itself. Called while the lock is held and before anything
 * listens: otherwise a command could send the token to whoever has that port now.
 */
export function forgetAdminAddress(home: string): void {
  rmSync(noteFile(home), { force: true });
}

/**
 * Has the running server observe the proofs of one control, or all, and record the answers.
 *
 * @throws `server.unreachable`
 */
export async function askServerToCheck(home: string, control: string | undefined): Promise<void> {
  await ask(home, "/api/posture/check", control === undefined ? {} : { control });
}

/**
 * Has the running server read its configuration again, and says what changed.
 *
 * @throws `server.unreachable`, and the errors of the reload
 */
export async function askServerToReload(home: string): Promise<{ readonly changed: readonly string[] }> {
  return (await ask(home, "/api/reload", {})) as { readonly changed: readonly string[] };
}

/** One request to the admin API of the running server. @throws `server.unreachable`, and what it answered */
async function ask(home: string, path: string, body: object): Promise<unknown> {
  let response: Response;
  let problem: Partial<ProblemDetails>;
  try {
    const note = parseJson(readFileSync(noteFile(home))) as { readonly admin: string };
    response = await fetch(`http://${note.admin}${path}`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${adminToken(keyFile(home, "admin.token")).reveal()}`,
        "content-type": "application/json",
      },
      body: JSON.stringify(body),
      redirect: "error",
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    const answer = parseJson(new Uint8Array(await response.arrayBuffer()));
    if (response.ok) return answer;
    problem = answer as Partial<ProblemDetails>;
  } catch (cause) {
    throw serverError("server.unreachable", { cause });
  }
  throw problemError(problem, response.status);
}

/** What the server said went wrong, as if it had gone wrong here. */
function problemError({ code, title, hint }: Partial<ProblemDetails>, status: number): Error {
  if (code === undefined || title === undefined || hint === undefined) {
    return serverError("server.unreachable", { detail: `it answered ${status}` });
  }
  return new HoldfastError(code, { what: title, hint, exit: status < 500 ? Exit.usage : Exit.incomplete });
}

function noteFile(home: string): string {
  return join(home, "up.json");
}
