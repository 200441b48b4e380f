"""A byte-bounded queue of predictions that callers append to without a lock."""

from collections import deque
from collections.abc import Callable
from typing import Final

from driftline.capture.copies import without_rows
from driftline.records import SIZE, CallRecord, Prediction, as_capture
from driftline.runtime.threads import Lock

_RECORD_BYTES: Final = 512
"""Approximate size of a record without its rows."""

_ENOUGH_BYTES: Final = 2 * 2**20
"""Wakes the consumer: some thousand rows make aggregation cheap per value, single calls do not."""


class PredictionQueue:
    """`put` never blocks. When the queue is full, records lose their rows; when far over, they are dropped.

    Bytes are counted without a lock, to spare callers its cost, so concurrent updates may be lost. `take` resets the
    count, which limits the error to what was put since.
    """

    def __init__(self, limit: int, wake: Callable[[], None]) -> None:
        self._limit = limit
        self._enough = min(_ENOUGH_BYTES, limit // 4)
        self._wake_above = -1  # the first record wakes: it starts the consumer
        self._wake = wake
        self._waiting: deque[CallRecord] = deque()
        self._bytes = 0
        self._lock = Lock()  # for drops, which are rare
        self._dropped = 0

    def put(self, record: CallRecord) -> bool:
        """Append a record. Returns whether its rows were kept and will be counted."""
        inputs, outputs = record[2], record[3]
        held = self._bytes + _RECORD_BYTES + (inputs[SIZE] if inputs else 0) + (outputs[SIZE] if outputs else 0)
        if held > self._limit:
            return self._put_without_rows(record)
        self._bytes = held
        self._waiting.append(record)
        if held > self._wake_above:
            self._wake_above = self._enough
            self._wake()
        return True

    def has_room(self, record: CallRecord) -> bool:
        """Whether `put` would keep the rows of a record now."""
        sizes = (each[SIZE] for each in record[2:4] if each)
        return self._bytes + _RECORD_BYTES + sum(sizes) <= self._limit

    def _put_without_rows(self, record: CallRecord) -> bool:
        model, operation, inputs, outputs, *others = record
        given, returned = (each and without_rows(as_capture(each)) for each in (inputs, outputs))
        lost: CallRecord = model, operation, given, returned, *others
        if self._bytes > 2 * self._limit:  # too many even without rows
            with self._lock:
                self._dropped += Prediction.of(lost).rows
        else:
            self._bytes += _RECORD_BYTES
            self._waiting.append(lost)
        self._wake()
        return False

    def close(self) -> None:
        """Keep nothing from now on."""
        self._limit = -1

    def take(self) -> list[Prediction]:
        """Remove and return all queued predictions, oldest first."""
        waiting = self._waiting
        self._bytes = 0
        return [Prediction.of(waiting.popleft()) for _ in range(len(waiting))]

    @property
    def dropped_rows(self) -> int:
        """Rows of dropped records."""
        return self._dropped
