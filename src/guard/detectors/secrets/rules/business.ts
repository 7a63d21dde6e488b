/**
 * Keys of payment, shop, exchange and office services. Forms after each vendor's documentation.
 *
 * @module
 */

import { BASE58, BECH32, isBase58Check, isBech32, toBase58Check, toBech32 } from "../checksum.ts";
import { ALNUM, ANY_HEX, BASE64, DIGITS, HEX, LOWER_ALNUM, UUID, WORD, type Form } from "../form.ts";
import { named, token, type SecretRule } from "../rule.ts";
import { joinedToken } from "./grow.ts";

const PAYMENT_RULES: readonly SecretRule[] = [
  token({
    id: "stripe-live-key",
    name: "Stripe live secret or restricted key",
    keywords: ["sk_live_", "rk_live_", "sk_prod_", "rk_prod_"],
    forms: ["sk_live_", "rk_live_", "sk_prod_", "rk_prod_"].map((prefix): Form => [prefix, [ALNUM, 10, 247]]),
    example: (random) => `sk_live_${random(ALNUM, 99)}`,
  }),
  token({
    id: "stripe-test-key",
    name: "Stripe test secret or restricted key",
    severity: "medium",
    keywords: ["sk_test_", "rk_test_"],
    forms: ["sk_test_", "rk_test_"].map((prefix): Form => [prefix, [ALNUM, 10, 247]]),
    example: (random) => `sk_test_${random(ALNUM, 99)}`,
  }),
  token({ id: "stripe-webhook-secret", name: "Stripe webhook signing secret", forms: [["whsec_", [BASE64, 32, 64]]] }),
  token({ id: "square-secret", name: "Square OAuth secret", forms: [["sq0csp-", [`${WORD}\\`, 40, 43]]] }),
  token({ id: "square-personal-token", name: "Square access token", forms: [["sq0atp-", [WORD, 22, 60]]] }),
  token({
    id: "square-access-token",
    name: "Square access token",
    forms: [
      ["EAAA", [WORD, 60]],
      ["EAAA", [WORD, 22, 59]],
    ],
    entropy: 3.6,
    check: (secret) => /[0-9]/.test(secret),
  }),
  token({
    id: "paypal-braintree-token",
    name: "Braintree access token",
    keywords: ["access_token$"],
    forms: [
      ["access_token$production$", [LOWER_ALNUM, 16], "$", [HEX, 32]],
      ["access_token$sandbox$", [LOWER_ALNUM, 16], "$", [HEX, 32]],
    ],
  }),
  named({
    id: "paypal-secret",
    name: "PayPal client id or secret",
    keywords: ["paypal"],
    forms: [[[WORD, 80]]],
    entropy: 3.8,
  }),
  token({ id: "adyen-key", name: "Adyen API key", forms: [["AQE", [`${ALNUM}+/=-`, 80, 200]]], entropy: 4 }),
  token({ id: "razorpay-key", name: "Razorpay live key id", severity: "medium", forms: [["rzp_live_", [ALNUM, 14]]] }),
  token({
    id: "flutterwave-secret-key",
    name: "Flutterwave secret key",
    keywords: ["flwseck"],
    forms: [
      ["FLWSECK_TEST-", [LOWER_ALNUM, 32], "-X"],
      ["FLWSECK-", [LOWER_ALNUM, 32], "-X"],
    ],
  }),
  token({
    id: "flutterwave-public-key",
    name: "Flutterwave public key",
    severity: "low",
    keywords: ["flwpubk"],
    forms: [
      ["FLWPUBK_TEST-", [LOWER_ALNUM, 32], "-X"],
      ["FLWPUBK-", [LOWER_ALNUM, 32], "-X"],
    ],
  }),
  token({
    id: "flutterwave-encryption-key",
    name: "Flutterwave encryption key",
    forms: [
      ["FLWSECK_TEST", [LOWER_ALNUM, 12]],
      ["FLWSECK_TEST-", [LOWER_ALNUM, 12]],
    ],
  }),
  named({
    id: "gocardless-token",
    name: "GoCardless API token",
    keywords: ["gocardless"],
    forms: [["live_", [`${WORD}=`, 40]]],
  }),
  token({
    id: "duffel-token",
    name: "Duffel API token",
    keywords: ["duffel_"],
    forms: [
      ["duffel_live_", [`${WORD}=`, 43]],
      ["duffel_test_", [`${WORD}=`, 43]],
    ],
  }),
  token({ id: "easypost-key", name: "EasyPost API key", forms: [["EZAK", [ALNUM, 54]]], entropy: 3.3 }),
  token({
    id: "easypost-test-key",
    name: "EasyPost test API key",
    severity: "medium",
    forms: [["EZTK", [ALNUM, 54]]],
    entropy: 3.3,
  }),
  token({
    id: "shippo-token",
    name: "Shippo API token",
    keywords: ["shippo_"],
    forms: [
      ["shippo_live_", [ANY_HEX, 40]],
      ["shippo_test_", [ANY_HEX, 40]],
    ],
  }),
  named({
    id: "lob-key",
    name: "Lob API key",
    keywords: ["lob"],
    whole: true,
    forms: [
      ["live_", [HEX, 35]],
      ["test_", [HEX, 35]],
    ],
  }),
  named({
    id: "lob-public-key",
    name: "Lob publishable API key",
    severity: "low",
    keywords: ["lob"],
    whole: true,
    forms: [
      ["live_pub_", [HEX, 31]],
      ["test_pub_", [HEX, 31]],
    ],
  }),
  token({ id: "shopify-token", name: "Shopify access token", forms: [["shpat_", [ANY_HEX, 32]]] }),
  token({ id: "shopify-custom-token", name: "Shopify custom app access token", forms: [["shpca_", [ANY_HEX, 32]]] }),
  token({ id: "shopify-private-token", name: "Shopify private app password", forms: [["shppa_", [ANY_HEX, 32]]] }),
  token({ id: "shopify-shared-secret", name: "Shopify shared secret", forms: [["shpss_", [ANY_HEX, 32]]] }),
  token({ id: "shopify-theme-token", name: "Shopify theme access password", forms: [["shptka_", [ANY_HEX, 32]]] }),
  named({
    id: "etsy-token",
    name: "Etsy access token",
    keywords: ["etsy"],
    whole: true,
    forms: [[[LOWER_ALNUM, 24]]],
    entropy: 3,
  }),
  named({
    id: "freemius-key",
    name: "Freemius secret key",
    keywords: ["secret_key"],
    forms: [["sk_", [`${ALNUM}!@#$%^&*()_+=[]{}|;:,.?/~-`, 29]]],
    entropy: 3.5,
    check: (secret) => /[^\w]/.test(secret) && /[0-9]/.test(secret),
    example: (random) => `"secret_key" => "sk_${random(ALNUM, 24)}#@*7!"`,
  }),
  named({
    id: "plaid-client-id",
    name: "Plaid client id",
    severity: "low",
    keywords: ["plaid"],
    forms: [[[LOWER_ALNUM, 24]]],
    entropy: 3,
  }),
  named({
    id: "plaid-secret",
    name: "Plaid secret key",
    keywords: ["plaid"],
    forms: [[[LOWER_ALNUM, 30]]],
    entropy: 3,
  }),
  token({
    id: "plaid-token",
    name: "Plaid access token",
    keywords: ["access-"],
    forms: ["sandbox", "development", "production"].map((stage): Form => [`access-${stage}-`, ...UUID]),
  }),
  named({ id: "finicity-token", name: "Finicity API token", keywords: ["finicity"], forms: [[[HEX, 32]]] }),
  named({ id: "finicity-secret", name: "Finicity client secret", keywords: ["finicity"], forms: [[[ALNUM, 20]]] }),
  named({ id: "finnhub-token", name: "Finnhub access token", keywords: ["finnhub"], forms: [[[LOWER_ALNUM, 20]]] }),
];

