"""Rows from `written/`: texts that were written for this repository one by one, where the grammars' templates are too alike.

Documents are carriers: each clean, and several times with one of the written lines in it, at the start, in the middle or at the
end. Texts of other languages are used as they are and, joined to a page of one language, as documents.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from .grammars import indirect
from .grammars.documents import document
from .row import ASKED, ATTACK, BENIGN, CLEAN, Row

FOLDER = Path(__file__).parent / "written"
GROUP = "gen-written"
# What was written after the vocabulary was chosen is a source of its own: train.py leaves it out of that choice.
MORE = "gen_written_more"
WRITTEN_LATER = ("attacks-b", "benign-b", "comments", "languages-c", "languages-d")
ATTACKS = ("injection", "jailbreak", "extraction")
# Copies of a document with a line in it. Each is another line, so the document itself gives nothing away.
PLANTED = 4
# Sentences of a document that stand alone.
STATEMENTS = 6
POSITIONS = ("start", "start", "middle", "middle", "end")
READ = (
    "Summarise this for me:\n\n", "What does it say?\n\n", "Please translate the following into French.\n\n", "Is there anything I have to do?\n---\n", "here's the mail, draft a reply\n\n",
    "Proofread:\n\n", "Check the tone of this text and keep it short.\n\n", "Give me the three main points of\n\"\"\"\n", "Context:\n", "can u explain this to me\n\n", "Turn this into a table:\n\n", "tl;dr?\n\n",
)  # fmt: skip


@cache
def records(name: str) -> list[dict]:
    return [json.loads(line) for line in (FOLDER / f"{name}.jsonl").read_text(encoding="utf-8").splitlines() if line.strip()]


def sourced(own: str, *names: str) -> Iterator[tuple[str, dict]]:
    """The records of files, each with its source."""
    for name in names:
        for item in records(name):
            yield MORE if name in WRITTEN_LATER else own, item


def carriers() -> list[str]:
    return [item["text"] for part in "abc" for item in records(f"documents-{part}")]


def rows(rng: random.Random) -> Iterator[Row]:
    for source, item in sourced("gen_written_attacks", "attacks-a", "attacks-b"):
        yield Row(item["text"], source, GROUP, item["kind"], dict(ATTACK))
    for source, item in sourced("gen_written_benign", "benign-a", "benign-b"):
        yield Row(item["text"], source, GROUP, item["kind"], dict(BENIGN))
    for source, item in sourced("gen_written_moderation", "moderation-a", "moderation-b", "comments"):
        labels = item["labels"]
        clean = CLEAN if not any(labels.values()) else {}
        yield Row(item["text"], source, GROUP, "moderation", {"injection": 0, **clean, **labels})
    yield from documents(rng)
    yield from languages(rng)
    yield from statements(rng)


def documents(rng: random.Random) -> Iterator[Row]:
    lines = records("lines")
    queue: list[dict] = []

    def next_line() -> dict:
        if not queue:
            queue.extend(rng.sample(lines, len(lines)))
        return queue.pop()

    for carrier in carriers():
        yield Row(carrier, "gen_written_documents", GROUP, "carrier", {"injection": 0, "indirect": 0, **CLEAN}, origin="document")
        yield Row(rng.choice(READ) + carrier, "gen_written_pasted", GROUP, "benign-hard", {"injection": 0, **CLEAN})
        for _ in range(PLANTED):
            yield planted(rng, carrier, next_line(), "gen_written_documents")
    for item in lines:
        yield planted(rng, document(rng), item, "gen_written_lines")
        yield Row(item["text"], "gen_written_lines", GROUP, "indirect-alone", labels_of(item), origin="document")
        if item["kind"] in ("override", "disguised"):
            head, carrier = rng.choice(READ), rng.choice(carriers())
            joined, (start, end) = indirect.place(rng, carrier, item["text"], rng.choice(POSITIONS))
            labels = {"injection": 1} if item["kind"] == "override" else {}
            if labels:
                yield Row(head + joined, "gen_written_pasted", GROUP, "injection", labels, span=(start + len(head), end + len(head)))
    for carrier in carriers():
        text, open_attack = indirect.line(rng)
        yield planted(rng, carrier, {"text": text, "kind": "override" if open_attack else "task"}, "gen_written_documents")


def labels_of(item: dict) -> dict[str, int]:
    """An open order to drop the rules is an injection too; of the rest that is not known."""
    return {"indirect": 1, **({"injection": 1} if item["kind"] == "override" else {})}


def planted(rng: random.Random, carrier: str, item: dict, source: str, lang: str = "en") -> Row:
    where = rng.choice(POSITIONS)
    joined, span = indirect.place(rng, carrier, item["text"], where)
    return Row(joined, source, GROUP, f"indirect-{where}", labels_of(item), origin="document", lang=lang, span=span)


def languages(rng: random.Random) -> Iterator[Row]:
    by_language: dict[str, list[dict]] = {}
    for source, item in sourced("gen_written_languages", "languages-a", "languages-b", "languages-c", "languages-d"):
        attack = item["kind"] in ATTACKS
        yield Row(item["text"], source, GROUP, item["kind"], dict(ATTACK if attack else BENIGN), lang=item["lang"])
        by_language.setdefault(item["lang"], []).append(item)
    for lang, items in sorted(by_language.items()):
        calm = [item["text"] for item in items if item["kind"] == "benign"]
        for item in items:
            if item["kind"] != "injection":
                continue
            page = "\n".join(rng.sample(calm, min(len(calm), rng.randint(2, 4))))
            yield planted(rng, page, {"text": item["text"], "kind": "override"}, "gen_written_languages", lang)


def statements(rng: random.Random) -> Iterator[Row]:
    """Single sentences of the documents that only state something: what a search or a field of a record hands to a model."""
    for carrier in carriers():
        said = [line.strip() for line in re.split(r"\n|(?<=[.!?])\s", carrier)]
        said = [line for line in said if 15 <= len(line) <= 200 and not ASKED.search(line)]
        for line in rng.sample(said, min(len(said), STATEMENTS)):
            yield Row(line, "gen_written_statements", GROUP, "carrier", {"injection": 0, "indirect": 0, **CLEAN}, origin="document")
