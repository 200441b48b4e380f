"""How sure it is that outcomes changed, and by how much."""

from typing import NamedTuple

import numpy as np
from scipy.special import xlogy
from scipy.stats import t as student

from driftline.sketch.arrays import FloatArray


class Evidence(NamedTuple):
    """Of one event in one stretch.

    ratio: over what is needed; beyond 1 it is no chance. moved, low, high: by how much, and its bounds. before, after:
    what it was expected to be, and is.
    """

    ratio: float
    moved: float
    low: float
    high: float
    before: float
    after: float

    def score(self, material: float) -> float:
        """Beyond 1: no chance, and more than what is material."""
        return self.ratio if self.low > material else min(self.ratio, max(self.low, 0.0) / material)

    def if_higher(self) -> "Evidence":
        """The same; none where what is found is less than expected."""
        return self if self.after > self.before else Evidence(0.0, 0.0, 0.0, 0.0, self.before, self.after)


def critical_value(alpha: float, degrees: float) -> float:
    """What |t| exceeds with probability `alpha`."""
    return float(student.isf(alpha / 2.0, degrees))


def signed_root(x: FloatArray, n: FloatArray, X: FloatArray, N: FloatArray) -> FloatArray:
    """√(2 G) of the tables (x of n; X of N), x half a row nearer to what is expected (Yates 1934)."""
    share = (x + X) / (n + N)
    expected = n * share
    x = np.clip(np.where(x > expected, np.maximum(x - 0.5, expected), np.minimum(x + 0.5, expected)), 0.0, n)
    X = np.clip(share * (n + N) - x, 0.0, N)
    share = np.clip(share, 1e-300, 1.0 - 1e-16)
    q, p = x / n, X / N
    now = xlogy(x, q / share) + xlogy(n - x, (1.0 - q) / (1.0 - share))
    before = xlogy(X, p / share) + xlogy(N - X, (1.0 - p) / (1.0 - share))
    return np.asarray(np.sqrt(np.maximum(2.0 * (now + before), 0.0)))
