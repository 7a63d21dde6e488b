/**
 * Keys of messaging, mail and social services. Forms after each vendor's documentation.
 *
 * @module
 */

import { decodesTo } from "../checks.ts";
import { ALNUM, ANY_HEX, DIGITS, HEX, LOWER_ALNUM, UPPER, UPPER_ALNUM, UUID, WORD, type Form } from "../form.ts";
import { named, token, type SecretRule } from "../rule.ts";

/** Slack, "Token types". */
const SLACK_RULES: readonly SecretRule[] = [
  token({
    id: "slack-token",
    name: "Slack bot token",
    forms: [
      ["xoxb-", [DIGITS, 10, 13], "-", [DIGITS, 10, 13], "-", [`${ALNUM}-`, 16, 40]],
      ["xoxb-", [DIGITS, 10, 13], "-", [DIGITS, 10, 13], [`${ALNUM}-`, 16, 40]],
    ],
    example: (random) => `xoxb-${random(DIGITS, 12)}-${random(DIGITS, 13)}-${random(ALNUM, 24)}`,
  }),
  token({
    id: "slack-legacy-bot-token",
    name: "Slack bot token of the old form",
    forms: [["xoxb-", [DIGITS, 8, 14], "-", [ALNUM, 18, 26]]],
  }),
  token({
    id: "slack-user-token",
    name: "Slack user token",
    keywords: ["xoxp-", "xoxe-"],
    forms: ["xoxp-", "xoxe-"].map((prefix): Form => [
      prefix,
      [DIGITS, 5, 13],
      "-",
      [DIGITS, 5, 13],
      "-",
      [DIGITS, 5, 13],
      "-",
      [`${ALNUM}-`, 16, 40],
    ]),
  }),
  token({
    id: "slack-app-token",
    name: "Slack app-level token",
    forms: [["xapp-", [DIGITS, 1], "-", [UPPER_ALNUM, 8, 14], "-", [DIGITS, 9, 14], "-", [LOWER_ALNUM, 32, 80]]],
  }),
  token({
    id: "slack-configuration-token",
    name: "Slack configuration access token",
    keywords: ["xoxe.xoxb-", "xoxe.xoxp-"],
    forms: ["xoxe.xoxb-", "xoxe.xoxp-"].map((prefix): Form => [prefix, [DIGITS, 1], "-", [ALNUM, 100, 200]]),
  }),
  token({
    id: "slack-refresh-token",
    name: "Slack configuration refresh token",
    forms: [["xoxe-", [DIGITS, 1], "-", [ALNUM, 100, 180]]],
  }),
  token({
    id: "slack-legacy-token",
    name: "Slack legacy token",
    keywords: ["xoxo-", "xoxs-"],
    forms: ["xoxo-", "xoxs-"].map((prefix): Form => [
      prefix,
      [DIGITS, 5, 13],
      "-",
      [DIGITS, 5, 13],
      "-",
      [DIGITS, 5, 13],
      "-",
      [ANY_HEX, 8, 64],
    ]),
  }),
  token({
    id: "slack-workspace-token",
    name: "Slack workspace token",
    keywords: ["xoxa-", "xoxr-"],
    forms: ["xoxa-", "xoxr-"].flatMap((prefix): readonly Form[] => [
      [prefix, [ALNUM, 8, 48]],
      [prefix, [DIGITS, 1], "-", [ALNUM, 8, 48]],
      [prefix, [DIGITS, 5, 13], "-", [DIGITS, 5, 13], "-", [DIGITS, 5, 13], "-", [ALNUM, 16, 40]],
      [prefix, [DIGITS, 1], "-", [DIGITS, 5, 13], "-", [DIGITS, 5, 13], "-", [DIGITS, 5, 13], "-", [ALNUM, 16, 40]],
    ]),
    check: (secret) => /[0-9]/.test(secret),
    example: (random) => `xoxa-2-${random(DIGITS, 11)}-${random(DIGITS, 11)}-${random(DIGITS, 11)}-${random(HEX, 32)}`,
  }),
  token({
    id: "slack-session-token",
    name: "Slack session token or cookie",
    keywords: ["xoxc-", "xoxd-"],
    forms: [
      ["xoxc-", [DIGITS, 9, 14], "-", [DIGITS, 9, 14], "-", [DIGITS, 9, 14], "-", [HEX, 64]],
      ["xoxd-", [`${ALNUM}%`, 100, 250]],
    ],
  }),
  {
    id: "slack-webhook",
    name: "Slack webhook address",
    severity: "high",
    keywords: ["hooks.slack.com/"],
    pattern:
      /hooks\.slack\.com\/(?<secret>(?:services|workflows|triggers)\/(?:[A-Z0-9]{8,14}\/[A-Z0-9]{8,20}\/[A-Za-z0-9]{16,40}|[A-Za-z0-9+/]{43,56}))(?![A-Za-z0-9])/dy,
    shape: [["A-Za-z0-9/+", 90]],
    least: 40,
    example: (random) => `hooks.slack.com/services/T${random(UPPER, 8)}/B${random(UPPER, 9)}/${random(ALNUM, 24)}`,
  },
];

