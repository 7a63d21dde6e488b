"""Exact and near duplicates, and the wall between what trains and what measures.

Texts are compared by their words: NFKC, lower case, everything but letters and digits is a space. Two texts are near
duplicates when they share at least a stated part of their 8-word shingles, counted against the shorter one.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from .row import Row

SHINGLE = 8
# A shingle in more rows than this is boilerplate (one template, many fillings) and says nothing about copies.
COMMON = 60
# Shorter texts of the evaluation sets than this are ordinary phrases; they are only matched whole.
SHORTEST_QUOTE = 5


_ASCII = re.compile(r"[a-z0-9]+")


def words(text: str) -> list[str]:
    if text.isascii():
        return _ASCII.findall(text.lower())
    folded = unicodedata.normalize("NFKC", text).lower()
    out: list[str] = []
    for part in "".join(c if c.isalnum() or unicodedata.category(c)[0] == "M" else " " for c in folded).split():
        # Scripts written without spaces are one "word" a sentence; their characters stand for words.
        if any("\u3040" <= c <= "\u9fff" or "\u0e00" <= c <= "\u0e7f" for c in part):
            out.extend(part)
        else:
            out.append(part)
    return out


def normal(text: str) -> str:
    return " ".join(words(text))


def shingles(tokens: Sequence[str], size: int = SHINGLE) -> set[int]:
    if len(tokens) <= size:
        return {hash(tuple(tokens))}
    return {hash(tuple(tokens[i : i + size])) for i in range(len(tokens) - size + 1)}


class Wall:
    """What the evaluation texts are, so that no train text repeats them."""

    def __init__(self, texts: Iterable[str]) -> None:
        self.whole: set[str] = set()
        self.sizes: list[int] = []
        self.index: dict[int, list[int]] = defaultdict(list)
        self.quotes: dict[tuple[str, ...], set[tuple[str, ...]]] = defaultdict(set)
        for text in texts:
            tokens = words(text)
            self.whole.add(" ".join(tokens))
            if SHORTEST_QUOTE <= len(tokens) < SHINGLE:
                self.quotes[tuple(tokens[:SHORTEST_QUOTE])].add(tuple(tokens))
            own = shingles(tokens)
            for shingle in own:
                self.index[shingle].append(len(self.sizes))
            self.sizes.append(len(own))

    def repeats(self, text: str, part: float = 0.5) -> bool:
        tokens = words(text)
        if " ".join(tokens) in self.whole:
            return True
        for at in range(len(tokens) - SHORTEST_QUOTE + 1):
            quotes = self.quotes.get(tuple(tokens[at : at + SHORTEST_QUOTE]))
            if quotes and any(tuple(tokens[at : at + len(quote)]) == quote for quote in quotes):
                return True
        own = shingles(tokens)
        shared = Counter(i for shingle in own for i in self.index.get(shingle, ()))
        return any(n >= part * min(len(own), self.sizes[i]) for i, n in shared.items())


def separate(rows: Iterable[Row]) -> tuple[list[Row], Counter[str]]:
    """Removes every train row that repeats an eval row. Returns what stays and how many each source lost."""
    rows = list(rows)
    wall = Wall(row.text for row in rows if row.use == "eval")
    kept, lost = [], Counter()
    for row in rows:
        if row.use == "train" and wall.repeats(row.text):
            lost[row.source] += 1
        else:
            kept.append(row)
    return kept, lost


def unique(rows: Iterable[Row], part: float = 0.8) -> tuple[list[Row], Counter[str]]:
    """Keeps the first of each family of duplicates among rows of the same use.

    Rows whose labels contradict each other are not copies but a contrast (a clean document and the same one with an
    instruction in it), unless their words are the same.
    """
    seen: set[tuple[str, str, str]] = set()
    index: dict[int, list[int]] = defaultdict(list)
    kept: list[Row] = []
    indexed: list[Row] = []
    sizes: list[int] = []
    lost: Counter[str] = Counter()
    for row in rows:
        tokens = words(row.text)
        key = (row.use, row.origin, " ".join(tokens))
        if key in seen:
            lost[row.source] += 1
            continue
        # A document with an instruction in it is its carrier and one new line, and eval rows only measure: no near copies there.
        if row.use == "train" and not row.kind.startswith("indirect"):
            own = shingles(tokens)
            shared: Counter[int] = Counter()
            for shingle in own:
                holders = index.get(shingle, ())
                if len(holders) <= COMMON:
                    shared.update(holders)
            if any(n >= part * max(min(len(own), sizes[i]), 0.6 * max(len(own), sizes[i])) and not _contradict(indexed[i], row) for i, n in shared.items()):
                lost[row.source] += 1
                continue
            for shingle in own:
                holders = index[shingle]
                if len(holders) <= COMMON:
                    holders.append(len(indexed))
            indexed.append(row)
            sizes.append(len(own))
        seen.add(key)
        kept.append(row)
    return kept, lost


def _contradict(a: Row, b: Row) -> bool:
    return any(head in b.labels and b.labels[head] != value for head, value in a.labels.items())
