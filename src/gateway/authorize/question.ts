/**
 * From what the gateway knows of a request to a question in Cedar's words. Nothing else makes one.
 *
 * @module
 */

import type { EntityJson, TypeAndId } from "@cedar-policy/cedar-wasm/nodejs";

import type { Principal } from "../identity/principal.ts";
import type { CedarQuestion } from "./cedar.ts";
import type { PolicyAction } from "./schema.ts";

/** What is known of a request when its model is about to be asked. */
export interface RequestFacts {
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Of the connection's other end. */
  readonly address: string;
  readonly requested: string;
  readonly stream: boolean;
  readonly origins: readonly string[];
  readonly dataClasses: readonly string[];
  readonly rules: readonly string[];
  readonly unchecked: readonly string[];
  readonly hasUnread: boolean;
}

/** May this principal do this? */
export type Question = ModelQuestion | ServerQuestion | ToolQuestion;

export interface ModelQuestion extends Asked {
  readonly action: PolicyAction;
  readonly model: string;
  /** Undefined where no upstream is known at all. */
  readonly upstream: string | undefined;
}

interface ServerQuestion extends Asked {
  readonly action: "useServer";
  readonly server: string;
}

interface ToolQuestion extends Asked {
  readonly action: "callTool";
  readonly server: string;
  readonly tool: string;
}

interface Asked {
  readonly principal: Principal;
  readonly facts: RequestFacts;
}

/** The question in Cedar's words. */
export function cedarQuestion(question: Question): CedarQuestion {
  const { action, facts, principal } = question;
  const who = entityOf(principal);
  const what = resourceOf(question);
  const at = new Date(facts.now);
  return {
    principal: who.uid,
    action,
    resource: what.uid,
    context: {
      now: { __extn: { fn: "datetime", arg: at.toISOString() } },
      weekday: at.getUTCDay() === 0 ? 7 : at.getUTCDay(),
      address: { __extn: { fn: "ip", arg: plainAddress(facts.address) } },
      requested: facts.requested,
      stream: facts.stream,
      groups: [...(principal.groups ?? [])],
      origins: [...facts.origins],
      dataClasses: [...facts.dataClasses],
      rules: [...facts.rules],
      unchecked: [...facts.unchecked],
      hasUnread: facts.hasUnread,
    },
    entities: [who, what],
  };
}

/**
 * The address as Cedar and people write it: an IPv4 client of an IPv6 socket is an IPv4 client (RFC 4291 section
 * 2.5.5.2), and the zone of a link (RFC 4007) is this machine's own word.
 */
export function plainAddress(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, "").replace(/%.*$/, "");
}

type Entity = EntityJson & { readonly uid: TypeAndId };

/** A model at its upstream, a server, or a tool of it. */
function resourceOf(question: Question): Entity {
  switch (question.action) {
    case "useServer":
      return { uid: { type: "Server", id: question.server }, attrs: {}, parents: [] };
    case "callTool": {
      const { server, tool } = question;
      return { uid: { type: "Tool", id: `${server}/${tool}` }, attrs: {}, parents: [{ type: "Server", id: server }] };
    }
    default: {
      const { model, upstream } = question;
      const parents = upstream === undefined ? [] : [{ type: "Upstream", id: upstream }];
      return { uid: { type: "Model", id: model }, attrs: {}, parents };
    }
  }
}

/** A key, a user or a certificate in its app; a user also in its groups. */
function entityOf(principal: Principal): Entity {
  const app = { type: "App", id: principal.app };
  if (principal.user !== undefined) {
    return {
      uid: { type: "User", id: principal.user },
      attrs: { issuer: principal.user.slice(0, principal.user.indexOf("/")) },
      parents: [app, ...(principal.groups ?? []).map((id) => ({ type: "Group", id }))],
    };
  }
  const uid =
    principal.certificate === undefined
      ? { type: "Key", id: principal.keyId }
      : { type: "Certificate", id: principal.certificate };
  return { uid, attrs: {}, parents: [app] };
}
