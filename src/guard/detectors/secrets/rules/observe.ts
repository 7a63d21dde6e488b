/**
 * Keys of what watches systems and of what keeps data. Forms after each vendor's documentation.
 *
 * @module
 */

import { crc32LittleEndian } from "../checksum.ts";
import { ALNUM, ANY_HEX, BASE64, DIGITS, HEX, LOWER_ALNUM, UUID, WORD, type Form } from "../form.ts";
import { named, token, type SecretRule } from "../rule.ts";

export const OBSERVE_RULES: readonly SecretRule[] = [
  token({
    id: "grafana-token",
    name: "Grafana service account token",
    forms: [["glsa_", [ALNUM, 32], "_", [ANY_HEX, 8]]],
    checksum: (secret) => secret.slice(-8).toLowerCase() === crc32LittleEndian(secret.slice(0, -9)),
    example: (random) => {
      const head = `glsa_${random(ALNUM, 32)}`;
      return `${head}_${crc32LittleEndian(head)}`;
    },
  }),
  token({
    id: "grafana-cloud-token",
    name: "Grafana Cloud API token",
    forms: [["glc_", [BASE64, 32, 400], ["=", 0, 3]]],
    entropy: 3.3,
  }),
  // Base64 of {"k":"
  token({
    id: "grafana-api-key",
    name: "Grafana API key",
    forms: [["eyJrIjoi", [ALNUM, 60, 400], ["=", 0, 3]]],
    entropy: 3,
  }),
  token({ id: "sentry-token", name: "Sentry user auth token", forms: [["sntryu_", [HEX, 64]]] }),
  token({
    id: "sentry-organization-token",
    name: "Sentry organization auth token",
    keywords: ["sntrys_eyj"],
    forms: [["sntrys_eyJ", [`${BASE64}=`, 40, 500], "_", [BASE64, 43]]],
    entropy: 4,
  }),
  named({ id: "sentry-legacy-token", name: "Sentry auth token", keywords: ["sentry"], forms: [[[HEX, 64]]] }),
  token({ id: "new-relic-user-key", name: "New Relic user key", forms: [["NRAK-", [ALNUM, 27]]] }),
  token({ id: "new-relic-insert-key", name: "New Relic insert key", forms: [["NRII-", [WORD, 32]]] }),
  token({
    id: "new-relic-browser-key",
    name: "New Relic browser key",
    severity: "medium",
    forms: [["NRJS-", [HEX, 19]]],
  }),
  token({ id: "new-relic-admin-key", name: "New Relic admin key", forms: [["NRAA-", [HEX, 27]]] }),
  named({
    id: "new-relic-user-id",
    name: "New Relic user API id",
    severity: "medium",
    keywords: ["newrelic", "new_relic", "new-relic"],
    forms: [[[ALNUM, 64]]],
  }),
  named({
    id: "new-relic-licence-key",
    name: "New Relic licence key",
    keywords: ["newrelic", "new_relic", "new-relic"],
    forms: [[[HEX, 36], "NRAL"], [[HEX, 40]]],
  }),
  named({
    id: "datadog-key",
    name: "Datadog API key",
    keywords: ["datadog", "dd_api", "dd-api"],
    forms: [[[HEX, 32]]],
  }),
  named({
    id: "datadog-application-key",
    name: "Datadog application key",
    keywords: ["datadog", "dd_app", "dd-app"],
    forms: [[[ALNUM, 40]]],
  }),
  token({
    id: "dynatrace-token",
    name: "Dynatrace API token",
    forms: [["dt0c01.", [ALNUM, 24], ".", [ALNUM, 64]]],
    entropy: 3.5,
  }),
  named({
    id: "sumologic-access-id",
    name: "Sumo Logic access id",
    severity: "medium",
    keywords: ["sumo"],
    whole: true,
    forms: [["su", [ALNUM, 12]]],
    entropy: 3,
    example: (random) => `sumo_access_id = "su${random(ALNUM, 9)}${random(DIGITS, 3)}"`,
  }),
  named({
    id: "sumologic-access-key",
    name: "Sumo Logic access key",
    keywords: ["sumo"],
    whole: true,
    forms: [[[ALNUM, 64]]],
    entropy: 3,
  }),
  token({
    id: "honeycomb-key",
    name: "Honeycomb key",
    severity: "high",
    forms: ["hcaik_", "hcalk_", "hcamk_"].map((prefix): Form => [prefix, [LOWER_ALNUM, 50, 64]]),
  }),
  token({
    id: "pagerduty-key",
    name: "PagerDuty API key",
    keywords: ["u+"],
    severity: "high",
    forms: [["u+", [WORD, 18]]],
    entropy: 3.5,
    check: (secret) => /[0-9]/.test(secret) && /[A-Z]/.test(secret) && /[a-z]/.test(secret.slice(2)),
  }),
  named({ id: "meraki-key", name: "Cisco Meraki API key", keywords: ["meraki"], forms: [[[HEX, 40]]] }),
  named({
    id: "adafruit-key",
    name: "Adafruit IO key",
    keywords: ["adafruit"],
    forms: [[[WORD, 32]], ["aio_", [ALNUM, 28]]],
    entropy: 3,
  }),
  named({ id: "algolia-key", name: "Algolia API key", keywords: ["algolia"], forms: [[[ALNUM, 32]]] }),
  token({
    id: "clickhouse-key",
    name: "ClickHouse Cloud API secret key",
    forms: [["4b1d", [ALNUM, 38]]],
    entropy: 3.5,
  }),
  named({
    id: "confluent-key",
    name: "Confluent API key",
    severity: "medium",
    keywords: ["confluent"],
    forms: [[[ALNUM, 16]]],
  }),
  named({
    id: "confluent-secret",
    name: "Confluent API secret",
    keywords: ["confluent"],
    forms: [[[BASE64, 64]]],
  }),
  token({
    id: "databricks-token",
    name: "Databricks token",
    forms: [
      ["dapi", [HEX, 32]],
      ["dapi", [HEX, 32], "-", [DIGITS, 1]],
    ],
  }),
  token({
    id: "planetscale-token",
    name: "PlanetScale service token",
    forms: [["pscale_tkn_", [`${WORD}.=`, 32, 64]]],
  }),
  token({
    id: "planetscale-oauth-token",
    name: "PlanetScale OAuth token",
    forms: [["pscale_oauth_", [`${WORD}.=`, 32, 64]]],
  }),
  token({ id: "planetscale-password", name: "PlanetScale password", forms: [["pscale_pw_", [`${WORD}.=`, 32, 64]]] }),
  token({ id: "supabase-token", name: "Supabase access token", forms: [["sbp_", [HEX, 40]]] }),
  token({ id: "supabase-secret-key", name: "Supabase secret key", forms: [["sb_secret_", [WORD, 31, 40]]] }),
  token({ id: "neon-key", name: "Neon API key", severity: "high", forms: [["napi_", [LOWER_ALNUM, 60, 70]]] }),
  token({
    id: "mongodb-service-secret",
    name: "MongoDB Atlas service account secret",
    forms: [["mdb_sa_sk_", [WORD, 40]]],
  }),
  token({ id: "contentful-management-token", name: "Contentful management token", forms: [["CFPAT-", [WORD, 43]]] }),
  named({
    id: "contentful-token",
    name: "Contentful delivery API token",
    keywords: ["contentful"],
    forms: [[[`${WORD}=`, 43]]],
    entropy: 3.3,
  }),
  token({ id: "typeform-token", name: "Typeform API token", forms: [["tfp_", [`${WORD}.=`, 59]]] }),
  named({ id: "rapidapi-key", name: "RapidAPI key", keywords: ["rapidapi"], forms: [[[WORD, 50]]], entropy: 3.3 }),
  named({
    id: "maxmind-key",
    name: "MaxMind license key",
    keywords: ["maxmind", "license_key", "licence_key", "licensekey", "geoip"],
    forms: [[[ALNUM, 6], "_", [ALNUM, 29], "_mmk"]],
    entropy: 3.5,
  }),
  named({
    id: "mapbox-public-token",
    name: "Mapbox public token",
    severity: "low",
    keywords: ["mapbox"],
    forms: [["pk.", [ALNUM, 60], ".", [ALNUM, 22]]],
  }),
  token({
    id: "mapbox-secret-token",
    name: "Mapbox secret token",
    forms: [["sk.eyJ", [WORD, 40, 120], ".", [WORD, 22]]],
  }),
  named({
    id: "looker-client-id",
    name: "Looker client id",
    severity: "low",
    keywords: ["looker"],
    forms: [[[ALNUM, 20]]],
  }),
  named({ id: "looker-client-secret", name: "Looker client secret", keywords: ["looker"], forms: [[[ALNUM, 24]]] }),
  named({
    id: "okta-token",
    name: "Okta API token",
    keywords: ["okta"],
    forms: [["00", [`${WORD}=`, 40]]],
    entropy: 3.8,
  }),
  named({ id: "auth0-secret", name: "Auth0 client secret", keywords: ["auth0"], forms: [[[WORD, 64]]], entropy: 3.8 }),
  named({
    id: "jumpcloud-key",
    name: "JumpCloud API key",
    keywords: ["jumpcloud"],
    forms: [[[HEX, 40]], ["jca_", [ALNUM, 36]]],
  }),
  named({ id: "sendbird-id", name: "Sendbird application id", severity: "low", keywords: ["sendbird"], forms: [UUID] }),
  named({ id: "sendbird-token", name: "Sendbird API token", keywords: ["sendbird"], forms: [[[HEX, 40]]] }),
];
