"""Changes to a text while training, so that the classifier leans on what it says and not on how it is typed.

    augment = Augmenter(benign_prompts, clean_documents)
    text, labels = augment(random.Random(step), row["text"], row["labels"], row["origin"], row.get("span"))

A change never makes a label false. Where it could (a window that may have lost the attack), the label is dropped, which is
"unknown", or turned to 0 when the span of the attack is known and outside the window.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence

# The product judges windows of this many UTF-16 units; code points are close enough to train on.
WINDOW = 1000

POLITE_BEFORE = ("Please, ", "Hi, ", "Hello! ", "Could you help me? ", "Quick question: ", "Good morning. ", "Hey there, ", "Thanks in advance. ", "Sorry to bother you. ", "ok so ", "Dear team,\n")
POLITE_AFTER = (" Thanks!", " Thank you.", " please", " Thanks in advance.", " :)", " Much appreciated.", " Cheers", "!!", " ...", "\n\nBest regards", " Bye", " ?")

_LETTERS = re.compile(r"[^\W\d_]{4,}")
_MARKS = re.compile(r"[.,;:!?'\"«»“”„()]")


class Augmenter:
    def __init__(self, prompts: Sequence[str], documents: Sequence[str], rate: float = 0.5, window: int = WINDOW) -> None:
        self.prompts = prompts
        self.documents = documents
        self.rate = rate
        self.window = window

    def __call__(self, rng: random.Random, text: str, labels: Mapping[str, int], origin: str, span: Sequence[int] | None = None) -> tuple[str, dict[str, int]]:
        known = dict(labels)
        if len(text) > self.window:
            text, known = cut(rng, text, known, span, self.window)
        if rng.random() >= self.rate:
            return text, known
        for change, chance in ((typos, 0.2), (case, 0.25), (marks, 0.15), (spaces, 0.1)):
            if rng.random() < chance:
                text = change(rng, text)
        if origin == "user" and rng.random() < 0.2:
            text = polite(rng, text)
        if rng.random() < 0.2:
            text = self.beside(rng, text, known, origin)
        return text[: self.window * 2], known

    def beside(self, rng: random.Random, text: str, labels: Mapping[str, int], origin: str) -> str:
        """With a harmless neighbour. A prompt in a document would be an instruction, so documents only get documents."""
        pool = self.prompts if origin == "user" else self.documents
        if not pool:
            return text
        room = max(0, self.window - len(text) - 2)
        other = rng.choice(pool)[:room].strip()
        if not other:
            return text
        join = rng.choice((" ", "\n", "\n\n"))
        return f"{other}{join}{text}" if rng.random() < 0.5 else f"{text}{join}{other}"


def cut(rng: random.Random, text: str, labels: dict[str, int], span: Sequence[int] | None, width: int) -> tuple[str, dict[str, int]]:
    """One window of a long text, with the labels that still hold in it."""
    start = rng.randrange(0, len(text) - width + 1)
    space = text.rfind(" ", start, start + 40)
    start = space + 1 if space >= 0 else start
    piece, end = text[start : start + width], start + width
    attacks = [head for head in ("injection", "indirect") if labels.get(head) == 1]
    if attacks and span is None:
        # Jailbreaks say at their start what they are; a later part may be anything.
        piece, start, end = text[:width], 0, width
    kept = dict(labels)
    if span is not None and attacks:
        held = max(0, min(end, span[1]) - max(start, span[0]))
        for head in attacks:
            if held == 0:
                kept[head] = 0
            elif held < 0.8 * (span[1] - span[0]):
                del kept[head]
    for head, value in labels.items():
        # What is hateful, say, may stand in the part that was cut off.
        if value == 1 and head not in attacks:
            kept.pop(head, None)
    return piece.strip(), kept


def typos(rng: random.Random, text: str) -> str:
    """Swaps, drops or doubles a letter in some of the longer words, never the first letter."""
    part = rng.uniform(0.03, 0.15)

    def change(match: re.Match[str]) -> str:
        word = match.group()
        if rng.random() >= part:
            return word
        at = rng.randrange(1, len(word) - 1)
        kind = rng.randrange(3)
        if kind == 0:
            return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
        return word[:at] + word[at + 1 :] if kind == 1 else word[:at] + word[at] + word[at:]

    return _LETTERS.sub(change, text)


def case(rng: random.Random, text: str) -> str:
    kind = rng.randrange(4)
    if kind == 0:
        return text.upper()
    if kind == 1:
        return text.title()
    if kind == 2:
        return "".join(char.upper() if rng.random() < 0.1 else char for char in text)
    return text.lower()


def marks(rng: random.Random, text: str) -> str:
    """Loses punctuation: all of it, or half."""
    part = rng.choice((1.0, 0.5))
    return _MARKS.sub(lambda match: "" if rng.random() < part else match.group(), text)


def spaces(rng: random.Random, text: str) -> str:
    kind = rng.randrange(3)
    if kind == 0:
        return re.sub(r"\s+", " ", text)
    if kind == 1:
        return text.replace(" ", "  ")
    return re.sub(r"([.!?]) ", r"\1\n", text)


def polite(rng: random.Random, text: str) -> str:
    return rng.choice(POLITE_BEFORE) + text if rng.random() < 0.5 else text + rng.choice(POLITE_AFTER)
