/**
 * `holdfast/gateway`: the door of the gateway.
 *
 * @module
 */

export {
  gatewayConfig,
  telemetryConfig,
  type GatewayConfig,
  type TelemetryConfig,
  type UpstreamConfig,
} from "./config.ts";
export { claimAt } from "./identity/claims.ts";
export { issuerUrl } from "./identity/config.ts";
export { fetchJson, postForm, type FetchJson } from "./identity/fetch.ts";
export { idTokenVerifier, type IdTokenOptions } from "./identity/id-token.ts";
export type { Claims } from "./identity/jwt.ts";
export { createKey, listKeys, revokeKey, rotateKey, type KeyInfo, type KeyInput } from "./identity/store.ts";
export { gatewayModule, type GatewayServices } from "./module.ts";
export type { Receipt } from "./receipt/receipt.ts";
export type { PreparedReload } from "./reload.ts";
export { startGateway, type Gateway } from "./server.ts";
export type { GatewayOptions, Log, Tally } from "./serving.ts";
export { discoverUpstreams } from "./upstream/discover.ts";
export { probeUpstream } from "./upstream/probe.ts";
export { checkAliases } from "./upstream/routing.ts";
