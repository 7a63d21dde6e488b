/**
 * Who may do what in the admin API.
 *
 *     viewer     reads: posture, keys without their text, the ledger, metrics. For auditors
 *     operator   and changes what runs: keys, budgets, approvals, checks
 *     admin      and who may do so, and the configuration
 *
 * @module
 */

/** From the weakest to the strongest: each may do all that those before it may. */
export const ROLES = ["viewer", "operator", "admin"] as const;

export type Role = (typeof ROLES)[number];

/** Whether `role` may do what needs `needed`. */
export function mayAct(role: Role, needed: Role): boolean {
  return ROLES.indexOf(role) >= ROLES.indexOf(needed);
}

export function isRole(text: string): text is Role {
  return (ROLES as readonly string[]).includes(text);
}
