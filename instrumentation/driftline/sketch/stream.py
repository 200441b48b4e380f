"""The streams of a numeric column: a new one, with a new layout, begins when the old layout no longer resolves it.

A layout is fixed for its stream, so that two points of a stream always subtract exactly. A new stream has a new start
time; the last point of the old one is sent until acknowledged.
"""

from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from driftline.sketch.layout import Layout
from driftline.sketch.layout_fit import fit_layout, unresolved_share
from driftline.sketch.numeric import NumericSketch
from driftline.sketch.points import NumericPoints
from driftline.sketch.resolution import SAMPLE

_UNRESOLVED: Final = 0.02
"""Share of recent rows that may be unresolved; a new layout must at least halve it."""

_OUTSIDE: Final = 0.05
"""Share of a block outside the window that triggers a check before the block is counted."""

_FEW: Final = 32
"""Blocks with fewer rows are too small to estimate such a share."""

_RESTING: Final = 8
"""Maximum exports between two checks of a resolved column, at 0.2 ms each."""

_FUTILE: Final = 64
"""Maximum exports between two fits that led to no new layout, at about 0.3 ms each."""

_ENDED: Final = 16
"""Maximum number of ended streams awaiting acknowledgement.

During a long outage, a column that keeps changing then keeps its layout: its rows go to the tails, coarse but counted.
"""


class StreamPoints(NamedTuple):
    """A cumulative point: the rows of a stream in start < t <= time, in nanoseconds since the Unix epoch."""

    start: int
    time: int
    points: NumericPoints


@dataclass(slots=True)
class _Pause:
    """Exports to skip before the next check; doubles with each check that led to nothing."""

    left: int = 0
    length: int = 1

    def extend(self, most: int) -> None:
        self.length = self.left = min(most, 2 * self.length)


class NumericStream:
    """The consecutive streams of one column. For one thread at a time.

    `observe` each block, `collect` at each export, `acknowledge` once that has arrived. Times of points increase
    strictly, even if the clock stops or goes back.
    """

    def __init__(self, now_ns: int) -> None:
        self._start = self._time = now_ns
        self._sketch: NumericSketch | None = None
        self._sample = np.zeros(0)
        self._fitted_rows = 0
        self._ended: list[StreamPoints] = []
        self._sent = 0  # ended streams in the last collection
        self._at_block, self._at_export = _Pause(), _Pause()

    def observe(self, values: NDArray[Any], now_ns: int) -> None:
        """Count rows, [n]: float64 or float32, ideally contiguous and in blocks of at least 8,192."""
        if not len(values):
            return
        self._remember(values)
        sketch = self._sketch or self._begin(fit_layout(self._sample))
        watched = self._at_block.left <= 0 and len(values) >= _FEW
        if not sketch.add(values, _OUTSIDE if watched else 1.0):
            self._at_export.left = 0  # half of the sample may predate the change: check again soon
            self._check(sketch, self._at_block).add(values)
        self._tick(now_ns)

    def collect(self, now_ns: int) -> list[StreamPoints]:
        """Points to export, oldest first: those of ended streams until acknowledged, then the current one.

        A stream without rows has no point.
        """
        sketch = self._sketch
        if sketch is None:
            return []
        self._tick(now_ns)
        points = [*self._ended, *self._current(sketch)]
        self._at_block.left -= 1
        self._at_export.left -= 1
        # A fit on few rows is checked again at twice as many, until the sample is full.
        if self._at_export.left <= 0 and sketch.rows >= 2 * min(self._fitted_rows, SAMPLE):
            self._check(sketch, self._at_export)
        self._sent = len(self._ended)
        return points

    def acknowledge(self) -> None:
        """The points of the last collection have arrived: do not send their ended streams again."""
        del self._ended[: self._sent]
        self._sent = 0

    def _remember(self, values: NDArray[Any]) -> None:
        """Keep a sample of 2,048 recent rows, half of which a full block replaces."""
        thinned = values[:: max(1, 2 * len(values) // SAMPLE)]  # fewer than SAMPLE
        self._sample = np.concatenate((self._sample[len(thinned) - SAMPLE :], thinned))

    def _check(self, sketch: NumericSketch, pause: _Pause) -> NumericSketch:
        """Begin a new stream if recent rows are unresolved and another layout does better; else back off."""
        unresolved = unresolved_share(self._sample, sketch.layout)
        if unresolved <= _UNRESOLVED or len(self._ended) >= _ENDED:
            pause.extend(_RESTING)
            return sketch
        layout = fit_layout(self._sample)
        if unresolved_share(self._sample, layout) >= unresolved / 2:
            pause.extend(_FUTILE)
            return sketch
        self._ended += self._current(sketch)
        return self._begin(layout)

    def _begin(self, layout: Layout) -> NumericSketch:
        self._start = self._time
        self._sketch = NumericSketch(layout)
        self._fitted_rows = len(self._sample)
        self._at_block, self._at_export = _Pause(left=1), _Pause()  # at most one new stream between two exports
        return self._sketch

    def _current(self, sketch: NumericSketch) -> list[StreamPoints]:
        return [StreamPoints(self._start, self._time, sketch.points())] if sketch.rows else []

    def _tick(self, now_ns: int) -> None:
        self._time = max(now_ns, self._time + 1)
