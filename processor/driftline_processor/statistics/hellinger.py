"""Hellinger distance. Source: Hellinger 1909; Le Cam and Yang, Asymptotics in Statistics (2000)."""

import numpy as np

from driftline_processor.statistics.view import ANY_KIND, Statistic, View


def hellinger(view: View) -> float | None:
    """Root of 1/2 sum (sqrt p - sqrt q)²: finite with empty cells, so nothing is smoothed."""
    if view.empty:
        return None
    return float(np.sqrt(min(0.5 * ((np.sqrt(view.p) - np.sqrt(view.q)) ** 2).sum(), 1.0)))


HELLINGER = Statistic(
    name="hellinger",
    title="Hellinger distance",
    kinds=ANY_KIND,
    description="Euclidean distance of the roots of the shares, over cells or categories",
    reading="0 equal, 1 disjoint. Rare values count for more than in L-infinity",
    compute=hellinger,
)
