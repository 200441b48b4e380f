"""Inputs that go together in the training data, whatever their names: clusters by rank correlation."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from driftline.profiling.clock_columns import ranks
from driftline.sketch.arrays import FloatArray

FEWEST: Final = 8
"""Columns of a cluster: of fewer, each can be read by itself."""

CORRELATED: Final = 0.5
"""Mean absolute rank correlation between two clusters from which on they are one."""

FEWEST_ROWS: Final = 100
"""Rows: of fewer, columns are correlated by chance."""

MOST_COLUMNS: Final = 1024
"""In tables with more inputs none are looked for: time grows with their square, and more."""


def correlated_columns(sample: Mapping[str, FloatArray]) -> dict[str, str]:
    """The clusters of columns that go together, by column, each called after its first column; others are in none.

    Average linkage (Sokal and Michener 1958), so that a chain of neighbours is no cluster.

    Args:
        sample: Rows of each column, [rows] each, NaN where missing.

    """
    names = list(sample)
    if not FEWEST <= len(names) <= MOST_COLUMNS or len(sample[names[0]]) < FEWEST_ROWS:
        return {}
    clusters = [sorted(each) for each in _linked(_rank_correlation([*sample.values()])) if len(each) >= FEWEST]
    return {names[i]: names[cluster[0]] for cluster in clusters for i in cluster}


def _rank_correlation(columns: list[FloatArray]) -> FloatArray:
    """Spearman's, absolute, [columns, columns]; 0 of a constant. What is missing has the mean rank."""
    scores = np.zeros((len(columns), len(columns[0])))
    for score, x in zip(scores, columns, strict=True):
        known = np.isfinite(x)
        if known.any():
            score[known] = ranks(x[known])
            score[known] -= score[known].mean()
    length = np.sqrt((scores**2).sum(axis=1, keepdims=True))
    scores /= np.where(length > 0.0, length, 1.0)
    return np.asarray(np.abs(scores @ scores.T))


def _linked(similarity: FloatArray) -> list[list[int]]:
    """Clusters of columns, merged while the nearest two are CORRELATED."""
    near, clusters = similarity.copy(), {i: [i] for i in range(len(similarity))}
    np.fill_diagonal(near, -1.0)
    while True:
        i, j = divmod(int(near.argmax()), len(near))
        if near[i, j] < CORRELATED:
            return list(clusters.values())
        mine, others = len(clusters[i]), len(clusters[j])
        merged = (mine * near[i] + others * near[j]) / (mine + others)
        clusters[i] += clusters.pop(j)
        near[i], near[:, i] = merged, merged
        near[j], near[:, j], near[i, i] = -1.0, -1.0, -1.0
