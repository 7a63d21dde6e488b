/**
 * Tokens of code hosts, package registries, build and observation services.
 *
 * @module
 */

import { hasCrc32 } from "../checks.ts";
import { ALNUM, HEX, LOWER, named, token, UPPER, WORD, type SecretRule } from "../rule.ts";
import { withCrc32 } from "./example.ts";

export const CODE_RULES: readonly SecretRule[] = [
  // GitHub, "Behind GitHub's new authentication token formats" (2021): 30 random characters and 6 of CRC-32.
  token({
    id: "github-token",
    name: "GitHub token",
    keywords: ["ghp_", "gho_", "ghu_", "ghs_", "ghr_"],
    pattern: /gh[pousr]_[A-Za-z0-9]{36}(?![A-Za-z0-9])/y,
    most: 37,
    checksum: (secret) => hasCrc32(secret, 4),
    example: (random) => withCrc32("ghp_", random(ALNUM, 30)),
  }),
  token({
    id: "github-fine-grained-token",
    name: "GitHub fine-grained personal access token",
    keywords: ["github_pat_"],
    pattern: /github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}(?!\w)/y,
    most: 83,
    example: (random) => `github_pat_${random(ALNUM, 22)}_${random(ALNUM, 59)}`,
  }),
  // GitLab, "Token overview": prefix, 20 or more characters, and in newer ones a payload length and a CRC-32.
  token({
    id: "gitlab-token",
    name: "GitLab token",
    keywords: [
      "glpat-",
      "gldt-",
      "glrt-",
      "glcbt-",
      "glptt-",
      "glft-",
      "glimt-",
      "glagent-",
      "gloas-",
      "glsoat-",
      "glffct-",
    ],
    pattern:
      /gl(?:pat|dt|rt|rtr|cbt|ptt|ft|imt|agent|oas|soat|ffct)-[\w-]{20,300}(?:\.[0-9a-z]{2}\.[0-9a-z]{9})?(?![\w-])/y,
    most: 313,
    characters: "\\w.-",
    example: (random) => `glpat-${random(WORD, 20)}`,
  }),
  // npm, "npm has a new access token format" (2021): as GitHub's.
  token({
    id: "npm-token",
    name: "npm access token",
    keywords: ["npm_"],
    pattern: /npm_[A-Za-z0-9]{36}(?![A-Za-z0-9])/y,
    most: 37,
    checksum: (secret) => hasCrc32(secret, 4),
    example: (random) => withCrc32("npm_", random(ALNUM, 30)),
  }),
  // A macaroon whose location is pypi.org or test.pypi.org, in base64url.
  token({
    id: "pypi-token",
    name: "PyPI upload token",
    keywords: ["pypi-agei", "pypi-agen"],
    pattern: /pypi-AgE(?:IcHlwaS5vcmc|NdGVzdC5weXBpLm9yZw)[\w-]{50}/y,
    most: 72,
    grow: () => (code) => code < 128 && /[\w-]/.test(String.fromCharCode(code)),
    example: (random) => `pypi-AgEIcHlwaS5vcmc${random(WORD, 150)}`,
  }),
  token({
    id: "rubygems-key",
    name: "RubyGems API key",
    keywords: ["rubygems_"],
    pattern: /rubygems_[a-f0-9]{48}(?![A-Za-z0-9])/y,
    most: 49,
    example: (random) => `rubygems_${random(HEX, 48)}`,
  }),
  token({
    id: "docker-token",
    name: "Docker Hub access token",
    keywords: ["dckr_pat_", "dckr_oat_"],
    pattern: /dckr_[po]at_[\w-]{27,36}(?![\w-])/y,
    most: 37,
    example: (random) => `dckr_pat_${random(WORD, 27)}`,
  }),
  token({
    id: "grafana-token",
    name: "Grafana service account token",
    keywords: ["glsa_"],
    pattern: /glsa_[A-Za-z0-9]{32}_[a-f0-9]{8}(?!\w)/y,
    most: 42,
    example: (random) => `glsa_${random(ALNUM, 32)}_${random(HEX, 8)}`,
  }),
  token({
    id: "sentry-token",
    name: "Sentry user auth token",
    keywords: ["sntryu_"],
    pattern: /sntryu_[a-f0-9]{64}(?![A-Za-z0-9])/y,
    most: 65,
    example: (random) => `sntryu_${random(HEX, 64)}`,
  }),
  token({
    id: "postman-key",
    name: "Postman API key",
    keywords: ["pmak-"],
    pattern: /PMAK-[a-f0-9]{24}-[a-f0-9]{34}(?![\w-])/y,
    most: 60,
    example: (random) => `PMAK-${random(HEX, 24)}-${random(HEX, 34)}`,
  }),
  token({
    id: "new-relic-key",
    name: "New Relic key",
    keywords: ["nrak-", "nrii-", "nraa-"],
    pattern: /NR(?:AK-[A-Z0-9]{27}|II-[\w-]{32}|AA-[a-f0-9]{27})(?![\w-])/y,
    most: 33,
    example: (random) => `NRAK-${random(`${UPPER}0123456789`, 27)}`,
  }),
  named({
    id: "datadog-key",
    name: "Datadog API or application key",
    keywords: ["datadog", "dd_api", "dd-api", "dd_app", "dd-app"],
    value: "(?:[a-f0-9]{40}|[a-f0-9]{32})",
    most: 41,
    example: (random) => `DD_API_KEY=${random(HEX, 32)}`,
  }),
  token({
    id: "sonar-token",
    name: "SonarQube token",
    keywords: ["sqp_", "squ_", "sqa_"],
    pattern: /sq[pua]_[a-f0-9]{40}(?![A-Za-z0-9])/y,
    most: 41,
    example: (random) => `squ_${random(HEX, 40)}`,
  }),
  token({
    id: "linear-key",
    name: "Linear API key",
    keywords: ["lin_api_"],
    pattern: /lin_api_[A-Za-z0-9]{40}(?![A-Za-z0-9])/y,
    most: 41,
    example: (random) => `lin_api_${random(ALNUM, 40)}`,
  }),
  token({
    id: "atlassian-token",
    name: "Atlassian API token",
    keywords: ["atatt3"],
    pattern: /ATATT3[\w=-]{100,250}(?![\w=-])/y,
    most: 251,
    characters: "\\w=-",
    example: (random) => `ATATT3${random(WORD, 170)}=${random(HEX, 8)}`,
  }),
  token({
    id: "figma-token",
    name: "Figma personal access token",
    keywords: ["figd_"],
    pattern: /figd_[\w-]{40,44}(?![\w-])/y,
    most: 45,
    example: (random) => `figd_${random(WORD, 40)}`,
  }),
  token({
    id: "airtable-token",
    name: "Airtable personal access token",
    keywords: ["pat"],
    pattern: /pat[A-Za-z0-9]{14}\.[a-f0-9]{64}(?![A-Za-z0-9])/y,
    most: 80,
    characters: "A-Za-z0-9.",
    example: (random) => `pat${random(ALNUM, 14)}.${random(HEX, 64)}`,
  }),
  token({
    id: "clojars-token",
    name: "Clojars deploy token",
    keywords: ["clojars_"],
    pattern: /CLOJARS_[a-z0-9]{60}(?![A-Za-z0-9])/y,
    most: 61,
    example: (random) => `CLOJARS_${random(LOWER + HEX, 60)}`,
  }),
];
