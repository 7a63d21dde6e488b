/**
 * Licences that are not on the SPDX list: the terms under which most large models are published. Of these there is no text
 * here, since few may be copied; they are told by the title that their text carries. And names under which the Hub knows
 * licences of the list.
 *
 * Sources: Hugging Face Hub documentation, "Licenses" (list of identifiers), 2026-11; the titles as the texts have them.
 *
 * @module
 */

export interface OtherLicence {
  /** What a bill of materials calls it: SPDX 3.0.1, annex B (`LicenseRef-`). */
  readonly ref: string;
  readonly name: string;
  /** Identifiers of the Hub, and names in free text, in lower case. */
  readonly tags: readonly string[];
  /** Words of its title, in the form of `wordsOf`: the text must have them. */
  readonly title: string;
}

/** The more special title stands before the one that is part of it. */
export const OTHER_LICENCES: readonly OtherLicence[] = [
  other("llama2", "Llama 2 Community License Agreement", ["llama2", "llama-2"], "llama 2 community license agreement"),
  other("llama3.3", "Llama 3.3 Community License Agreement", ["llama3.3"], "llama 3 3 community license agreement"),
  other("llama3.2", "Llama 3.2 Community License Agreement", ["llama3.2"], "llama 3 2 community license agreement"),
  other("llama3.1", "Llama 3.1 Community License Agreement", ["llama3.1"], "llama 3 1 community license agreement"),
  other("llama3", "Meta Llama 3 Community License Agreement", ["llama3"], "llama 3 community license agreement"),
  other("llama4", "Llama 4 Community License Agreement", ["llama4"], "llama 4 community license agreement"),
  other("gemma", "Gemma Terms of Use", ["gemma"], "gemma terms of use"),
  other(
    "creativeml-openrail-pp-m",
    "CreativeML Open RAIL++-M",
    ["openrail++"],
    "creativeml open rail m license dated july 26 2023",
  ),
  other("creativeml-openrail-m", "CreativeML OpenRAIL-M", ["creativeml-openrail-m"], "creativeml open rail m"),
  other("bigscience-openrail-m", "BigScience OpenRAIL-M", ["bigscience-openrail-m"], "bigscience open rail m license"),
  other(
    "bigscience-bloom-rail-1.0",
    "BigScience RAIL License v1.0",
    ["bigscience-bloom-rail-1.0"],
    "bigscience rail license v1 0",
  ),
  other("bigcode-openrail-m", "BigCode OpenRAIL-M", ["bigcode-openrail-m"], "bigcode openrail m"),
  other("openrail", "OpenRAIL (which one is not said)", ["openrail"], "open rail"),
  other("deepseek", "DeepSeek License Agreement", ["deepseek", "deepseek-license"], "deepseek license agreement"),
  other("qwen", "Tongyi Qianwen License Agreement", ["tongyi-qianwen", "qwen"], "tongyi qianwen license agreement"),
  other("qwen-research", "Qwen Research License Agreement", ["qwen-research"], "qwen research license agreement"),
  other("falcon", "TII Falcon LLM License", ["falcon-llm-license", "falcon-180b"], "falcon llm license"),
  other("mrl", "Mistral AI Research License", ["mrl"], "mistral ai research license"),
  other("mnpl", "Mistral AI Non-Production License", ["mnpl"], "mistral ai non production license"),
  other(
    "stabilityai-community",
    "Stability AI Community License Agreement",
    ["stabilityai-ai-community", "stabilityai-community"],
    "stability ai community license agreement",
  ),
  other(
    "flux-1-dev-non-commercial",
    "FLUX.1 [dev] Non-Commercial License",
    ["flux-1-dev-non-commercial-license"],
    "flux 1 dev non commercial license",
  ),
  other(
    "nvidia-open-model",
    "NVIDIA Open Model License Agreement",
    ["nvidia-open-model-license"],
    "nvidia open model license agreement",
  ),
  other(
    "apple-amlr",
    "Apple Machine Learning Research Model License",
    ["apple-amlr"],
    "apple machine learning research model license",
  ),
  other(
    "intel-research",
    "Intel Research Use License Agreement",
    ["intel-research"],
    "intel research use license agreement",
  ),
  other("h-research", "H Research License", ["h-research"], "h company research license"),
];

/** Identifiers of the Hub that differ from the list in more than case. */
export const HUB_NAMES: ReadonlyMap<string, string> = new Map([
  ["odbl", "ODbL-1.0"],
  ["odc-by", "ODC-By-1.0"],
  ["pddl", "PDDL-1.0"],
  ["c-uda", "C-UDA-1.0"],
  ["lgpl-lr", "LGPLLR"],
  ["apache 2.0", "Apache-2.0"],
  ["apache-2", "Apache-2.0"],
  ["apache license 2.0", "Apache-2.0"],
  ["mit license", "MIT"],
]);

/** Words that stand where a licence should, and name none. */
export const NO_LICENCE: readonly string[] = ["other", "unknown", "none", "cc", "bsd", "gpl", "lgpl"];

function other(ref: string, name: string, tags: readonly string[], title: string): OtherLicence {
  return { ref: `LicenseRef-${ref}`, name, tags, title };
}
