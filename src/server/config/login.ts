/**
 * The `admin.login` section of `holdfast.yaml`: people sign in to the admin API at an OpenID Connect issuer, and what the
 * issuer says of them decides what they may do.
 *
 * @module
 */

import { z } from "zod";

import { ROLES } from "../../core/index.ts";
import { issuerUrl } from "../../gateway/index.ts";
import { secretSource } from "./secret.ts";

const values = z.array(z.string().min(1).max(256)).max(200).default([]);

export const loginConfig = z
  .strictObject({
    url: issuerUrl
      .refine((text) => URL.canParse(text) && new URL(text).pathname === "/", "an origin, without a path")
      .describe("the origin at which browsers reach the admin API; its host is one that the API goes by"),
    issuer: issuerUrl.describe("the issuer, letter for letter as its tokens name it in iss"),
    clientId: z.string().min(1).max(256).describe("the id under which this Holdfast is registered at the issuer"),
    clientSecret: secretSource
      .optional()
      .describe("where the client's secret is read from: {env: NAME} or {file: path}; left out for a public client"),
    scopes: z
      .array(z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,64}$/, "a scope: visible ASCII without quotes"))
      .max(20)
      .default(["profile"])
      .describe("asked for besides openid"),
    algorithms: z
      .array(z.enum(["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]))
      .min(1)
      .default(["RS256", "PS256", "ES256", "EdDSA"])
      .describe("algorithms that sign id tokens"),
    claim: z
      .union([z.string().min(1), z.array(z.string().min(1)).min(1).max(8)])
      .default("groups")
      .describe("the claim that decides the role, a text or a list: its name, or the names on the way to it"),
    roles: z
      .strictObject(
        Object.fromEntries(
          ROLES.map((role) => [role, values.describe(`values of the claim that give the role ${role}`)]),
        ) as Record<(typeof ROLES)[number], typeof values>,
      )
      .refine((roles) => ROLES.some((role) => roles[role].length > 0), "values for one role at least")
      .describe("who is what; the strongest that fits counts, and who fits none is not let in"),
    sessionMinutes: z.int().min(5).max(10_080).default(480).describe("how long a session lasts at most"),
    idleMinutes: z.int().min(1).max(1_440).default(30).describe("how long a session lasts without a request"),
  })
  .describe("signing in to the admin API by OpenID Connect; left out: the admin token and tokens of `holdfast admin`");

export type LoginConfig = z.output<typeof loginConfig>;
