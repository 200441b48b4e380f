"""Evidence against chance: the signed-root likelihood ratio of a 2x2 table, and the critical values it has to pass."""

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri, stdtrit, xlogy

from driftline.sketch.arrays import FloatArray

NORMAL_FROM = 1e5
"""Degrees of freedom from which Student's t is taken as normal."""


def signed_root(x: FloatArray, n: ArrayLike, X: FloatArray, N: ArrayLike) -> FloatArray:
    """sqrt(2 G) of the tables (x of n; X of N), about |z| of a standard normal where both shares are equal.

    x moves half a row toward its expectation first, which keeps the far tail right at counts of 0 to 5, where the
    usual z is wrong either way. Sources: Barndorff-Nielsen 1986 (signed root), Yates 1934 (the half row).
    """
    n, N = np.asarray(n, float), np.asarray(N, float)
    total = (x + X) / (n + N)
    expected = n * total
    x = np.where(x > expected, np.maximum(x - 0.5, expected), np.minimum(x + 0.5, expected))
    x = np.minimum(np.maximum(x, 0.0), n)
    rest = np.minimum(np.maximum(total * (n + N) - x, 0.0), N)
    q = x / n
    p = np.minimum(rest / N, 1.0)  # float sums push a share a hair above 1, and a NaN would silently mean "no alarm"
    total = np.minimum(np.maximum(total, 1e-300), 1.0 - 1e-16)
    others = 1.0 - total
    window = xlogy(x, q / total) + xlogy(n - x, (1.0 - q) / others)
    reference = xlogy(rest, p / total) + xlogy(N - rest, (1.0 - p) / others)
    return np.asarray(np.sqrt(np.maximum(2.0 * (window + reference), 0.0)))


def critical_value(alpha: ArrayLike, degrees: ArrayLike) -> FloatArray:
    """What |t| exceeds with probability `alpha`: Student's t, as the width that it is divided by was estimated too."""
    half, df = np.asarray(alpha, float) / 2.0, np.asarray(degrees, float)
    known = df > NORMAL_FROM
    return np.asarray(-np.where(known, ndtri(half), stdtrit(np.where(known, 1.0, df), half)))
