/**
 * The words that policies may use: the Cedar schema. Policies are checked against it before the gateway starts, so that a
 * misspelt action or attribute is an error of the operator's at the start, and not a rule that never binds.
 *
 *     permit (principal in App::"shop", action == Action::"infer", resource in Upstream::"local");
 *
 * Source: Cedar 4.5, schema in human-readable form (docs.cedarpolicy.com/schema/human-readable-schema.html).
 *
 * @module
 */

/** What a request does to a model. */
export const POLICY_ACTIONS = ["infer", "embed"] as const;

export type PolicyAction = (typeof POLICY_ACTIONS)[number];

export const SCHEMA = `
// Whose keys, users and certificates act.
entity App;
// A group of users, as their issuer names it.
entity Group;
// An API key, by its public id.
entity Key in [App];
// A user of an issuer: "<issuer>/<user>".
entity User in [App, Group] = { "issuer": String };
// A client certificate, by its name in the configuration.
entity Certificate in [App];

// Where models are asked, by its name in the configuration.
entity Upstream;
// A model, by the name that its upstream has for it; a name of the gateway's own must be permitted beside it.
entity Model in [Upstream];

// A server of tools (MCP), by its name in the configuration, and a tool: "<server>/<tool>".
entity Server;
entity Tool in [Server];

type Request = {
  // When, in UTC; weekday from 1 (Monday) to 7 (Sunday).
  "now": datetime,
  "weekday": Long,
  // Of the connection, whatever headers say.
  "address": ipaddr,
  // The name of the model, the server or the tool as the client wrote it.
  "requested": String,
  "stream": Bool,
  "groups": Set<String>,
  // Where its texts come from: "system", "user", "assistant", "tool", "document", "metadata".
  "origins": Set<String>,
  // What the guards found in it as it came: "secrets", "pii"; and by which rules: "pii.email".
  "dataClasses": Set<String>,
  "rules": Set<String>,
  // Guards that failed and were let pass (onError: allow), and whether it has parts that no guard reads.
  "unchecked": Set<String>,
  "hasUnread": Bool
};

action "infer", "embed" appliesTo { principal: [Key, User, Certificate], resource: [Model], context: Request };
// Everything that is asked of a server; a call of a tool needs both.
action "useServer" appliesTo { principal: [Key, User, Certificate], resource: [Server], context: Request };
action "callTool" appliesTo { principal: [Key, User, Certificate], resource: [Tool], context: Request };
`;
