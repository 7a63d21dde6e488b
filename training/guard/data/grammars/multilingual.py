"""Attacks and ordinary requests in nineteen languages, and a set apart that only measures.

`languages.json` trains. `languages_eval.json` was written as other sentences about other things: no template, goal or subject is
shared, so what is measured is the language and not the sentence. All of it is our own writing, no machine translation.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path

from ..grammar import Grammar
from ..row import BENIGN, CLEAN, Row
from . import benign, direct
from .documents import document
from .indirect import place
from .lexicon import SHARED

HERE = Path(__file__).parent
GROUP = "gen-multilingual"


def _languages(name: str) -> dict:
    return json.loads((HERE / name).read_text(encoding="utf-8"))


def rows(rng: random.Random, count: int) -> Iterator[Row]:
    languages, papers = _languages("languages.json"), _languages("languages_documents.json")
    english, english_attacks = Grammar(benign.SLOTS), Grammar(direct.SLOTS)
    names = list(languages)
    for _ in range(count // 2):
        lang = rng.choice(names)
        slots = languages[lang]
        grammar = Grammar(slots)
        attack = grammar.pick(rng, "attack").strip()
        plain = grammar.pick(rng, "benign").strip()
        roll = rng.random()
        if roll < 0.12:
            # Asked in one language, attacked in the other.
            host = benign.tidy(rng, english.expand(rng, rng.choice(SHARED["task"])))
            attack = rng.choice([f"{host}\n{attack}", f"{attack} {host}", f"{plain} {attack}"])
        elif roll < 0.18:
            attack = f"{plain}\n{direct.attack(rng, english_attacks, direct.OVERRIDE)}"
        elif roll < 0.3:
            attack = rng.choice([f"{plain} {attack}", f"{attack}\n{plain}"])
        yield Row(attack, "gen_multilingual", GROUP, "injection", {"injection": 1, "indirect": 1}, lang=lang)
        if rng.random() < 0.15:
            plain += rng.choice([" ", "\n"]) + benign.tidy(rng, english.expand(rng, rng.choice(SHARED["task"])))
        elif rng.random() < 0.3:
            plain += rng.choice([" ", "\n"]) + grammar.pick(rng, "benign").strip()
        yield Row(plain, "gen_multilingual", GROUP, "benign-hard", dict(BENIGN), lang=lang)
        if rng.random() < 0.3:
            yield from _papers(rng, lang, grammar, papers[lang])


def _papers(rng: random.Random, lang: str, grammar: Grammar, lines: list[str]) -> Iterator[Row]:
    """A document of the language, or an English one, without an attack and with one."""
    for harmful in (False, True):
        if rng.random() < 0.75:
            carrier = rng.choice([" ", "\n", "\n\n"]).join(grammar.expand(rng, line) for line in rng.sample(lines, rng.randint(2, 5)))
        else:
            carrier = document(rng)
        if not harmful:
            yield Row(carrier, "gen_multilingual", GROUP, "carrier", {"injection": 0, "indirect": 0, **CLEAN}, origin="document", lang=lang)
            continue
        # Either an open attack, or a harmless request that has no place there.
        attack = rng.random() < 0.6
        # The first harmless template ("ignore my last message") is one that people write to people.
        line = grammar.expand(rng, rng.choice(grammar.slots["attack"] if attack else grammar.slots["benign"][1:])).strip()
        where = rng.choice(["start", "middle", "end"])
        joined, span = place(rng, carrier, line, where)
        yield Row(joined, "gen_multilingual", GROUP, f"indirect-{where}", {"indirect": 1, **({"injection": 1} if attack else {})}, origin="document", lang=lang, span=span)


def evaluation(rng: random.Random, count: int) -> Iterator[Row]:
    """`count` attacks and `count` harmless texts for each language, as many of them as differ."""
    for lang, slots in _languages("languages_eval.json").items():
        grammar = Grammar(slots)
        for kind, name, labels in (("injection", "attack", {"injection": 1, "indirect": 1}), ("benign-hard", "benign", {"injection": 0, **CLEAN})):
            seen: set[str] = set()
            for _ in range(count * 12):
                text = grammar.pick(rng, name).strip()
                text = text[:1].upper() + text[1:]
                if text not in seen and len(seen) < count:
                    seen.add(text)
                    yield Row(text, "gen_multilingual_eval", "gen-multilingual-eval", kind, dict(labels), lang=lang, use="eval")
