"""When a numeric column's sketch begins anew: the streams of one column.

A layout lasts as long as its stream, so that two points of one stream always subtract exactly. A column that its layout
no longer resolves gets a new one, and with it a new start time; the old stream's last point is sent until acknowledged.
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
"""Share of recent rows that may lie unresolved; a new layout must leave at most half of what the old one left."""

_OUTSIDE: Final = 0.05
"""Share of a block outside the window that calls for a check before these rows are counted."""

_FEW: Final = 32
"""Rows of a block that are too few to tell such a share."""

_RESTING: Final = 8
"""Exports at most between two looks at a column that its layout resolves: 0.2 ms each."""

_FUTILE: Final = 64
"""Exports at most between two fits that no layout came out of: some 0.3 ms each."""

_ENDED: Final = 16
"""Ended streams that may wait for an acknowledgement.

With the exporter down for long, a column that moves on and on then keeps its layout: its rows go to the tails, coarser,
but counted."""


class StreamPoints(NamedTuple):
    """A cumulative point: the rows of a stream in start < t <= time, in nanoseconds since the Unix epoch."""

    start: int
    time: int
    points: NumericPoints


@dataclass(slots=True)
class _Pause:
    """Exports to let pass before the next check; longer with each that led to nothing."""

    left: int = 0
    length: int = 1

    def extend(self, most: int) -> None:
        self.length = self.left = min(most, 2 * self.length)


class NumericStream:
    """The streams of one column, one after the other. For one thread at a time.

    `observe` each drained block, `collect` at an export, `acknowledge` when it has arrived. Times of points rise
    strictly, even when the clock stands still or goes back.
    """

    def __init__(self, now_ns: int) -> None:
        self._start = self._time = now_ns
        self._sketch: NumericSketch | None = None
        self._sample = np.zeros(0)
        self._fitted_rows = 0
        self._ended: list[StreamPoints] = []
        self._sent = 0  # how many of them the last collection held
        self._at_block, self._at_export = _Pause(), _Pause()

    def observe(self, values: NDArray[Any], now_ns: int) -> None:
        """Rows, [n]: float64 or float32, best contiguous and in blocks of 8,192 at least; others are converted."""
        if not len(values):
            return
        self._remember(values)
        sketch = self._sketch or self._begin(fit_layout(self._sample))
        watched = self._at_block.left <= 0 and len(values) >= _FEW
        if not sketch.add(values, _OUTSIDE if watched else 1.0):
            self._at_export.left = 0  # half of the sample may still be of the old kind: look again soon
            self._check(sketch, self._at_block).add(values)
        self._tick(now_ns)

    def collect(self, now_ns: int) -> list[StreamPoints]:
        """Points to export, oldest first: the last ones of ended streams until they are acknowledged, and the current.

        A stream without rows has no point.
        """
        sketch = self._sketch
        if sketch is None:
            return []
        self._tick(now_ns)
        points = [*self._ended, *self._current(sketch)]
        self._at_block.left -= 1
        self._at_export.left -= 1
        # A fit on few rows is looked at again when there are twice as many, until the sample is full.
        if self._at_export.left <= 0 and sketch.rows >= 2 * min(self._fitted_rows, SAMPLE):
            self._check(sketch, self._at_export)
        self._sent = len(self._ended)
        return points

    def acknowledge(self) -> None:
        """The points of the last collection have arrived: ended streams among them are not sent again."""
        del self._ended[: self._sent]
        self._sent = 0

    def _remember(self, values: NDArray[Any]) -> None:
        """Keeps the last 2,048 rows as the sample, of which a full block renews half."""
        thinned = values[:: max(1, 2 * len(values) // SAMPLE)]  # fewer than SAMPLE
        self._sample = np.concatenate((self._sample[len(thinned) - SAMPLE :], thinned))

    def _check(self, sketch: NumericSketch, pause: _Pause) -> NumericSketch:
        """Begins a new stream if recent rows are unresolved and another layout does better; else waits longer."""
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
        self._at_block, self._at_export = _Pause(left=1), _Pause()  # one new stream at most between two exports
        return self._sketch

    def _current(self, sketch: NumericSketch) -> list[StreamPoints]:
        return [StreamPoints(self._start, self._time, sketch.points())] if sketch.rows else []

    def _tick(self, now_ns: int) -> None:
        self._time = max(now_ns, self._time + 1)
