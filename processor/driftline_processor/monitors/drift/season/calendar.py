"""Calendar: stretches of the training data at the same time of day, of week, or of year as a window.

Natural variation already allows for a season; this gives it its name. One year has no variance between years: that a
window resembles the same weeks of the year before is a statement, never a reason to close an alarm.
"""

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from driftline.sketch.arrays import BoolArray, FloatArray
from driftline.sketch.time_units import DAY_SECONDS, WEEK_SECONDS, YEAR_SECONDS
from driftline_processor.monitors.drift.detection.harmonics import CYCLES

RESEMBLES: Final = 0.6
"""A window is in season when it is this much nearer to the same time than to the whole of the training data."""


class CalendarCycle(NamedTuple):
    """period and near are seconds: what lies at most so far from the same phase is of the same time."""

    name: str
    period: float
    near: float
    cycles: float


CYCLE_KINDS: Final = (
    CalendarCycle("time of day", DAY_SECONDS, DAY_SECONDS / 48, CYCLES),
    CalendarCycle("time of week", WEEK_SECONDS, DAY_SECONDS / 48, CYCLES),
    CalendarCycle("time of year", YEAR_SECONDS, 2 * WEEK_SECONDS, 0.9),
)


@dataclass(frozen=True, slots=True, eq=False)
class Calendar:
    """Chunks of a reference with timestamps: where they begin and end, Unix seconds."""

    starts: FloatArray
    ends: FloatArray

    def alike(self, start: float, end: float) -> list[tuple[str, BoolArray]]:
        """For each cycle that the chunks know: its name, and the chunks at the time of the window start..end."""
        covered = float(self.ends.max() - self.starts.min()) if len(self.starts) else 0.0
        length = max(float((self.ends - self.starts).mean()) if len(self.starts) else 0.0, end - start)
        known = [cycle for cycle in CYCLE_KINDS if covered >= cycle.cycles * cycle.period and length < cycle.period / 4]
        return [(cycle.name, self._at(cycle, (start + end) / 2)) for cycle in known]

    def _at(self, cycle: CalendarCycle, time: float) -> BoolArray:
        """Chunks whose middle is near the phase of `time`; a long chunk is near where it holds that phase."""
        middle = (self.starts + self.ends) / 2
        apart = np.abs((middle - time + cycle.period / 2) % cycle.period - cycle.period / 2)
        return np.asarray(apart <= np.maximum(cycle.near, (self.ends - self.starts) / 2))


def in_season(q: float, whole: float, same_time: float) -> bool:
    """Whether a share is that of the same time much rather than that of the whole."""
    return abs(q - same_time) <= RESEMBLES * abs(q - whole)
