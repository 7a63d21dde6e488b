"""Figures with intervals: the area under the curve, rates at a threshold, the hit rate at one false alarm in a hundred."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

RESAMPLES = 1000
Figure = dict[str, float | int | None]


def area(positive: np.ndarray, negative: np.ndarray) -> float:
    ordered = np.sort(negative)
    below, up_to = np.searchsorted(ordered, positive, "left"), np.searchsorted(ordered, positive, "right")
    return float((below + up_to).mean() / 2 / len(negative))


def hits_at(positive: np.ndarray, negative: np.ndarray, alarms: float = 0.01) -> float:
    """The share of attacks above the threshold that at most `alarms` of the others are above."""
    line = np.sort(negative)[::-1][int(np.floor(alarms * len(negative)))]
    return float((positive > line).mean())


def rate(flags: np.ndarray, seed: int = 1) -> Figure:
    """A share. Resampling yes and no is drawing from the binomial."""
    n = len(flags)
    if not n:
        return {"value": None, "low": None, "high": None, "n": 0}
    share = float(np.mean(flags))
    low, high = np.percentile(np.random.default_rng(seed).binomial(n, share, RESAMPLES) / n, [2.5, 97.5])
    return {"value": round(share, 4), "low": round(float(low), 4), "high": round(float(high), 4), "n": n}


def compare(measure: Callable[[np.ndarray, np.ndarray], float], positive: np.ndarray, negative: np.ndarray, seed: int = 1) -> Figure:
    return interval(measure, positive, negative, seed)


def interval(measure: Callable[[np.ndarray, np.ndarray], float], a: np.ndarray, b: np.ndarray, seed: int) -> Figure:
    """The figure with the middle 95 % of `RESAMPLES` bootstrap resamples, of both sides apart."""
    if not len(a) or not len(b):
        return {"value": None, "low": None, "high": None, "n": len(a)}
    rng = np.random.default_rng(seed)
    drawn = [measure(a[rng.integers(0, len(a), len(a))], b[rng.integers(0, len(b), len(b))]) for _ in range(RESAMPLES)]
    low, high = np.percentile(drawn, [2.5, 97.5])
    return {"value": round(measure(a, b), 4), "low": round(float(low), 4), "high": round(float(high), 4), "n": len(a)}


def shown(figure: Figure) -> str:
    if figure["value"] is None:
        return "-"
    return f"{figure['value']:.3f} ({figure['low']:.3f} to {figure['high']:.3f})"
