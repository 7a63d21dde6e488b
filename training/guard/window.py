"""Windows over long text, as `src/guard/model/windows.ts` cuts them: 1,000 units wide, 750 apart, the ends moved outwards to white space.

Positions count code points here and UTF-16 units in the product; the two differ only where pairs are frequent.
"""

from __future__ import annotations

WINDOW = 1000
STRIDE = 750
SLACK = 40
SPACES = frozenset(" \t\n\v\f\r\u00a0\u3000")


def windows(text: str) -> list[str]:
    """The parts of a text that are judged each by itself; the whole text when it is hardly longer than one."""
    parts = []
    at = 0
    while True:
        last = at + WINDOW + SLACK >= len(text)
        parts.append(text[start_near(text, at) if at else 0 : len(text) if last else end_near(text, at + WINDOW)])
        if last:
            return parts
        at += STRIDE


def start_near(text: str, at: int) -> int:
    return next((start for start in range(at, at - SLACK, -1) if text[start - 1] in SPACES), at)


def end_near(text: str, at: int) -> int:
    return next((end for end in range(at, min(len(text), at + SLACK)) if text[end] in SPACES), at)


def parts(ids: list[int], most: int, shared: int = 48) -> list[list[int]]:
    """Parts of at most `most` tokens, of about one size, each sharing `shared` with the next (`tokenizer.ts`: chunks)."""
    if len(ids) <= most:
        return [ids]
    count = -(-(len(ids) - shared) // (most - shared))
    step = (len(ids) - shared) / count
    return [ids[int(part * step) : int((part + 1) * step) + shared] for part in range(count)]