/**
 * How three digits begin in base64, the first not 0: 9 pairs, then one of 10 letters for the second digit, and one of 10
 * for the third. Long enough that words hardly ever hold one.
 */
const SNOWFLAKES = ["mt", "mj", "mz", "nd", "nt", "nj", "nz", "od", "ot"].flatMap((pair) =>
  Array.from("aeimquycgk").flatMap((second) => Array.from("wxyz012345", (third) => pair + second + third)),
);

const CHAT_RULES: readonly SecretRule[] = [
  {
    id: "telegram-bot-token",
    name: "Telegram bot token",
    severity: "critical",
    keywords: [":a"],
    pattern: /:(?<secret>A[\w-]{34})(?![\w-])/dy,
    shape: [["\\w-", 35]],
    least: 33,
    inWord: true,
    inKeyword: true,
    check: (secret, before) =>
      /(?:^|[^0-9A-Za-z]|\\[nrt]|\/bot)[0-9]{5,16}$/.test(before) && /[0-9]/.test(secret) && /[a-z]/.test(secret),
    example: (random) => `${random("123456789", 10)}:AA${random(WORD, 33)}`,
  },
  // Three parts of base64url; the first is the bot's number.
  token({
    id: "discord-bot-token",
    name: "Discord bot token",
    keywords: SNOWFLAKES,
    forms: ["MT", "Mj", "Mz", "ND", "NT", "Nj", "Nz", "OD", "OT"].map((pair): Form => [
      pair,
      [ALNUM, 22, 24],
      ".",
      [WORD, 6],
      ".",
      [WORD, 27, 38],
    ]),
    check: (secret) => {
      const [id = "", , key = ""] = secret.split(".");
      return decodesTo(id, /^[0-9]{17,20}$/) || (isRandom(id) && isRandom(key));
    },
    example: (random) => {
      const id = Buffer.from(`1${random(DIGITS, 17)}`).toString("base64url");
      return `${id}.${random(ALNUM, 6)}.${random(WORD, 38)}`;
    },
  }),
  {
    id: "discord-webhook",
    name: "Discord webhook address",
    severity: "high",
    keywords: ["api/webhooks/"],
    pattern: /api\/webhooks\/(?<secret>[0-9]{17,20}\/[\w-]{60,80})(?![\w-])/dy,
    shape: [["\\w/-", 102]],
    least: 78,
    example: (random) => `https://discord.com/api/webhooks/1${random(DIGITS, 18)}/${random(WORD, 68)}`,
  },
  named({
    id: "discord-public-key",
    name: "Discord API token",
    severity: "medium",
    keywords: ["discord"],
    forms: [[[HEX, 64]]],
  }),
  named({
    id: "discord-client-id",
    name: "Discord client id",
    severity: "low",
    keywords: ["discord"],
    forms: [[[DIGITS, 17, 19]]],
    says: /client|app|id/i,
    entropy: 2,
  }),
  named({
    id: "discord-client-secret",
    name: "Discord client secret",
    keywords: ["discord"],
    forms: [[[`${WORD}=`, 32]]],
    entropy: 3,
  }),
  {
    id: "teams-webhook",
    name: "Microsoft Teams webhook address",
    severity: "high",
    keywords: [".webhook.office.com/webhookb2/"],
    pattern:
      /\.webhook\.office\.com\/webhookb2\/(?<secret>[a-z0-9-]{36}@[a-z0-9-]{36}\/IncomingWebhook\/[a-z0-9]{32}\/[a-z0-9-]{36})/dy,
    shape: [["A-Za-z0-9@/-", 160]],
    least: 140,
    inWord: true,
    example: (random) => {
      const uuid = (): string => [8, 4, 4, 4, 12].map((length) => random(HEX, length)).join("-");
      return `https://acme.webhook.office.com/webhookb2/${uuid()}@${uuid()}/IncomingWebhook/${random(HEX, 32)}/${uuid()}`;
    },
  },
  named({
    id: "mattermost-token",
    name: "Mattermost access token",
    keywords: ["mattermost"],
    forms: [[[LOWER_ALNUM, 26]]],
  }),
  named({ id: "gitter-token", name: "Gitter access token", keywords: ["gitter"], forms: [[[WORD, 40]]], entropy: 3 }),
  token({
    id: "matrix-token",
    name: "Matrix access token",
    keywords: ["syt_"],
    forms: [["syt_", [`${ALNUM}=`, 4, 60], "_", [ALNUM, 20], "_", [ALNUM, 6]]],
  }),
  token({
    id: "twilio-api-key",
    name: "Twilio API key SID",
    severity: "high",
    keywords: sidKeywords("sk"),
    forms: [["SK", [ANY_HEX, 32]]],
    entropy: 3,
  }),
  token({
    id: "twilio-account-sid",
    name: "Twilio account SID",
    severity: "low",
    keywords: sidKeywords("ac"),
    forms: [["AC", [HEX, 32]]],
    entropy: 3,
  }),
  named({ id: "twilio-auth-token", name: "Twilio auth token", keywords: ["twilio"], forms: [[[HEX, 32]]], entropy: 3 }),
  named({
    id: "messagebird-token",
    name: "MessageBird API token",
    keywords: ["messagebird", "message_bird", "message-bird"],
    forms: [[[ALNUM, 25]]],
    entropy: 3,
  }),
  named({
    id: "messagebird-client-id",
    name: "MessageBird client id",
    severity: "low",
    keywords: ["messagebird", "message_bird", "message-bird"],
    forms: [UUID],
  }),
  named({
    id: "vonage-secret",
    name: "Vonage API secret",
    keywords: ["vonage", "nexmo"],
    forms: [[[ALNUM, 16]]],
    entropy: 3,
  }),
  named({ id: "plivo-token", name: "Plivo auth token", keywords: ["plivo"], forms: [[[ALNUM, 40]]] }),
];

