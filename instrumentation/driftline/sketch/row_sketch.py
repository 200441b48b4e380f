"""The rows of one model by a hash: a sketch like that of a column, with one stream that never begins anew."""

import numpy as np

from driftline.sketch.arrays import IntArray
from driftline.sketch.column import Acknowledged, ColumnPoints, TimeRange
from driftline.sketch.points import NumericPoints
from driftline.sketch.row_hash import BUCKETS, histogram


class RowSketch:
    """Counts rows by bucket. delta: points cover the rows since the last acknowledged ones. For one thread at a time.

    Collected, sent and acknowledged as a `ColumnSketch` is.
    """

    def __init__(self, now: int, *, delta: bool = False) -> None:
        self._delta = delta
        self._start = self._collected = now
        self._counts = np.zeros(BUCKETS, np.int64)
        self._sent: ColumnPoints | None = None
        self._sent_rows = 0
        self._arrived = Acknowledged(now)
        self.rows = 0

    def add(self, buckets: IntArray) -> None:
        """Add rows by their bucket, [rows]."""
        self.rows += len(buckets)
        self._counts += np.bincount(buckets, minlength=BUCKETS)

    def collect(self, now: int) -> ColumnPoints:
        """The points to export. Until acknowledged, the next ones include their rows."""
        now = max(now, self._collected + 1)
        counted = NumericPoints(histogram(self._counts.copy()), {}, 0, 0)
        points = ColumnPoints(now, [(TimeRange(self._start, now), counted)], {}, {})
        self._collected, self._sent, self._sent_rows = now, points, self.rows
        return self._arrived.since(points) if self._delta else points

    def is_due(self, now: int, repeat: int) -> bool:
        """Whether there are new rows, or the last acknowledged points are `repeat` nanoseconds old."""
        return self.rows != self._arrived.rows or (not self._delta and now - self._arrived.time >= repeat)

    def acknowledge(self) -> None:
        """The points of the last collection have arrived."""
        if self._sent is not None:
            self._arrived.advance(self._sent, self._sent_rows)
