"""Real documents under permissive licences, cut into pieces as a retriever cuts them: carriers without a word for a model.

They are technical texts and code of `shared/data`: specifications, guides, a catalog of attacks on AI (which talks of prompt
injection without being one), threat lists, test files, tables. Share-alike texts are left out.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from pathlib import Path

# Where they lie, and what becomes of each kind of file.
FILES = (
    "governance/mitre-atlas/ATLAS.yaml",
    "governance/cosai-ai-incident-response/AI-Incident-Response.md",
    "governance/cosai-risk-map/*.yaml",
    "governance/croissant/*.md",
    "governance/nist-oscal/*.json",
    "governance/threagile/*.yaml",
    "infra/kube-linter/**/*.md",
    "infra/kube-linter/**/*.y*ml",
    "signing/ossf-model-signing-spec/spec/*.md",
    "tlog/c2sp/*.md",
    "bom/croissant/datasets/1.1/*/metadata.json",
    "ml/adult/adult.csv",
    "text/detect_secrets_tests/*.py",
    "text/gitleaks_rules/*.go",
    "redteam/garak/garak/data/calibration/*",
)

# A catalog of attacks quotes some, code that tests guards does too; such a piece is not surely clean.
QUOTES = re.compile(r"ignore (all |any |the )?(previous|prior|above)|disregard|you are now|system prompt|jailbreak|do anything now|hidden (text|instruction)", re.I)
_SIZES = (250, 450, 800, 1400)


def pieces(data: Path, most: int = 90) -> Iterator[str]:
    """At most `most` pieces of each file, at line breaks, of different lengths."""
    for pattern in FILES:
        for path in sorted(data.glob(pattern)):
            text = path.read_text(encoding="utf-8", errors="replace")
            rng = random.Random(path.name)
            found = [piece for piece in _cut(rng, text, path.suffix) if not QUOTES.search(piece)]
            few = max(3, min(most, len(text) // 2500))
            yield from rng.sample(found, min(few, len(found)))


def _cut(rng: random.Random, text: str, suffix: str) -> Iterator[str]:
    if suffix == ".json":
        text = "\n".join(_strings(json.loads(text))) if rng.random() < 0.6 else text
    lines = text.splitlines()
    at = 0
    while at < len(lines):
        size, piece = rng.choice(_SIZES), ""
        while at < len(lines) and len(piece) < size:
            piece += lines[at] + "\n"
            at += 1
        piece = piece.strip()
        if 80 <= len(piece) <= 2 * size:
            yield piece


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str) and " " in value:
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner)
