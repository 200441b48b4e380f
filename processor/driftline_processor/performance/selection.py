"""Are labelled rows a random sample of all? Their scores tell, where labels go with the score or with the class."""

from typing import Final

import numpy as np
from scipy.special import xlogy
from scipy.stats import norm

from driftline.sketch.arrays import FloatArray

LEVEL: Final = 0.01
"""Of random samples, so many are taken for none."""


def differs(labelled: FloatArray, rows: FloatArray) -> bool:
    """Whether labelled rows have other scores than the rest, beyond chance.

    The likelihood ratio of each prefix of the cells, with Bonferroni's correction.

    Args:
        labelled: Rows with a label by cell of the score, [cells].
        rows: All rows, likewise.

    """
    rest = np.maximum(rows - labelled, 0.0)
    if len(rows) < 2 or labelled.sum() <= 0.0 or rest.sum() <= 0.0:
        return False
    below, others = np.cumsum(labelled)[:-1], np.cumsum(rest)[:-1]
    found = _ratio(below, float(labelled.sum()), others, float(rest.sum()))
    return bool(found.max() > norm.isf(LEVEL / 2.0 / len(below)) ** 2)


def _ratio(x: FloatArray, n: float, y: FloatArray, m: float) -> FloatArray:
    """2 G of the tables (x of n; y of m)."""
    share = np.clip((x + y) / (n + m), 1e-300, 1.0 - 1e-16)
    p, q = x / n, y / m
    first = xlogy(x, p / share) + xlogy(n - x, (1.0 - p) / (1.0 - share))
    second = xlogy(y, q / share) + xlogy(m - y, (1.0 - q) / (1.0 - share))
    return np.asarray(2.0 * (first + second))


FEWEST_IN_STRATUM: Final = 5
"""Labels: of fewer, neighbouring cells are taken together."""


def stratum_weights(labelled: FloatArray, rows: FloatArray, told: FloatArray) -> FloatArray:
    """What a labelled row of each cell stands for: rows over labels of its stratum, neighbouring cells of one side.

    It repairs a selection by the score, and none by the class.

    Args:
        labelled: Rows with a label by cell of the score, [cells].
        rows: All rows, likewise.
        told: The class that is predicted in each cell: no stratum has two, [cells].

    """
    starts = [0]
    for cell in range(1, len(rows)):
        enough = labelled[starts[-1] : cell].sum() >= FEWEST_IN_STRATUM
        rest = labelled[cell:][told[cell:] == told[cell]].sum() >= FEWEST_IN_STRATUM
        if told[cell] != told[cell - 1] or (enough and rest):
            starts.append(cell)
    stratum = np.searchsorted(starts, np.arange(len(rows)), "right") - 1
    of, by = (np.bincount(stratum, each) for each in (rows, labelled))
    factor: FloatArray = np.where(by > 0.0, of / np.maximum(by, 1.0), 1.0)[stratum]
    return factor
