"""Writes the rows that the classifiers are trained and measured on.

    cd training/guard && python -m data.build --shared ../../../shared --out build/rows.jsonl.gz

One JSON object a line: id, text, source, group (sources of one origin share it; leave-one-out leaves groups out), kind, lang,
origin (user or document), labels (head to 0 or 1; an absent head is unknown), use (train or eval). The same seed and the same
shared folder give the same bytes. The tables that it prints are also written beside the rows as summary.md.
"""

from __future__ import annotations

import argparse
import gzip
import io
import json
import random
import re
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from . import packages, papers, sources, written
from .dedupe import separate, unique
from .grammars import benign, direct, indirect, long, moderation, multilingual
from .row import HEADS, Row, usable

# How many rows each grammar is asked for; duplicates fall out after.
GENERATED = (
    (direct.rows, 9000),
    (benign.rows, 10000),
    (long.rows, 5000),
    (indirect.rows, 16000),
    (indirect.pasted, 2400),
    (multilingual.rows, 9000),
    (moderation.rows, 6000),
    (multilingual.evaluation, 80),
)
# Real requests put into documents: how many of each source.
ASKED = {"self_instruct": 400, "fuzzyai_benign": 800, "clinc": 1200}
# What asks a model to do something; "i lost my card" in a document is only said by one person to another.
_TASK = re.compile(
    r"(what|how|who|where|when|why|which|is|are|does|do|can you|could you|please|tell|give|show|find|write|make|create|explain|describe|list|suggest|plan|design|compare|translate"
    r"|set|play|calculate|convert|generate|summari[sz]e|rewrite|classify|develop|identify|name|recommend|compose|build|draft|outline|analy[sz]e|read|look up|answer)\b",
    re.I,
)


def generated(seed: int) -> Iterator[Row]:
    yield from written.rows(random.Random(f"{seed}:written"))
    for make, count in GENERATED:
        yield from make(random.Random(f"{seed}:{make.__module__}.{make.__name__}"), count)


def mixed(shared: Path, real: list[Row], seed: int) -> Iterator[Row]:
    """Real documents with generated lines in them, and generated documents with real requests in them."""
    rng = random.Random(f"{seed}:mixed")
    yield from indirect.around(rng, list(papers.pieces(shared / "data")), "papers", "papers")
    yield from indirect.around(rng, list(packages.pieces(seed)), "packages", "packages")
    notes = [row.text for row in real if row.source == "presidio"]
    joined = ["\n".join(rng.sample(notes, rng.randint(1, 5))) for _ in range(400)]
    yield from indirect.around(rng, joined, "presidio_documents", "presidio")
    for source, count in ASKED.items():
        tasks = [row for row in real if row.source == source and 12 <= len(row.text) <= 400 and _TASK.match(row.text)]
        yield from indirect.asked(rng, [row.text for row in tasks], f"{source}_in_documents", tasks[0].group, count)


def build(shared: Path, seed: int) -> tuple[list[Row], Counter[str], Counter[str]]:
    # Real texts come first: of two copies the first stays.
    real = usable(sources.load(shared))
    rows = real + usable(mixed(shared, real, seed)) + usable(generated(seed))
    rows, copies = unique(rows)
    rows, walled = separate(rows)
    return rows, copies, walled


def write(rows: Iterable[Row], out: Path) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    draft = out.with_name(out.name + ".tmp")
    # No name and no time in the gzip header, so that equal rows are equal bytes.
    with draft.open("wb") as raw, gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) as packed, io.TextIOWrapper(packed, encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps(row.record(), ensure_ascii=False) + "\n")
    draft.replace(out)


def _table(title: str, head: list[str], lines: list[list[object]]) -> str:
    body = [f"| {' | '.join(str(cell) for cell in line)} |" for line in [head, ["---"] * len(head), *lines]]
    return f"## {title}\n\n" + "\n".join(body) + "\n"


def summary(rows: list[Row], copies: Counter[str], walled: Counter[str]) -> str:
    sets = Counter((row.group, row.source, row.use) for row in rows)
    kinds = Counter((row.use, row.origin, row.kind) for row in rows)
    langs = Counter((row.use, row.lang) for row in rows)
    labels = Counter((row.use, head, value) for row in rows for head, value in row.labels.items())
    spread = Counter((row.group, head, value) for row in rows if row.use == "train" for head, value in row.labels.items())
    groups = sorted({row.group for row in rows if row.use == "train"})
    return "\n".join(
        [
            _table("Sources", ["group", "source", "use", "rows", "copies dropped", "dropped as repeats of eval texts"], [[*key, n, copies[key[1]], walled[key[1]]] for key, n in sorted(sets.items())]),
            _table("Kinds", ["use", "origin", "kind", "rows"], [[*key, n] for key, n in sorted(kinds.items())]),
            _table("Languages", ["lang", "train", "eval"], [[lang, langs["train", lang], langs["eval", lang]] for lang in sorted({key[1] for key in langs})]),
            _table("Labels", ["head", "train 1", "train 0", "eval 1", "eval 0"], [[head, *(labels[use, head, value] for use in ("train", "eval") for value in (1, 0))] for head in HEADS]),
            _table("Labels of the groups that train (1/0)", ["group", *HEADS], [[group, *(f"{spread[group, head, 1]}/{spread[group, head, 0]}" for head in HEADS)] for group in groups]),
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Build the rows of the guard's classifiers.")
    parser.add_argument("--shared", type=Path, required=True, help="folder with data/text and data/redteam")
    parser.add_argument("--out", type=Path, required=True, help="where the rows go, a .jsonl.gz")
    parser.add_argument("--seed", type=int, default=20261127)
    args = parser.parse_args()
    started = time.monotonic()
    rows, copies, walled = build(args.shared, args.seed)
    write(rows, args.out)
    text = summary(rows, copies, walled)
    args.out.with_name("summary.md").write_text(text, encoding="utf-8")
    print(text)
    print(f"{len(rows)} rows in {time.monotonic() - started:.0f} s: {args.out}")


if __name__ == "__main__":
    main()