const MAIL_RULES: readonly SecretRule[] = [
  token({ id: "sendgrid-key", name: "SendGrid API key", forms: [["SG.", [WORD, 22], ".", [WORD, 43]]] }),
  token({ id: "mailgun-key", name: "Mailgun API key", severity: "high", forms: [["key-", [HEX, 32]]], entropy: 3.2 }),
  token({
    id: "mailgun-public-key",
    name: "Mailgun public validation key",
    severity: "medium",
    forms: [["pubkey-", [HEX, 32]]],
    entropy: 3.2,
  }),
  named({
    id: "mailgun-signing-key",
    name: "Mailgun signing key",
    keywords: ["mailgun"],
    forms: [[[LOWER_ALNUM, 32], "-", [LOWER_ALNUM, 8], "-", [LOWER_ALNUM, 8]]],
  }),
  named({
    id: "mailchimp-key",
    name: "Mailchimp API key",
    keywords: ["mailchimp"],
    forms: [[[HEX, 32], "-us", [DIGITS, 1, 2]]],
    example: (random) => `mailchimp_api_key = "${random(HEX, 32)}-us12"`,
  }),
  token({
    id: "mandrill-key",
    name: "Mandrill API key",
    severity: "high",
    forms: [["md-", [WORD, 22]]],
    entropy: 3.3,
    check: (secret) => /[0-9]/.test(secret) && /[A-Z]/.test(secret),
  }),
  token({ id: "brevo-key", name: "Brevo (Sendinblue) API key", forms: [["xkeysib-", [HEX, 64], "-", [ALNUM, 16]]] }),
  token({
    id: "brevo-smtp-key",
    name: "Brevo (Sendinblue) SMTP key",
    forms: [["xsmtpsib-", [HEX, 64], "-", [ALNUM, 16]]],
  }),
  token({ id: "resend-key", name: "Resend API key", forms: [["re_", [ALNUM, 8], "_", [ALNUM, 24]]], entropy: 3.5 }),
  token({
    id: "beamer-token",
    name: "Beamer API token",
    forms: [["b_", [`${WORD}=`, 44]]],
    entropy: 3.8,
    check: (secret) => /[0-9]/.test(secret),
  }),
  named({ id: "postmark-token", name: "Postmark server token", keywords: ["postmark"], forms: [UUID] }),
];

