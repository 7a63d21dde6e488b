"""The features of the cheap stage: hashed n-grams of words and characters. `src/guard/model` computes the same ones.

    text      NFKC, lower case, runs of white space to one space, trimmed, at most 2,048 code points
    tokens    maximal runs of letters, numbers and "_"; any other character that is not a space is a token by itself
    features  "w:" + token; "b:" + token + " " + next token;
              "c:" + each run of 3, 4 and 5 code points of " " + token + " ", for tokens of letters and numbers
    bucket    FNV-1a, 32 bits, over the UTF-8 bytes of the feature; its low 18 bits
    value     a set: each bucket counts once, and the vector has length one

Test vectors: `test/vectors/guard-features`.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from functools import lru_cache

import numpy as np
import regex

BUCKETS = 1 << 18
LIMIT = 2048
# White space as ECMAScript's \s has it; Python's own differs by a few controls and the byte order mark.
WHITE = "\t\n\v\f\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
SPACE = regex.compile(f"[{WHITE}]+")
TOKEN = regex.compile(rf"[\p{{L}}\p{{N}}_]+|[^{WHITE}\p{{L}}\p{{N}}_]")
PRIME = 16777619
OFFSET = 2166136261


def fnv(data: bytes, state: int = OFFSET) -> int:
    for byte in data:
        state = ((state ^ byte) * PRIME) & 0xFFFFFFFF
    return state


def normal(text: str) -> str:
    return SPACE.sub(" ", unicodedata.normalize("NFKC", text).lower()).strip(" ")[:LIMIT]


@lru_cache(maxsize=400_000)
def of_token(token: str) -> tuple[int, ...]:
    """The buckets that one token gives by itself: its word and, for letters and numbers, its characters."""
    buckets = {fnv(b"w:" + token.encode())}
    if regex.match(r"[\p{L}\p{N}_]", token):
        padded = f" {token} "
        for size in (3, 4, 5):
            for at in range(len(padded) - size + 1):
                buckets.add(fnv(b"c:" + padded[at : at + size].encode()))
    return tuple(bucket & (BUCKETS - 1) for bucket in buckets)


@lru_cache(maxsize=400_000)
def opening(token: str) -> int:
    return fnv(b"b:" + token.encode() + b" ")


@lru_cache(maxsize=2_000_000)
def of_pair(first: str, second: str) -> int:
    return fnv(second.encode(), opening(first)) & (BUCKETS - 1)


def buckets(text: str) -> np.ndarray:
    """The sorted buckets of a text, each once."""
    tokens = TOKEN.findall(normal(text))
    found: set[int] = set()
    for token in set(tokens):
        found.update(of_token(token))
    for first, second in zip(tokens, tokens[1:]):
        found.add(of_pair(first, second))
    return np.array(sorted(found), dtype=np.int32)


def matrix(texts: Iterable[str]) -> tuple[np.ndarray, np.ndarray]:
    """Buckets of all texts one after another, and where each text's begin (one more than there are texts)."""
    rows = [buckets(text) for text in texts]
    ends = np.cumsum([0] + [len(row) for row in rows])
    return (np.concatenate(rows) if rows else np.zeros(0, np.int32)), ends.astype(np.int64)
