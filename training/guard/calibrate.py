"""From scores of texts that the scoring model never saw to what the product needs: probabilities, thresholds, the cheap stage's gates.

All of it is chosen on sources that train (each scored by the fold that left it out) and never on the sets that only measure.
A text is judged by its windows: it has what any of them has.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from scipy.optimize import minimize

from rows import HEADS

ATTACKS = ("injection", "indirect")
# Of the harmless texts that the scoring models did not see, each source counting alike, the default thresholds flag this
# share. The source with most alarms is left aside: to a model that never saw its like one kind of text can look like an
# attack as a whole, and it would set the threshold alone; the model that ships has seen it.
FALSE_ALARMS = 0.01
MODERATION_FALSE_ALARMS = 0.02
# The cheap stage may call clean at most this share of the attacks that are found without it. It settles no moderation head: on
# sources left out it would drop most of what the encoder finds, and seven heads at once are clean to it too seldom to save time.
LOST = 0.01
NEVER = -1e3
# For injections it is stricter where it can be: it settles no more than this share of ordinary short prompts, which is enough for speed.
SETTLED = 0.65
ORDINARY = ("clinc", "banking77", "fuzzyai_benign", "self_instruct")


@dataclass
class Settings:
    """By head. `encoder`: a, b of p = sigmoid(a · logit + b)."""

    encoder: dict[str, tuple[float, float]] = field(default_factory=dict)
    encoder_lines: dict[str, float] = field(default_factory=dict)
    cheap_lines: dict[str, float] = field(default_factory=dict)
    clean: dict[str, float] = field(default_factory=dict)
    sure: dict[str, float | None] = field(default_factory=dict)


@dataclass
class Scores:
    """Logits of the encoder and of the cheap stage for each window [windows, heads], and whose window it is."""

    ids: np.ndarray
    owner: np.ndarray
    logits: np.ndarray
    cheap: np.ndarray

    def top(self, values: np.ndarray) -> np.ndarray:
        """The highest of each text's windows."""
        out = np.full((len(self.ids), *values.shape[1:]), -np.inf)
        np.maximum.at(out, self.owner, values)
        return out

    def first(self, values: np.ndarray) -> np.ndarray:
        """Which window is each text's highest."""
        order = np.lexsort((values, self.owner))
        return order[np.searchsorted(self.owner[order], np.arange(len(self.ids)), "right") - 1]


def read(path: Path) -> Scores:
    saved = np.load(path)
    return Scores(saved["ids"], saved["owner"], saved["logits"], saved["cheap"])


def join(parts: list[Scores]) -> Scores:
    starts = np.cumsum([0] + [len(part.ids) for part in parts])
    return Scores(
        np.concatenate([part.ids for part in parts]),
        np.concatenate([part.owner + start for part, start in zip(parts, starts)]),
        np.concatenate([part.logits for part in parts]),
        np.concatenate([part.cheap for part in parts]),
    )


def sigmoid(x: np.ndarray | float) -> np.ndarray:
    return 1 / (1 + np.exp(-np.clip(x, -30, 30)))


def source_weights(sources: np.ndarray, cap: int = 400) -> np.ndarray:
    """Each source weighs at most as much as `cap` rows."""
    names, counts = np.unique(sources, return_counts=True)
    share = {name: min(1.0, cap / count) for name, count in zip(names, counts)}
    return np.array([share[name] for name in sources])


def platt(features: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> list[float]:
    """Factors of the columns, then the constant, by weighted maximum likelihood with Platt's smoothed targets."""
    positive, negative = (weights * (labels == 1)).sum(), (weights * (labels == 0)).sum()
    target = np.where(labels == 1, (positive + 1) / (positive + 2), 1 / (negative + 2))
    columns = features.shape[1]

    def loss(x: np.ndarray) -> float:
        z = features @ x[:columns] + x[columns]
        return float((weights * (np.logaddexp(0, z) - target * z)).sum() / weights.sum())

    found = minimize(
        loss,
        np.array([1.0] + [0.2] * (columns - 1) + [0.0]),
        method="L-BFGS-B",
        bounds=[(0.05, 5)] + [(0, 5)] * (columns - 1) + [(-20, 20)],
    )
    return [float(v) for v in found.x]


def quantile(values: np.ndarray, weights: np.ndarray, q: float) -> float:
    order = np.argsort(values)
    reached = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(reached, q * reached[-1], side="left").clip(0, len(values) - 1)])


def line(values: np.ndarray, sources: np.ndarray, share: float) -> float:
    """The threshold that `share` of the values reach, without the source of which most do."""
    weights = source_weights(sources)
    rough = quantile(values, weights, 1 - share)
    names = [name for name in np.unique(sources) if (sources == name).sum() >= 100]
    if len(names) < 3:
        return rough
    worst = max(names, key=lambda name: float((values[sources == name] >= rough).mean()))
    rest = sources != worst
    return quantile(values[rest], weights[rest], 1 - share)


def settle(scores: Scores, targets: np.ndarray, sources: np.ndarray) -> Settings:
    """`targets` [texts, heads]. All rows that were held out count; for moderation, public ones alone where they are enough."""
    made = Settings()
    public_rows = np.array([not source.startswith("gen_") for source in sources])
    for index, head in enumerate(HEADS):
        known = targets[:, index] >= 0
        public = known & public_rows
        enough = (targets[public, index] == 1).sum() >= 40 and (targets[public, index] == 0).sum() >= 200
        use = public if enough and head not in ATTACKS else known
        labels, weights = targets[use, index], source_weights(sources[use])
        harmless = use & (targets[:, index] == 0)
        share = FALSE_ALARMS if head in ATTACKS else MODERATION_FALSE_ALARMS
        encoder, cheap = scores.logits[:, index], scores.cheap[:, index]
        picked = scores.first(encoder)
        of: Callable[[np.ndarray], float] = lambda z: line(scores.top(z)[harmless], sources[harmless], share)  # noqa: B023, E731

        a, b = platt(encoder[picked][use][:, None], labels, weights)
        made.encoder[head] = (a, b)
        made.encoder_lines[head] = float(sigmoid(of(a * encoder + b)))
        made.cheap_lines[head] = of(cheap)

        # Of the attacks found, how high the cheap stage puts the windows that give them away.
        given_away = scores.top(np.where(sigmoid(a * encoder + b) >= made.encoder_lines[head], cheap, -np.inf))
        caught = known & (targets[:, index] == 1) & np.isfinite(given_away)
        made.clean[head] = (
            quantile(given_away[caught], source_weights(sources[caught]), LOST) if head in ATTACKS and caught.any() else NEVER
        )
        ordinary = np.isin(sources, ORDINARY)
        if head == "injection" and ordinary.any():
            enough_for_speed = quantile(scores.top(cheap)[ordinary], source_weights(sources[ordinary]), SETTLED)
            made.clean[head] = min(made.clean[head], enough_for_speed)
        # Nothing is surely an attack to the cheap stage: on kinds of text that it never saw it is wrong at any height.
        made.sure[head] = None
    return made
