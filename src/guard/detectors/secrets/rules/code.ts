/**
 * Tokens of code hosts, package registries and build services. Forms after each vendor's documentation.
 *
 * @module
 */

import { crc32Base36, hasCrc32 } from "../checksum.ts";
import { ALNUM, ANY_HEX, BASE64, HEX, LOWER_ALNUM, UPPER_ALNUM, UUID, WORD, type Form } from "../form.ts";
import { named, token, type SecretRule } from "../rule.ts";
import { withCrc32 } from "./example.ts";
import { base64Token, wordToken } from "./grow.ts";

/** GitHub, "Behind GitHub's new authentication token formats" (2021): 30 random characters and 6 of CRC-32. */
function github(id: string, name: string, prefix: string): SecretRule {
  return token({
    id,
    name,
    forms: [[prefix, [ALNUM, 36]]],
    checksum: (secret) => hasCrc32(secret, prefix.length),
    example: (random) => withCrc32(prefix, random(ALNUM, 30)),
  });
}

/** GitLab, "Token overview": a prefix for each kind, 20 or more characters. */
function gitlab(id: string, name: string, form: Form): SecretRule {
  return token({ id: `gitlab-${id}`, name: `GitLab ${name}`, forms: [form], entropy: 3 });
}

/** GitLab, "Routable tokens": payload, version, length of the payload, and CRC-32 of all before it in base 36. */
function routable(id: string, name: string, prefix: string): SecretRule {
  return token({
    id: `gitlab-${id}`,
    name: `GitLab ${name}`,
    forms: [
      [prefix, [WORD, 27, 300], ".", [LOWER_ALNUM, 9]],
      [prefix, [WORD, 27, 300], ".", [LOWER_ALNUM, 2], ".", [LOWER_ALNUM, 9]],
    ],
    entropy: 3.5,
    checksum: (secret) => secret.slice(-7) === crc32Base36(secret.slice(0, -7)),
    example: (random) => {
      const head = `${prefix}${random(WORD, 36)}.01.10`;
      return head + crc32Base36(head);
    },
  });
}

