"""The week, while a stream has not shown all of it: how far its other days may be from the training data.

Whole weeks of training data lie between their days: five of one level balance two of another. So a stream that begins
at the training data's level has no weekend to speak of, and one that begins off it may come to be 2.5 times as far off.
"""

from typing import Final

import numpy as np

from driftline.sketch.arrays import FloatArray
from driftline.sketch.time_units import DAY_SECONDS, WEEK_SECONDS

BALANCE: Final = 5 / 2
"""A weekend is so many times as far from the level of the whole week as the other days are."""

WORKING: Final = (5.5 * DAY_SECONDS, 7.5 * DAY_SECONDS)
"""When the last 24 hours were in no weekend, in any time zone, be it of Saturday and Sunday or of Friday and Saturday:
from Tuesday noon to Thursday noon UTC, in seconds from a Thursday, as 1 January 1970 was."""


def possible(first: FloatArray, most: float, time: float) -> FloatArray:
    """The distance that the week may make of a column in the 24 hours before `time`, Unix seconds.

    first: how far the first day was from the training data. most: how far a weekend may be.
    """
    begin, end = WORKING
    working = (time - begin) % WEEK_SECONDS <= end - begin
    return np.minimum(BALANCE * first, most / BALANCE if working else most)
