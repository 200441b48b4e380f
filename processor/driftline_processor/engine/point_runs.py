"""Counts the points of a model that come together, in one loop.

Nearly all points continue a stream that is known, in a pane that is open. What becomes of these is told here; others
are counted one by one by the model. Both count alike.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from driftline_processor.engine.model_state import MAX_KEYS, IngestResult, IngestStatus, ModelState
from driftline_processor.engine.pane import Pane
from driftline_processor.engine.stream_deltas import Point, delta_key
from driftline_processor.records import CountPoint, RowsPoint, SketchPoint


def ingest_points(
    model: ModelState, points: Sequence[Point], times: Iterable[int], received: int
) -> Iterator[IngestResult]:
    """Counts each point once, in order; those that are counted without remarks have one result.

    Args:
        model: Of which all points are.
        points: Of its streams.
        times: The event time to count each at.
        received: When their request was received.

    """
    run = _Run(model)
    yield from run.others(points, times, received)
    if run.counted:
        counted = IngestResult(IngestStatus.COUNTED, items=run.counted)
        model.note_result(counted, received)
        yield counted


@dataclass(slots=True)
class _Run:
    """counted: points so far. pane: the open one of `time`, as it was last asked for."""

    model: ModelState
    counted: int = 0
    pane: Pane | None = None
    time: int = -1

    def others(self, points: Sequence[Point], times: Iterable[int], received: int) -> Iterator[IngestResult]:
        """Counts all; the results of those that are counted one by one."""
        for point, time in zip(points, times, strict=True):
            if isinstance(point, RowsPoint) or point.exemplars:
                counted = False
            elif point.cumulative:
                counted = self._continues_a_stream(point, time)
            else:
                counted = self._is_a_new_delta(point, time)
            if counted:
                self.counted += 1
            else:
                self.pane, self.time = None, -1  # the next one may close it
                yield self.model.ingest(point, time, received)

    def _continues_a_stream(self, point: SketchPoint | CountPoint, time: int) -> bool:
        """Counts a point that has more rows than the last one of its stream."""
        model = self.model
        last, seen = model.streams.cumulative.get((point.stream, point.start)), model.columns.get(point.column)
        if last is None or seen is None or point.time <= last.time:
            return False
        amount: Any = point.histogram if isinstance(point, SketchPoint) else point.count
        rows = float(amount.count) if isinstance(point, SketchPoint) else amount
        if rows <= last.rows or (pane := self._open_pane(time)) is None:
            return False
        if isinstance(point, SketchPoint):
            pane.add_gain(point, last.amount)
        else:
            pane.add_count(point, rows - last.rows)
        last.time, last.amount, last.rows = point.time, amount, rows
        last.seen = max(last.seen, time)
        if time > seen:
            model.columns[point.column] = time
        return True

    def _is_a_new_delta(self, point: SketchPoint | CountPoint, time: int) -> bool:
        """Counts a point with rows that did not come before."""
        model = self.model
        keys, seen = model.streams.keys, model.columns.get(point.column)
        key, rows = delta_key(point), point.histogram.count if isinstance(point, SketchPoint) else point.count
        if not rows or seen is None or key in keys or len(keys) >= MAX_KEYS or model.streams.is_old(point, time):
            return False
        if (pane := self._open_pane(time)) is None:
            return False
        if isinstance(point, SketchPoint):
            pane.add_sketch(point)
        else:
            pane.add_count(point, rows)
        keys[key] = max(time, point.time)
        if time > seen:
            model.columns[point.column] = time
        return True

    def _open_pane(self, time: int) -> Pane | None:
        if time != self.time:
            self.pane, self.time = self.model.panes.pane(time), time
        return self.pane
