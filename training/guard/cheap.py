"""The cheap stage: one linear model over hashed n-grams (`features`), a row for each head, stored as int8.

Logistic regression by L-BFGS over all heads at once; a label that is absent adds nothing, each source weighs at most as
much as `cap` rows, and in each head the attacks together weigh as much as the rest.

File: little-endian; uint32 magic "HFG1", buckets, heads; for each head float32 bias and scale; then int8 weights
[bucket][head]. logit = bias + scale · sum(weights of the text's buckets) / sqrt(number of buckets).
"""

from __future__ import annotations

import struct
from collections import Counter
from pathlib import Path

import numpy as np
from scipy.optimize import minimize
from scipy.sparse import csr_matrix

import features
from rows import ABSENT, HEADS

MAGIC = 0x48464731


class Cheap:
    def __init__(self, bias: np.ndarray, scale: np.ndarray, table: np.ndarray) -> None:
        self.bias, self.scale, self.table = bias, scale, table

    def logits(self, found: np.ndarray) -> np.ndarray:
        """The logits of one text from its buckets. A text without any has the bias alone."""
        sums = self.table[found].astype(np.int32).sum(0)
        return self.bias + self.scale * sums / np.sqrt(max(len(found), 1))

    def score(self, x: csr_matrix) -> np.ndarray:
        """The same for the rows of a matrix of length-one vectors."""
        return np.asarray(x @ (self.table * self.scale)) + self.bias

    def write(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        head = struct.pack("<3I", MAGIC, features.BUCKETS, len(HEADS))
        pairs = np.stack([self.bias, self.scale], 1).astype("<f4").tobytes()
        path.write_bytes(head + pairs + self.table.astype(np.int8).tobytes())


def read(path: Path) -> Cheap:
    raw = path.read_bytes()
    magic, buckets, heads = struct.unpack_from("<3I", raw)
    if magic != MAGIC or buckets != features.BUCKETS or heads != len(HEADS):
        raise ValueError(f"{path} is not a model of the cheap stage")
    pairs = np.frombuffer(raw, "<f4", 2 * heads, 12).reshape(heads, 2)
    return Cheap(
        pairs[:, 0].copy(), pairs[:, 1].copy(), np.frombuffer(raw, np.int8, buckets * heads, 12 + 8 * heads).reshape(buckets, heads)
    )


def vectors(texts: list[str]) -> csr_matrix:
    columns, ends = features.matrix(texts)
    counts = np.diff(ends)
    values = np.repeat(1 / np.sqrt(np.maximum(counts, 1)), counts).astype(np.float32)
    return csr_matrix((values, columns, ends), shape=(len(texts), features.BUCKETS))


def weights(sources: list[str], targets: np.ndarray, cap: int) -> np.ndarray:
    """[rows, heads]: nought where the label is absent."""
    sizes = Counter(sources)
    share = np.array([min(1.0, cap / sizes[source]) for source in sources])
    known = (targets != ABSENT) * share[:, None]
    for head in range(targets.shape[1]):
        attacks, others = known[targets[:, head] == 1, head].sum(), known[targets[:, head] == 0, head].sum()
        if attacks and others:
            known[targets[:, head] == 1, head] *= (attacks + others) / (2 * attacks)
            known[targets[:, head] == 0, head] *= (attacks + others) / (2 * others)
    return known / np.maximum(known.sum(0), 1)


def fit(x: csr_matrix, targets: np.ndarray, sources: list[str], *, cap: int = 1500, penalty: float = 1e-4, steps: int = 40) -> Cheap:
    weight = weights(sources, targets, cap).astype(np.float32)
    sign = np.where(targets == 1, 1.0, -1.0).astype(np.float32)
    heads = targets.shape[1]
    back = x.T.tocsr()

    def objective(flat: np.ndarray) -> tuple[float, np.ndarray]:
        w = flat.reshape(-1, heads).astype(np.float32)
        margin = sign * (x @ w[:-1] + w[-1])
        loss = (weight * np.logaddexp(0, -margin)).sum() + penalty / 2 * (w[:-1] ** 2).sum()
        slope = -sign * weight / (1 + np.exp(np.minimum(margin, 30)))
        grad = np.concatenate([back @ slope + penalty * w[:-1], slope.sum(0, keepdims=True)])
        return float(loss), grad.ravel().astype(np.float64)

    found = minimize(
        objective, np.zeros((features.BUCKETS + 1) * heads), jac=True, method="L-BFGS-B", options={"maxiter": steps, "maxcor": 6}
    )
    w = found.x.reshape(-1, heads)
    scale = np.maximum(np.abs(w[:-1]).max(0), 1e-9) / 127
    return Cheap(w[-1].astype(np.float32), scale.astype(np.float32), np.rint(w[:-1] / scale).astype(np.int8))