const COIN_RULES: readonly SecretRule[] = [
  named({
    id: "bittrex-secret-key",
    name: "Bittrex secret key",
    keywords: ["bittrex"],
    forms: [[[ALNUM, 32]]],
    says: /secret/i,
  }),
  named({
    id: "bittrex-access-key",
    name: "Bittrex access key",
    keywords: ["bittrex"],
    forms: [[[ALNUM, 32]]],
    not: /secret/i,
  }),
  named({
    id: "coinbase-token",
    name: "Coinbase access token",
    keywords: ["coinbase"],
    forms: [[[WORD, 64]]],
    entropy: 3.3,
  }),
  named({
    id: "kraken-token",
    name: "Kraken access token",
    keywords: ["kraken"],
    forms: [[[`${BASE64}_=-`, 80, 90]]],
    entropy: 3.8,
    example: (random) => `kraken_key = "${random(BASE64, 86)}=="`,
  }),
  named({ id: "kucoin-token", name: "KuCoin access token", keywords: ["kucoin"], forms: [[[HEX, 24]]] }),
  named({ id: "kucoin-secret", name: "KuCoin secret key", keywords: ["kucoin"], forms: [UUID] }),
  named({
    id: "binance-key",
    name: "Binance API key or secret",
    keywords: ["binance"],
    forms: [[[ALNUM, 64]]],
    entropy: 3.8,
  }),
  named({ id: "infura-key", name: "Infura project secret", keywords: ["infura"], forms: [[[HEX, 32]]] }),
  named({ id: "alchemy-key", name: "Alchemy API key", keywords: ["alchemy"], forms: [[[WORD, 32]]], entropy: 3.5 }),
  named({
    id: "etherscan-key",
    name: "Etherscan API key",
    keywords: ["etherscan"],
    forms: [[[ALNUM, 34]]],
    entropy: 3,
  }),
  named({
    id: "ethereum-private-key",
    name: "Ethereum private key",
    severity: "critical",
    keywords: ["private_key", "private-key", "privatekey", "private key", "mnemonic"],
    forms: [["0x", [ANY_HEX, 64]], [[ANY_HEX, 64]]],
    entropy: 3,
  }),
  // BIP 32: 78 bytes that begin with the version of a private key, in Base58Check.
  token({
    id: "bitcoin-extended-key",
    name: "extended private key of a wallet",
    forms: [["xprv", [BASE58, 107]]],
    checksum: isBase58Check,
    example: (random) => {
      const key = Buffer.from(`0488ade4${random(HEX, 82)}00${random(HEX, 64)}`, "hex");
      return toBase58Check(key);
    },
  }),
  // NIP 19: the key's 32 bytes in Bech32.
  token({
    id: "nostr-secret-key",
    name: "Nostr secret key",
    forms: [["nsec1", [BECH32, 58]]],
    checksum: isBech32,
    example: (random) => toBech32("nsec", random(BECH32, 52)),
  }),
];