const SOCIAL_RULES: readonly SecretRule[] = [
  named({
    id: "facebook-access-token",
    name: "Facebook app access token",
    keywords: ["facebook", "access_token"],
    bare: true,
    forms: [
      [[DIGITS, 15, 16], "|", [WORD, 27, 40]],
      [[DIGITS, 15, 16], "%7C", [WORD, 27, 40]],
    ],
    entropy: 3,
  }),
  token({
    id: "facebook-page-token",
    name: "Facebook page or user access token",
    keywords: ["eaac", "eaam", "eaag", "eaab"],
    forms: ["EAAC", "EAAM", "EAAG", "EAAB"].map((prefix): Form => [prefix, [ALNUM, 80, 350]]),
    entropy: 4,
  }),
  named({
    id: "facebook-secret",
    name: "Facebook app secret",
    keywords: ["facebook", "fb_app", "fb_secret"],
    forms: [[[HEX, 32]]],
    entropy: 3,
  }),
  token({ id: "instagram-token", name: "Instagram access token", forms: [["IGQV", [WORD, 100, 350]]], entropy: 4 }),
  named({
    id: "twitter-api-key",
    name: "Twitter (X) API key",
    keywords: ["twitter"],
    forms: [[[ALNUM, 25]]],
    entropy: 3,
  }),
  named({
    id: "twitter-api-secret",
    name: "Twitter (X) API secret",
    keywords: ["twitter"],
    forms: [[[ALNUM, 50]]],
    entropy: 3,
  }),
  named({
    id: "twitter-access-token",
    name: "Twitter (X) access token",
    keywords: ["twitter"],
    forms: [[[DIGITS, 15, 25], "-", [ALNUM, 20, 40]]],
    entropy: 3,
  }),
  named({
    id: "twitter-access-secret",
    name: "Twitter (X) access token secret",
    keywords: ["twitter"],
    forms: [[[ALNUM, 45]]],
    entropy: 3,
  }),
  token({
    id: "twitter-bearer-token",
    name: "Twitter (X) bearer token",
    keywords: ["aaaaaaaaaaaaaaaaaaaaaa"],
    forms: [["AAAAAAAAAAAAAAAAAAAAAA", [`${ALNUM}%`, 80, 100]]],
    entropy: 3,
  }),
  named({
    id: "linkedin-client-id",
    name: "LinkedIn client id",
    severity: "low",
    keywords: ["linkedin", "linked_in", "linked-in"],
    forms: [[[ALNUM, 14]]],
    entropy: 2.5,
  }),
  named({
    id: "linkedin-client-secret",
    name: "LinkedIn client secret",
    keywords: ["linkedin", "linked_in", "linked-in"],
    forms: [[[ALNUM, 16]]],
    entropy: 2.5,
  }),
  named({ id: "twitch-token", name: "Twitch API token", keywords: ["twitch"], forms: [[[LOWER_ALNUM, 30]]] }),
  named({ id: "flickr-key", name: "Flickr access token", keywords: ["flickr"], forms: [[[ALNUM, 32]]] }),
  named({
    id: "nytimes-key",
    name: "New York Times API key",
    keywords: ["nytimes", "new-york-times", "new_york_times", "newyorktimes"],
    forms: [[[`${WORD}=`, 32]]],
  }),
  token({ id: "frameio-token", name: "Frame.io API token", forms: [["fio-u-", [`${WORD}=`, 64]]] }),
  named({ id: "vimeo-token", name: "Vimeo access token", keywords: ["vimeo"], forms: [[[HEX, 32]]] }),
  named({ id: "spotify-secret", name: "Spotify client secret", keywords: ["spotify"], forms: [[[HEX, 32]]] }),
  named({
    id: "reddit-secret",
    name: "Reddit client secret",
    keywords: ["reddit"],
    forms: [[[WORD, 27, 30]]],
    says: /secret/i,
    entropy: 3.3,
  }),
];

/** With the first digit: two letters alone begin too many words. */
function sidKeywords(prefix: string): readonly string[] {
  return Array.from(HEX, (digit) => prefix + digit);
}

/** Capitals, small letters and digits are all there. */
function isRandom(text: string): boolean {
  return /[A-Z]/.test(text) && /[a-z]/.test(text) && /[0-9]/.test(text);
}

export const MESSAGE_RULES: readonly SecretRule[] = [...SLACK_RULES, ...CHAT_RULES, ...MAIL_RULES, ...SOCIAL_RULES];
