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

# Of the harmless texts of sources that train, each source counting alike, the default thresholds flag at most this share,
FALSE_ALARMS = {"injection": 0.01, "indirect": 0.01}
MODERATION_FALSE_ALARMS = 0.02
# and of each single public source with a hundred of them at most this.
OF_ONE_SOURCE = {"injection": 0.04, "indirect": 0.04}
MODERATION_OF_ONE_SOURCE = 0.08
# The cheap stage may call clean at most this share of the attacks that are found without it.
LOST = 0.01


@dataclass
class Settings:
    """By head. `encoder`: a, b of p = sigmoid(a · logit + b); `blend`: a, c, b with the cheap stage's logit times c added."""

    encoder: dict[str, tuple[float, float]] = field(default_factory=dict)
    encoder_lines: dict[str, float] = field(default_factory=dict)
    blend: dict[str, tuple[float, float, float]] = field(default_factory=dict)
    blend_lines: dict[str, float] = field(default_factory=dict)
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


def line(values: np.ndarray, sources: np.ndarray, weights: np.ndarray, together: float, single: float) -> float:
    """The lowest line with few enough false alarms, of all harmless texts together and of each public source alone."""
    lines = [quantile(values, weights, 1 - together)]
    for source in np.unique(sources):
        mine = values[sources == source]
        if len(mine) >= 100 and not source.startswith("gen_"):
            lines.append(float(np.quantile(mine, 1 - single)))
    return max(lines)


def settle(scores: Scores, targets: np.ndarray, sources: np.ndarray) -> Settings:
    """`targets` [texts, heads]. Where a head has too few public rows, the held-out generated rows stand in."""
    made = Settings()
    public_rows = np.array([not source.startswith("gen_") for source in sources])
    for index, head in enumerate(HEADS):
        known = targets[:, index] >= 0
        public = known & public_rows
        enough = (targets[public, index] == 1).sum() >= 40 and (targets[public, index] == 0).sum() >= 200
        use = public if enough else known
        labels, weights = targets[use, index], source_weights(sources[use])
        clean_rows = labels == 0
        together, single = FALSE_ALARMS.get(head, MODERATION_FALSE_ALARMS), OF_ONE_SOURCE.get(head, MODERATION_OF_ONE_SOURCE)
        encoder, cheap = scores.logits[:, index], scores.cheap[:, index]
        picked = scores.first(encoder)
        of: Callable[[np.ndarray], float] = lambda z: line(
            scores.top(z)[use][clean_rows], sources[use][clean_rows], weights[clean_rows], together, single
        )  # noqa: B023, E731

        a, b = platt(encoder[picked][use][:, None], labels, weights)
        made.encoder[head] = (a, b)
        made.encoder_lines[head] = float(sigmoid(of(a * encoder + b)))
        a, c, b = platt(np.stack([encoder[picked], cheap[picked]], 1)[use], labels, weights)
        made.blend[head] = (a, c, b)
        z = a * encoder + c * cheap + b
        made.blend_lines[head] = float(sigmoid(of(z)))
        made.cheap_lines[head] = of(cheap)

        # Of the attacks found, how high the cheap stage puts the windows that give them away.
        given_away = scores.top(np.where(sigmoid(z) >= made.blend_lines[head], cheap, -np.inf))
        caught = known & (targets[:, index] == 1) & np.isfinite(given_away)
        made.clean[head] = quantile(given_away[caught], source_weights(sources[caught]), LOST) if caught.sum() >= 20 else -1e3
        # Sure: above every harmless text of sources that it did not see.
        harmless = scores.top(cheap)[known & (targets[:, index] == 0)]
        made.sure[head] = float(harmless.max() + 1.0) if len(harmless) >= 500 else None
    return made
