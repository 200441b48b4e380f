"""A stream with a truth: training rows, windows of live rows, and which column drifts from which window on."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

HOUR: Final = 3_600
DAY: Final = 24 * HOUR
EPOCH: Final = 1_700_006_400 // (256 * DAY) * 256 * DAY
"""Where made streams begin, Unix seconds: a bound of hours, days and many of them."""

Column: TypeAlias = NDArray[Any]
"""[rows]: floats, NaN where missing, or objects, str and None."""

Columns: TypeAlias = Mapping[str, Column]

TIME: Final = "\0time"
"""When each row of a window came, Unix seconds, as a column that is not judged; without it at the window's end."""


@dataclass(frozen=True, eq=False)
class Stream:
    """What every method is given, and the truth, which none is.

    windows: to be taken once, as a generator of random numbers may be behind them. rows: of a window, about.
    times: when each training row was, Unix seconds, [rows]; None where the training data has no clock.
    begin and length: of the first window, and of each, seconds. slides: evaluations in one length, for who slides.
    onsets: the window from which each drifted column drifts. unclaimed: columns of which nobody knows.
    anywhere: a drift of several columns together, which any alarm finds. chunks: stretches of time that are kept of the
    training data; None: as many as a profile makes.
    """

    reference: Columns
    windows: Callable[[], Iterator[Columns]]
    rows: int
    onsets: Mapping[str, int] = field(default_factory=dict)
    unclaimed: frozenset[str] = frozenset()
    times: NDArray[np.float64] | None = None
    begin: int = EPOCH
    length: int = HOUR
    slides: int = 1
    anywhere: bool = False
    chunks: int | None = None


@dataclass(frozen=True)
class Scenario:
    """A stream by seed. rivals: how many of its seeds other packages are given as well."""

    name: str
    make: Callable[[int], Stream]
    seeds: int = 1
    rivals: int = 0
