"""ROC AUC and PR AUC of scores: do positive rows have the higher ones?"""

from math import sqrt
from typing import NamedTuple

import numpy as np

from driftline.sketch.arrays import BoolArray, FloatArray
from driftline_processor.performance.intervals import kish_size, logit_interval, newcombe, wider
from driftline_processor.performance.measured import Measured, Metric
from driftline_processor.performance.sufficiency import too_few_labels, too_few_of_class


class _Side(NamedTuple):
    """Weights of the positive or the negative rows. by_score, squares: Σw and Σw² at each score, ascending."""

    by_score: FloatArray
    squares: FloatArray

    @property
    def size(self) -> float:
        return kish_size(float(self.by_score.sum()), float(self.squares.sum()))


def ranking(
    positive: BoolArray, scores: FloatArray, weights: FloatArray, classes: tuple[str, str]
) -> dict[str, Metric]:
    """Both areas.

    Args:
        positive: Whether the label is the positive class, [rows].
        scores: Finite, [rows].
        weights: Over 0, [rows].
        classes: Names of the negative and of the positive class.

    """
    positives = int(np.count_nonzero(positive))
    few = (
        too_few_labels(len(positive))
        or too_few_of_class(positives, "labels", classes[1])
        or too_few_of_class(len(positive) - positives, "labels", classes[0])
    )
    if few:
        return {"roc_auc": few, "pr_auc": few}
    distinct, at = np.unique(scores, return_inverse=True)
    p, q = (
        _Side(*(np.bincount(at[side], weights[side] ** power, len(distinct)).astype(np.float64) for power in (1, 2)))
        for side in (positive, ~positive)
    )
    return {"roc_auc": _roc_auc(p, q), "pr_auc": _pr_auc(p, q, positives)}


def _roc_auc(p: _Side, q: _Side) -> Measured:
    """P(score of a positive row > of a negative one) + half of the ties.

    The interval is the wider of Newcombe's and of logit ± DeLong's error: either alone fails somewhere.
    """
    positives, negatives = p.by_score.sum(), q.by_score.sum()
    below = (np.cumsum(q.by_score) - q.by_score / 2.0) / negatives
    above = (positives - np.cumsum(p.by_score) + p.by_score / 2.0) / positives
    area = min(float(p.by_score @ below / positives), 1.0)
    error = sqrt(
        float(p.squares @ (below - area) ** 2) / positives**2 + float(q.squares @ (above - area) ** 2) / negatives**2
    )
    return wider(newcombe(area, p.size, q.size), logit_interval(area, error, p.size + q.size))


def _pr_auc(p: _Side, q: _Side, positives: int) -> Measured:
    """Average precision, Σ (R_k − R_{k−1}) P_k; logit interval of Boyd, Eng and Page 2013, ECML."""
    hits, rows = (np.cumsum(each[::-1]) for each in (p.by_score, p.by_score + q.by_score))
    precision = np.divide(hits, rows, out=np.zeros_like(hits), where=rows > 0.0)
    area = min(float(p.by_score[::-1] @ precision / hits[-1]), 1.0)
    near = 0.25 / positives
    inner = min(max(area, near), 1.0 - near)
    return logit_interval(area, sqrt(inner * (1.0 - inner) / p.size), positives)
