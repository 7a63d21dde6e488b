/**
 * Keys of AI services, and Holdfast's own. Forms after each vendor's documentation.
 *
 * @module
 */

import { crc32Base62 } from "../checksum.ts";
import { ALNUM, HEX, LOWER, LOWER_ALNUM, UPPER, UUID, WORD, type Form } from "../form.ts";
import { named, token, type SecretRule } from "../rule.ts";

export const AI_RULES: readonly SecretRule[] = [
  token({
    id: "holdfast-key",
    name: "Holdfast API key",
    forms: [["hf_", [ALNUM, 12], "_", [ALNUM, 43], "_", [ALNUM, 6]]],
    checksum: (secret) => secret.slice(-6) === crc32Base62(secret.slice(0, -7)),
    example: (random) => {
      const body = `hf_${random(ALNUM, 12)}_${random(ALNUM, 43)}`;
      return `${body}_${crc32Base62(body)}`;
    },
  }),
  token({ id: "hugging-face-token", name: "Hugging Face token", forms: [["hf_", [UPPER + LOWER, 34]]], entropy: 3.3 }),
  token({
    id: "hugging-face-organization-token",
    name: "Hugging Face organization token",
    forms: [["api_org_", [UPPER + LOWER, 34]]],
    entropy: 3.3,
  }),
  // The eight letters are base64 of "OpenAI"; keys of projects have them in the middle too.
  token({
    id: "openai-key",
    name: "OpenAI API key",
    keywords: ["sk-"],
    forms: [
      ...["sk-proj-", "sk-svcacct-", "sk-admin-"].map((prefix): Form => [
        prefix,
        [WORD, 20, 80],
        "T3BlbkFJ",
        [WORD, 20, 80],
      ]),
      ["sk-", [ALNUM, 20], "T3BlbkFJ", [ALNUM, 20]],
    ],
    entropy: 3.5,
  }),
  token({
    id: "openrouter-key",
    name: "OpenRouter API key",
    forms: [["sk-or-v1-", [HEX, 64]]],
  }),
  // DeepSeek, Moonshot, DashScope and others took OpenAI's prefix.
  token({
    id: "sk-key",
    name: "API key in OpenAI's form",
    severity: "high",
    forms: [["sk-", [ALNUM, 32, 64]]],
    entropy: 3.2,
    check: (secret) => !secret.includes("T3BlbkFJ") && /[0-9]/.test(secret),
    example: (random) => `sk-${random(HEX, 32)}`,
  }),
  token({ id: "anthropic-key", name: "Anthropic API key", forms: [["sk-ant-api03-", [WORD, 93], "AA"]] }),
  token({ id: "anthropic-admin-key", name: "Anthropic admin API key", forms: [["sk-ant-admin01-", [WORD, 93], "AA"]] }),
  token({
    id: "anthropic-oauth-token",
    name: "Anthropic OAuth token",
    keywords: ["sk-ant-o"],
    forms: [
      ["sk-ant-oat01-", [WORD, 80, 120]],
      ["sk-ant-ort01-", [WORD, 80, 120]],
    ],
  }),
  token({ id: "groq-key", name: "Groq API key", forms: [["gsk_", [ALNUM, 52]]] }),
  token({ id: "perplexity-key", name: "Perplexity API key", forms: [["pplx-", [ALNUM, 48]]] }),
  token({ id: "replicate-token", name: "Replicate API token", forms: [["r8_", [ALNUM, 37]]] }),
  token({ id: "xai-key", name: "xAI API key", forms: [["xai-", [ALNUM, 80]]] }),
  token({ id: "nvidia-key", name: "NVIDIA API key", forms: [["nvapi-", [WORD, 64]]] }),
  token({ id: "cerebras-key", name: "Cerebras API key", forms: [["csk-", [LOWER_ALNUM, 48]]] }),
  token({ id: "pinecone-key", name: "Pinecone API key", forms: [["pcsk_", [`${ALNUM}_`, 60, 80]]] }),
  token({
    id: "langsmith-key",
    name: "LangSmith API key",
    keywords: ["lsv2_"],
    forms: [
      ["lsv2_pt_", [HEX, 32], "_", [HEX, 10]],
      ["lsv2_sk_", [HEX, 32], "_", [HEX, 10]],
    ],
  }),
  token({ id: "langfuse-secret-key", name: "Langfuse secret key", forms: [["sk-lf-", ...UUID]] }),
  token({ id: "elevenlabs-key", name: "ElevenLabs API key", forms: [["sk_", [HEX, 48]]] }),
  named({
    id: "cohere-key",
    name: "Cohere API key",
    keywords: ["cohere", "co_api_key"],
    forms: [[[ALNUM, 40]]],
    entropy: 3.6,
  }),
  named({ id: "mistral-key", name: "Mistral API key", keywords: ["mistral"], forms: [[[ALNUM, 32]]] }),
  named({ id: "together-key", name: "Together AI API key", keywords: ["together"], forms: [[[HEX, 64]]] }),
  named({ id: "wandb-key", name: "Weights & Biases API key", keywords: ["wandb"], forms: [[[HEX, 40]]] }),
  named({ id: "deepgram-key", name: "Deepgram API key", keywords: ["deepgram"], forms: [[[HEX, 40]]] }),
  named({ id: "assemblyai-key", name: "AssemblyAI API key", keywords: ["assemblyai"], forms: [[[HEX, 32]]] }),
  named({
    id: "private-ai-key",
    name: "Private AI API key",
    keywords: ["privateai", "private_ai", "private-ai"],
    forms: [[[LOWER_ALNUM, 32]]],
  }),
];
