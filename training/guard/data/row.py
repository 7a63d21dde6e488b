"""One labelled text, as every loader and grammar yields it.

A label is 1, 0, or absent; absent means unknown and trains nothing. See README.md for what each head means.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

HEADS = ("injection", "indirect", "hate", "harassment", "violence", "self-harm", "sexual", "sexual-minors", "illicit")
MODERATION = HEADS[2:]

# Nothing that a moderation head looks for: for texts that are harmless by how they were made.
CLEAN: Mapping[str, int] = {head: 0 for head in MODERATION}
BENIGN: Mapping[str, int] = {"injection": 0, **CLEAN}
ATTACK: Mapping[str, int] = {"injection": 1, "indirect": 1}

# Words that ask or order something of whoever reads them.
ASKED = re.compile(
    r"\?|^(please|can|could|would|how|what|where|when|why|who|which|is|are|do|does|tell|give|show|send|cancel|change|transfer|block|call|check|update)\b|\b(please|can (you|someone|i)"
    r"|could (you|someone|i)|would like|i want|i need|i wish|let me know|help me|have the|make sure|kindly)\b",
    re.I,
)


@dataclass
class Row:
    text: str
    source: str
    group: str
    kind: str
    labels: dict[str, int]
    origin: str = "user"
    lang: str = "en"
    use: str = "train"
    # Where in the text what makes it an attack stands, when that is known: so that a window without it is not called one.
    span: tuple[int, int] | None = None
    id: str = field(default="")

    def __post_init__(self) -> None:
        unknown = set(self.labels) - set(HEADS)
        if unknown:
            raise ValueError(f"unknown heads {sorted(unknown)} in a row of {self.source}")
        if self.use not in ("train", "eval") or self.origin not in ("user", "document"):
            raise ValueError(f"bad use or origin in a row of {self.source}")
        if not self.id:
            digest = hashlib.sha256(f"{self.source}\0{self.origin}\0{self.text}".encode("utf-8", "surrogatepass")).hexdigest()
            self.id = f"{self.source}:{digest[:16]}"

    def record(self) -> dict[str, object]:
        record = {
            "id": self.id,
            "text": self.text,
            "source": self.source,
            "group": self.group,
            "kind": self.kind,
            "lang": self.lang,
            "origin": self.origin,
            "labels": self.labels,
            "use": self.use,
        }
        if self.span is not None:
            record["span"] = list(self.span)
        return record


def usable(rows: Iterable[Row]) -> list[Row]:
    """Drops what carries no text or no label, and what is not valid Unicode."""
    kept = []
    for row in rows:
        text = row.text.strip()
        if len(text) < 2 or not row.labels:
            continue
        try:
            text.encode("utf-8")
        except UnicodeEncodeError:
            continue
        if row.span is not None:
            gone = len(row.text) - len(row.text.lstrip())
            row.span = (max(0, row.span[0] - gone), min(len(text), row.span[1] - gone))
        row.text = text
        kept.append(row)
    return kept
