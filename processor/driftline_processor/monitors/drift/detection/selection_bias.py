"""Categories with a bin of their own were picked for being frequent in the training data, by chance a little too much.

Equally frequent categories have unequal counts; the rows of the luckiest are in bins of their own, and the rest looks
rarer than it is, by one or two points of share where hundreds are alike.
"""

from collections.abc import Sequence
from math import isqrt

import numpy as np

from driftline.sketch.arrays import FloatArray


def undo_selection(chunks: FloatArray, counts: Sequence[float], most: float) -> FloatArray:
    """Counts by chunk and bin with what the choice has taken from the last bin, that of all others, put back.

    The categories that occur at most r times are expected as often as those that occur 1 to r + 1 times did (Good 1953,
    of which the share of unseen ones, r = 0, is the best known): short by the rows of those that occur r + 1 times,
    taken as a mean over half a standard deviation of a count to both sides. counts: rows of every category; most: r, of
    the most frequent one without a bin.
    """
    listed = float(chunks[:, :-1].sum())
    if most <= 0.0 or listed <= 0.0:
        return chunks
    around = isqrt(int(most)) // 2
    rows = np.asarray(counts, float)
    near = np.abs(np.round(rows) - (round(most) + 1)) <= around
    taken = min(float(rows[near].sum()) / (2 * around + 1) / listed, 1.0)
    back = taken * chunks[:, :-1]
    return np.column_stack((chunks[:, :-1] - back, chunks[:, -1] + back.sum(axis=1)))
