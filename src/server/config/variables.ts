/**
 * The environment variables that replace a field of the configuration: what a container sets, and URLs whose password
 * should not stand in a file.
 *
 * @module
 */

export const CONFIG_VARIABLES: readonly { readonly variable: string; readonly path: readonly string[] }[] = [
  { variable: "HOLDFAST_GATEWAY_LISTEN", path: ["gateway", "listen"] },
  { variable: "HOLDFAST_ADMIN_LISTEN", path: ["admin", "listen"] },
  { variable: "HOLDFAST_STORAGE_URL", path: ["storage", "url"] },
  { variable: "HOLDFAST_COUNTERS_URL", path: ["counters", "url"] },
];
