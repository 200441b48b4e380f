"""What a sum of squares of correlated scores does by chance, as the chunks of the training data show it.

Scores with the correlation C have a sum of squares of mean tr C and variance 2 tr C². Three moments fix its upper tail
(Hall 1983; Buckley and Eagleson 1988). The traces of the powers of C come from the chunks themselves: the square of the
product of two independent score vectors is tr C² on average, the cyclic product of three tr C³, and so they hold what
columns do together by nature as well as how rows are correlated.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import chdtri, fdtri

from driftline.sketch.arrays import FloatArray

KNOWN_FROM = 1e5
"""Degrees of freedom from which a scale is taken as known."""


class Traces(NamedTuple):
    """Of C, C² and C³, where C has ones on its diagonal: so many columns as `first`."""

    first: float
    second: float
    third: float

    @classmethod
    def of(cls, scores: FloatArray) -> "Traces":
        """From the scores of independent blocks of rows, [blocks, columns]: unbiased, within what is possible."""
        blocks, columns = scores.shape
        gram = scores @ scores.T
        np.fill_diagonal(gram, 0.0)
        pairs, triples = blocks * (blocks - 1.0), blocks * (blocks - 1.0) * (blocks - 2.0)
        second = float((gram**2).sum()) / pairs
        third = float(((gram @ gram) * gram).sum()) / triples
        return cls.within(columns, second, third)

    @classmethod
    def within(cls, columns: float, second: float, third: float) -> "Traces":
        """Of k columns: tr C² from k to k², and tr C³ between what equal and what one large eigenvalue makes of it."""
        second = min(max(second, columns), columns**2)
        return cls(columns, second, min(max(third, second**2 / columns), second**1.5))


def critical_sum(alpha: float, traces: Traces, degrees: float) -> float:
    """What a sum of squares exceeds with probability `alpha` by chance; degrees: of the scale of one direction."""
    mean, variance, third = traces.first, 2.0 * traces.second, 8.0 * traces.third
    freedom = 8.0 * variance**3 / third**2
    total = freedom * degrees
    quantile = chdtri(freedom, alpha) if total > KNOWN_FROM else freedom * fdtri(freedom, total, 1.0 - alpha)
    return float(mean + np.sqrt(variance / (2.0 * freedom)) * (quantile - freedom))
