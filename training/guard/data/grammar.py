r"""A small template language, the base of every generated row.

``[a|b|]`` picks one alternative (they nest, an empty one is nothing), ``{name}`` picks from the slot of that name and
expands what it picked, a backslash before one of ``[]{}()|`` makes it stand for itself. The same random source gives the same text.

>>> Grammar({"who": ["Ann", "Bo"]}).expand(random.Random(1), "[Hi|Hello] {who}")
'Hi Bo'
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence

_SPECIAL = "[]{}()|\\"


class Grammar:
    def __init__(self, slots: Mapping[str, Sequence[str]]) -> None:
        self.slots = slots

    def pick(self, rng: random.Random, name: str) -> str:
        return self.expand(rng, rng.choice(self.slots[name]))

    def expand(self, rng: random.Random, template: str) -> str:
        text, end = self._sequence(rng, template, 0, top=True)
        if end != len(template):
            raise ValueError(f"unbalanced template: {template[:80]!r}")
        return text

    def _sequence(self, rng: random.Random, template: str, at: int, top: bool) -> tuple[str, int]:
        out: list[str] = []
        while at < len(template):
            char = template[at]
            if char == "\\" and at + 1 < len(template) and template[at + 1] in _SPECIAL:
                out.append(template[at + 1])
                at += 2
            elif char == "{":
                close = template.index("}", at)
                out.append(self.pick(rng, template[at + 1 : close]))
                at = close + 1
            elif char == "[":
                options = self._options(template, at + 1)
                start, stop = rng.choice(options[:-1])
                out.append(self.expand(rng, template[start:stop]))
                at = options[-1][1] + 1
            elif char in "|]" and not top:
                break
            else:
                out.append(char)
                at += 1
        return "".join(out), at

    def _options(self, template: str, at: int) -> list[tuple[int, int]]:
        """The spans of the alternatives that start at `at`; the last span is the closing bracket."""
        spans, depth, start = [], 0, at
        while at < len(template):
            char = template[at]
            if char == "\\":
                at += 2
                continue
            if char == "[":
                depth += 1
            elif char == "]" and depth == 0:
                spans += [(start, at), (at, at)]
                return spans
            elif char == "]":
                depth -= 1
            elif char == "|" and depth == 0:
                spans.append((start, at))
                start = at + 1
            at += 1
        raise ValueError(f"unclosed alternative: {template[:80]!r}")


def sentence(text: str) -> str:
    """First letter up, no doubled or misplaced spaces: what a template with empty alternatives needs after it."""
    text = re.sub(r" {2,}", " ", text)
    text = re.sub(r" +([.,!?;:])(?=\s|$)", r"\1", text).strip()
    return text[:1].upper() + text[1:]
