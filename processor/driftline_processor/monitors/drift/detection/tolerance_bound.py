"""A tolerance that holds: what an alarm has surely moved by, whichever event, horizon and hour chance has picked.

A 95% bound holds for one event in one window. An alarm is raised of the event and the horizon in which chance was
largest, out of thousands in a month, and its bound has to hold for that one: at the level of the false-alarm budget. At
that level the null hypothesis is a move by KEPT of the tolerance, as in tests of equivalence (Wellek 2010), so that the
bound exceeds the tolerance exactly where that null is rejected. Between KEPT and the whole tolerance 95% is promised.

It is split over columns, horizons and evaluations (Bonferroni), not over all events of a column: at a real move few of
them are near the largest one.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from driftline.sketch.arrays import FloatArray
from driftline_processor.monitors.drift.detection.significance import critical_value

KEPT: Final = 0.8
"""Of a tolerance: moves by so much raise no more alarms than the budget allows."""

AT_ONCE: Final = 3.0
"""Events of a column that are as far as KEPT at once, about: of 67 sets of a normal column that has shifted."""


SPENT: Final[Mapping[int, float]] = {1: 0.4, 2: 3.0, 4: 1.1, 8: 0.8, 16: 0.4, 32: 0.3}
"""How many times its even part of the false alarms a horizon of so many windows spends on moves by KEPT.

Most of it goes to where it finds most: 1,000 rows, as an hour of many services has, tell twice the tolerance from
KEPT in half of the windows at best, 2,000 in nearly all, and what is more shows in the first window anyhow.
"""


def critical_bound(alpha: ArrayLike, degrees: ArrayLike, events: float = 1.0) -> FloatArray:
    """What z, against a move by KEPT, exceeds with probability `alpha` by chance, one-sided, in any of some events."""
    return critical_value(2.0 * np.asarray(alpha, float) / events, degrees)


def at_least(distance: FloatArray, error: FloatArray, tolerance: FloatArray, critical: FloatArray) -> FloatArray:
    """The bound of a distance whose z is normal, with this standard error."""
    return distance - critical * error + (1.0 - KEPT) * tolerance


def width_beyond(beyond: FloatArray, normal: FloatArray, by_ratio: FloatArray, critical: FloatArray) -> FloatArray:
    """The standard error of a distance that is `beyond` KEPT: by the likelihood ratio, which decides.

    Of what it has proven the normal one may be narrower: the ratio is about the near edge, not about how far it went.
    """
    return np.where(beyond > critical * by_ratio, np.minimum(normal, by_ratio), by_ratio)
