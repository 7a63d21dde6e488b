"""The rows that `data.build` made: folds of whole groups, and the sample of an epoch, in which no source outweighs another."""

from __future__ import annotations

import gzip
import json
import random
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np

HEADS = ("injection", "indirect", "hate", "harassment", "violence", "self-harm", "sexual", "sexual-minors", "illicit")
ABSENT = -1


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


def folds(rows: list[Row], count: int, cap: int) -> dict[str, int]:
    """Group -> fold. Groups go, largest first, to the fold that has least of what they bring: attacks, other rows, heads."""
    bring: dict[str, np.ndarray] = {}
    for group in sorted({row.group for row in rows if row.use == "train"}):
        labels = np.array([row.targets() for row in rows if row.group == group and row.use == "train"])
        counts = np.concatenate([(labels == 1).sum(0), [(labels[:, 0] == 0).sum()]])
        bring[group] = np.minimum(counts, cap).astype(float)
    total = np.maximum(sum(bring.values()), 1)
    loads = np.zeros((count, len(total)))
    chosen: dict[str, int] = {}
    for group in sorted(bring, key=lambda g: (-(bring[g] / total).sum(), g)):
        share = bring[group] / total
        fold = int(np.argmin([((loads[k] + share) ** 2).sum() - (loads[k] ** 2).sum() for k in range(count)]))
        loads[fold] += share
        chosen[group] = fold
    return chosen


def sample(rows: list[Row], size: int, cap: int, seed: int) -> list[Row]:
    """An epoch: `size` rows, each source at most `cap` times its share; small sources whole, large ones by chance.

    Within a source, attacks and others are drawn alike where it has both.
    """
    rng = random.Random(seed)
    strata: dict[tuple[str, bool], list[Row]] = defaultdict(list)
    for row in rows:
        strata[(row.source, 1 in row.labels.values())].append(row)
    # Generated rows count double: all that is known of documents and of other languages is among them.
    quota = fill(
        {key: len(found) for key, found in strata.items()}, size, cap, {key: 2 if key[0].startswith("gen_") else 1 for key in strata}
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