export const CODE_RULES: readonly SecretRule[] = [
  github("github-token", "GitHub personal access token", "ghp_"),
  github("github-oauth-token", "GitHub OAuth token", "gho_"),
  github("github-app-user-token", "GitHub App user token", "ghu_"),
  github("github-app-installation-token", "GitHub App installation token", "ghs_"),
  github("github-refresh-token", "GitHub App refresh token", "ghr_"),
  token({
    id: "github-fine-grained-token",
    name: "GitHub fine-grained personal access token",
    forms: [["github_pat_", [ALNUM, 22], "_", [ALNUM, 59]]],
  }),
  gitlab("token", "personal access token", ["glpat-", [WORD, 20, 26]]),
  routable("routable-token", "personal access token", "glpat-"),
  gitlab("deploy-token", "deploy token", ["gldt-", [WORD, 20, 50]]),
  gitlab("feature-flag-token", "feature flag client token", ["glffct-", [WORD, 20, 50]]),
  gitlab("feed-token", "feed token", ["glft-", [WORD, 20, 50]]),
  gitlab("incoming-mail-token", "incoming mail token", ["glimt-", [WORD, 25]]),
  gitlab("agent-token", "agent for Kubernetes token", ["glagent-", [WORD, 50, 300]]),
  gitlab("oauth-secret", "OAuth application secret", ["gloas-", [WORD, 64]]),
  gitlab("pipeline-trigger-token", "pipeline trigger token", ["glptt-", [WORD, 40]]),
  gitlab("runner-registration-token", "runner registration token", ["GR1348941", [WORD, 20, 50]]),
  gitlab("runner-token", "runner authentication token", ["glrt-", [WORD, 20, 26]]),
  routable("routable-runner-token", "runner authentication token", "glrt-"),
  gitlab("scim-token", "SCIM token", ["glsoat-", [WORD, 20, 50]]),
  gitlab("job-token", "CI/CD job token", ["glcbt-", [WORD, 20, 56]]),
  gitlab("workspace-token", "workspace token", ["glwt-", [WORD, 20, 50]]),
  gitlab("session-cookie", "session cookie", ["_gitlab_session=", [LOWER_ALNUM, 32]]),
  named({
    id: "bitbucket-client-id",
    name: "Bitbucket OAuth key",
    severity: "low",
    keywords: ["bitbucket"],
    forms: [[[ALNUM, 32]]],
  }),
  named({
    id: "bitbucket-client-secret",
    name: "Bitbucket OAuth secret",
    keywords: ["bitbucket"],
    forms: [[[`${WORD}=`, 64]]],
  }),
  token({
    id: "bitbucket-app-password",
    name: "Bitbucket app password",
    forms: [["ATBB", [ALNUM, 24], [UPPER_ALNUM, 8]]],
  }),
  // Their example has no small letters besides a to f; both kinds of key are accepted by the old name.
  token({
    id: "sourcegraph-token",
    name: "Sourcegraph access token",
    keywords: ["sgp_"],
    forms: [
      ["sgp_", [ANY_HEX, 16], "_", [ANY_HEX, 40]],
      ["sgp_local_", [ANY_HEX, 40]],
      ["sgp_", [ANY_HEX, 40]],
    ],
  }),
  named({
    id: "sourcegraph-legacy-token",
    name: "Sourcegraph access token",
    keywords: ["sourcegraph"],
    forms: [[[ANY_HEX, 40]]],
    entropy: 3,
  }),
  // npm, "npm has a new access token format" (2021): as GitHub's.
  token({
    id: "npm-token",
    name: "npm access token",
    forms: [["npm_", [ALNUM, 36]]],
    checksum: (secret) => hasCrc32(secret, 4),
    example: (random) => withCrc32("npm_", random(ALNUM, 30)),
  }),
  // A macaroon whose location is pypi.org or test.pypi.org, in base64url.
  token({
    id: "pypi-token",
    name: "PyPI upload token",
    keywords: ["pypi-agei", "pypi-agen"],
    forms: [
      ["pypi-AgEIcHlwaS5vcmc", [WORD, 70]],
      ["pypi-AgENdGVzdC5weXBpLm9yZw", [WORD, 70]],
    ],
    grow: wordToken,
    example: (random) => `pypi-AgEIcHlwaS5vcmc${random(WORD, 150)}`,
  }),
  token({ id: "rubygems-key", name: "RubyGems API key", forms: [["rubygems_", [HEX, 48]]] }),
  token({ id: "crates-io-token", name: "crates.io API token", forms: [["cio", [ALNUM, 32]]], entropy: 3.5 }),
  token({ id: "nuget-key", name: "NuGet API key", forms: [["oy2", [LOWER_ALNUM, 43]]], entropy: 3.5 }),
  token({ id: "clojars-token", name: "Clojars deploy token", forms: [["CLOJARS_", [LOWER_ALNUM, 60]]] }),
  token({ id: "hex-key", name: "Hex API key", forms: [["hex_", [LOWER_ALNUM, 32]]], entropy: 3.3, severity: "high" }),
  token({
    id: "packagist-token",
    name: "Packagist token",
    keywords: ["packagist_"],
    forms: [
      ["packagist_ort_", [HEX, 68]],
      ["packagist_uut_", [HEX, 68]],
      ["packagist_out_", [HEX, 68]],
    ],
  }),
  token({ id: "docker-token", name: "Docker Hub personal access token", forms: [["dckr_pat_", [WORD, 27, 36]]] }),
  token({
    id: "docker-organization-token",
    name: "Docker Hub organization access token",
    forms: [["dckr_oat_", [WORD, 27, 36]]],
  }),
  token({ id: "artifactory-key", name: "Artifactory API key", forms: [["AKC", [ALNUM, 70]]], entropy: 4 }),
  // Base64 of "reftkn:01:".
  token({
    id: "artifactory-reference-token",
    name: "Artifactory reference token",
    forms: [["cmVmd", [ALNUM, 59]]],
    entropy: 4,
  }),
  // The kinds of its encrypted passwords: two letters and a digit. Names and words begin so too.
  token({
    id: "artifactory-password",
    name: "Artifactory encrypted password or short key",
    severity: "high",
    forms: ["2", "3", "5", "6", "A", "B"]
      .map((kind): Form => [`AP${kind}`, [ALNUM, 10, 100]])
      .concat([["AKC", [ALNUM, 10, 69]]]),
    entropy: 3,
    check: (secret) => /[0-9]/.test(secret.slice(3)) && /[a-z]/.test(secret) && /[A-Z]/.test(secret.slice(3)),
    example: (random) => `AP6${random(ALNUM, 40)}`,
  }),
  named({
    id: "jfrog-key",
    name: "JFrog API key",
    keywords: ["jfrog", "artifactory", "bintray", "xray"],
    forms: [[[ALNUM, 73]]],
  }),
  named({
    id: "jfrog-identity-token",
    name: "JFrog identity token",
    keywords: ["jfrog", "artifactory", "bintray", "xray"],
    forms: [[[ALNUM, 64]]],
  }),
  named({ id: "codecov-token", name: "Codecov token", keywords: ["codecov"], forms: [[[ALNUM, 32]], UUID] }),
  named({
    id: "drone-token",
    name: "Drone CI token",
    keywords: ["droneci", "drone_token", "drone-token"],
    forms: [[[ALNUM, 32]]],
  }),
  named({ id: "travis-token", name: "Travis CI token", keywords: ["travis"], forms: [[[WORD, 22]]], entropy: 3.2 }),
  token({ id: "circleci-token", name: "CircleCI personal token", forms: [["CCIPAT_", [ALNUM, 22], "_", [HEX, 40]]] }),
  token({ id: "buildkite-token", name: "Buildkite API token", forms: [["bkua_", [HEX, 40]]] }),
  token({
    id: "harness-token",
    name: "Harness API key",
    keywords: ["pat.", "sat."],
    forms: [
      ["pat.", [WORD, 22], ".", [ALNUM, 24], ".", [ALNUM, 20]],
      ["sat.", [WORD, 22], ".", [ALNUM, 24], ".", [ALNUM, 20]],
    ],
  }),
  token({
    id: "octopus-key",
    name: "Octopus Deploy API key",
    severity: "high",
    forms: [["API-", [UPPER_ALNUM, 26]]],
    entropy: 3.2,
    check: (secret) => /[0-9]/.test(secret),
  }),
  token({
    id: "sonar-token",
    name: "SonarQube token",
    keywords: ["sqp_", "squ_", "sqa_"],
    forms: [
      ["sqp_", [ALNUM, 40]],
      ["squ_", [ALNUM, 40]],
      ["sqa_", [ALNUM, 40]],
    ],
  }),
  named({
    id: "sonar-login",
    name: "SonarQube login token",
    keywords: ["sonar"],
    forms: [[[`${WORD}=`, 40]]],
    entropy: 3,
  }),
  named({ id: "snyk-token", name: "Snyk API token", keywords: ["snyk"], forms: [UUID], says: /key|token/i }),
  named({
    id: "sidekiq-secret",
    name: "Sidekiq Enterprise credentials",
    keywords: ["bundle_enterprise__contribsys__com", "bundle_gems__contribsys__com"],
    forms: [[[ANY_HEX, 8], ":", [ANY_HEX, 8]]],
    entropy: 2.5,
    check: () => true,
  }),
  token({
    id: "infracost-key",
    name: "Infracost API key",
    forms: [["ico-", [ALNUM, 32]]],
    entropy: 3.3,
    check: (_, before) => !/[._/-]$/.test(before),
  }),
  token({
    id: "prefect-token",
    name: "Prefect API token",
    keywords: ["pnu_", "pnb_"],
    forms: [
      ["pnu_", [ALNUM, 36]],
      ["pnb_", [ALNUM, 36]],
    ],
  }),
  token({ id: "postman-key", name: "Postman API key", forms: [["PMAK-", [HEX, 24], "-", [HEX, 34]]] }),
  token({ id: "readme-key", name: "ReadMe API key", keywords: ["rdme_"], forms: [["rdme_", [LOWER_ALNUM, 70]]] }),
  token({ id: "linear-key", name: "Linear API key", forms: [["lin_api_", [ALNUM, 40]]] }),
  named({ id: "linear-client-secret", name: "Linear client secret", keywords: ["linear"], forms: [[[HEX, 32]]] }),
  token({
    id: "atlassian-token",
    name: "Atlassian API token",
    forms: [["ATATT3", [`${WORD}=`, 100, 250]]],
    example: (random) => `ATATT3${random(WORD, 170)}=${random(HEX, 8)}`,
  }),
  named({
    id: "atlassian-legacy-token",
    name: "Atlassian API token of the old form",
    keywords: ["atlassian", "confluence", "jira"],
    forms: [[[ALNUM, 24]]],
    entropy: 3.3,
  }),
  token({ id: "figma-token", name: "Figma personal access token", forms: [["figd_", [WORD, 40, 44]]] }),
  token({
    id: "airtable-token",
    name: "Airtable personal access token",
    keywords: ["pat"],
    forms: [["pat", [ALNUM, 14], ".", [HEX, 64]]],
  }),
  named({
    id: "airtable-key",
    name: "Airtable API key",
    keywords: ["airtable"],
    forms: [["key", [ALNUM, 14]], [[ALNUM, 17]]],
    entropy: 3,
  }),
  token({
    id: "launchdarkly-key",
    name: "LaunchDarkly SDK or API key",
    keywords: ["sdk-", "api-", "mob-"],
    severity: "high",
    forms: [
      ["sdk-", ...UUID],
      ["api-", ...UUID],
      ["mob-", ...UUID],
    ],
  }),
  named({
    id: "launchdarkly-token",
    name: "LaunchDarkly access token",
    keywords: ["launchdarkly"],
    forms: [[[`${WORD}=`, 40]]],
    entropy: 3.3,
  }),
  // gRPC-style keys of SettleMint: application, personal, service.
  token({
    id: "settlemint-application-token",
    name: "SettleMint application access token",
    forms: [["sm_aat_", [ALNUM, 16]]],
  }),
  token({
    id: "settlemint-personal-token",
    name: "SettleMint personal access token",
    forms: [["sm_pat_", [ALNUM, 16]]],
  }),
  token({ id: "settlemint-service-token", name: "SettleMint service access token", forms: [["sm_sat_", [ALNUM, 16]]] }),
  token({
    id: "intra42-secret",
    name: "42 intranet client secret",
    keywords: ["s-s4t2ud-", "s-s4t2af-"],
    forms: [
      ["s-s4t2ud-", [HEX, 64]],
      ["s-s4t2af-", [HEX, 64]],
    ],
  }),
  token({
    id: "authress-key",
    name: "Authress service client access key",
    keywords: ["sc_", "ext_", "scauth_", "authress_"],
    forms: ["sc_", "ext_", "scauth_", "authress_"].flatMap((prefix): readonly Form[] =>
      ["_", "-"].map((join) => [
        prefix,
        [ALNUM, 5, 30],
        ".",
        [ALNUM, 4, 6],
        `.acc${join}`,
        [`${LOWER_ALNUM}-`, 10, 32],
        ".",
        [`${WORD}=+/`, 30, 120],
      ]),
    ),
  }),
  // One password: "A3-" and groups of its alphabet; a service account's token is JSON in base64.
  token({
    id: "1password-secret-key",
    name: "1Password secret key",
    keywords: ["a3-"],
    forms: [
      [
        "A3-",
        [UPPER_ALNUM, 6],
        "-",
        [UPPER_ALNUM, 11],
        "-",
        [UPPER_ALNUM, 5],
        "-",
        [UPPER_ALNUM, 5],
        "-",
        [UPPER_ALNUM, 5],
      ],
      [
        "A3-",
        [UPPER_ALNUM, 6],
        "-",
        [UPPER_ALNUM, 6],
        "-",
        [UPPER_ALNUM, 5],
        "-",
        [UPPER_ALNUM, 5],
        "-",
        [UPPER_ALNUM, 5],
        "-",
        [UPPER_ALNUM, 5],
      ],
    ],
    entropy: 3.2,
  }),
  token({
    id: "1password-service-token",
    name: "1Password service account token",
    forms: [["ops_eyJ", [BASE64, 250]]],
    grow: base64Token,
    entropy: 4,
    example: (random) => `ops_eyJ${random(ALNUM, 400)}`,
  }),
  token({
    id: "django-secret-key",
    name: "Django secret key",
    severity: "high",
    forms: [["django-insecure-", [`${LOWER_ALNUM}!@#$%^&*(-_=+)`, 50]]],
  }),
  token({
    id: "bitwarden-token",
    name: "Bitwarden Secrets Manager access token",
    keywords: ["0."],
    forms: [["0.", ...UUID, ".", [ALNUM, 30], ":", [BASE64, 22], "=="]],
  }),
];
