"""Predictions that wait for aggregation: appended by callers without a lock, bounded in bytes."""

from collections import deque
from collections.abc import Callable
from typing import Final

from driftline.capture.copies import without_rows
from driftline.records import SIZE, CallRecord, Prediction, as_capture
from driftline.runtime.threads import Lock

_RECORD_BYTES: Final = 512
"""About what a record takes beside its rows."""

_ENOUGH_BYTES: Final = 2 * 2**20
"""Some thousand rows, which make aggregation cheap a value: the consumer is woken for them, not for each call."""


class PredictionQueue:
    """`put` never blocks and never waits. When the bytes are used up, records go without their rows; then not at all.

    The sizes are kept without a lock, so that a caller pays for none: an update may be lost when threads meet. `take`
    sets them right, so the bound is kept within what came since.
    """

    def __init__(self, limit: int, wake: Callable[[], None]) -> None:
        self._limit = limit
        self._enough = min(_ENOUGH_BYTES, limit // 4)
        self._wake_above = -1  # the first one wakes: somebody has to start the consumer
        self._wake = wake
        self._waiting: deque[CallRecord] = deque()
        self._bytes = 0
        self._lock = Lock()  # of what is rare: drops
        self._dropped = 0

    def put(self, record: CallRecord) -> bool:
        """Whether it was kept with the rows that it came with: they will be counted."""
        _, _, inputs, outputs, _, _, _ = record
        held = self._bytes + _RECORD_BYTES + (inputs[SIZE] if inputs else 0) + (outputs[SIZE] if outputs else 0)
        if held > self._limit:
            return self._put_without_rows(record)
        self._bytes = held
        self._waiting.append(record)
        if held > self._wake_above:
            self._wake_above = self._enough
            self._wake()
        return True

    def _put_without_rows(self, record: CallRecord) -> bool:
        model, operation, inputs, outputs, duration, error, span = record
        given, returned = (each and without_rows(as_capture(each)) for each in (inputs, outputs))
        lost = model, operation, given, returned, duration, error, span
        if self._bytes > 2 * self._limit:  # even of records without rows there are too many
            with self._lock:
                self._dropped += Prediction.of(lost).rows
        else:
            self._bytes += _RECORD_BYTES
            self._waiting.append(lost)
        self._wake()
        return False

    def close(self) -> None:
        """From now on nothing is kept."""
        self._limit = -1

    def take(self) -> list[Prediction]:
        """All that wait now, oldest first."""
        waiting = self._waiting
        self._bytes = 0
        return [Prediction.of(waiting.popleft()) for _ in range(len(waiting))]

    @property
    def dropped_rows(self) -> int:
        """Rows of records that were not kept at all."""
        return self._dropped