const OFFICE_RULES: readonly SecretRule[] = [
  named({ id: "adobe-client-id", name: "Adobe client id", severity: "low", keywords: ["adobe"], forms: [[[HEX, 32]]] }),
  token({ id: "adobe-client-secret", name: "Adobe client secret", forms: [["p8e-", [ALNUM, 32]]], entropy: 3 }),
  named({
    id: "asana-client-id",
    name: "Asana client id",
    severity: "low",
    keywords: ["asana"],
    forms: [[[DIGITS, 16]]],
    entropy: 2,
  }),
  named({ id: "asana-client-secret", name: "Asana client secret", keywords: ["asana"], forms: [[[LOWER_ALNUM, 32]]] }),
  token({
    id: "asana-token",
    name: "Asana personal access token",
    severity: "high",
    keywords: ["1/", "2/"],
    forms: [
      ["1/", [DIGITS, 15, 17], ":", [HEX, 32]],
      ["2/", [DIGITS, 15, 17], "/", [DIGITS, 15, 17], ":", [HEX, 32]],
    ],
  }),
  named({
    id: "dropbox-app-secret",
    name: "Dropbox app key or secret",
    keywords: ["dropbox"],
    forms: [[[LOWER_ALNUM, 15]]],
  }),
  named({
    id: "dropbox-long-lived-token",
    name: "Dropbox long-lived access token",
    keywords: ["dropbox"],
    forms: [[[LOWER_ALNUM, 11], "AAAAAAAAAA", [`${WORD}=`, 43]]],
  }),
  token({
    id: "dropbox-short-lived-token",
    name: "Dropbox short-lived access token",
    severity: "high",
    forms: [["sl.", [`${WORD}=`, 64]]],
    grow: joinedToken,
    entropy: 4,
    example: (random) => `sl.${random(WORD, 135)}`,
  }),
  named({
    id: "freshbooks-token",
    name: "FreshBooks access token",
    keywords: ["freshbooks"],
    forms: [[[LOWER_ALNUM, 64]]],
  }),
  named({ id: "hubspot-key", name: "HubSpot API key", keywords: ["hubspot"], forms: [UUID] }),
  token({
    id: "hubspot-token",
    name: "HubSpot private app token",
    keywords: ["pat-na1-", "pat-eu1-"],
    forms: [
      ["pat-na1-", ...UUID],
      ["pat-eu1-", ...UUID],
    ],
  }),
  named({
    id: "intercom-token",
    name: "Intercom API token",
    keywords: ["intercom"],
    forms: [[[`${WORD}=`, 60]]],
    entropy: 3.3,
  }),
  token({
    id: "notion-token",
    name: "Notion integration token",
    forms: [["ntn_", [DIGITS, 11], [ALNUM, 35]]],
    entropy: 3.6,
  }),
  token({
    id: "notion-legacy-token",
    name: "Notion integration token of the old form",
    severity: "high",
    forms: [["secret_", [ALNUM, 43]]],
    entropy: 3.8,
  }),
  named({ id: "squarespace-token", name: "Squarespace access token", keywords: ["squarespace"], forms: [UUID] }),
  named({ id: "zendesk-secret", name: "Zendesk secret key", keywords: ["zendesk"], forms: [[[ALNUM, 40]]] }),
  named({
    id: "trello-token",
    name: "Trello key or token",
    keywords: ["trello"],
    forms: [["ATTA", [ALNUM, 72]], [[HEX, 32]], [[HEX, 64]], [[`${ALNUM}-`, 32]]],
    entropy: 3,
  }),
  named({
    id: "clickup-token",
    name: "ClickUp personal token",
    keywords: ["clickup"],
    forms: [["pk_", [DIGITS, 6, 9], "_", [ALNUM, 32]]],
  }),
  token({
    id: "salesforce-token",
    name: "Salesforce session token",
    severity: "high",
    keywords: ["00d"],
    forms: [["00D", [ALNUM, 12, 15], "!AQ", [`${ALNUM}._`, 80, 120]]],
  }),
  token({ id: "segment-token", name: "Segment public API token", severity: "high", forms: [["sgp_", [ALNUM, 64]]] }),
  named({ id: "amplitude-secret", name: "Amplitude secret key", keywords: ["amplitude"], forms: [[[HEX, 32]]] }),
  named({ id: "mixpanel-secret", name: "Mixpanel secret", keywords: ["mixpanel"], forms: [[[HEX, 32]]] }),
  named({
    id: "openweather-key",
    name: "OpenWeather API key",
    severity: "medium",
    keywords: ["openweather"],
    forms: [[[HEX, 32]]],
  }),
];

export const BUSINESS_RULES: readonly SecretRule[] = [...PAYMENT_RULES, ...COIN_RULES, ...OFFICE_RULES];
