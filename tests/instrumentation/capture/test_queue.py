"""What waits between callers and the background: bounded, and told of when it is worth the while."""

import numpy as np
import pytest

from driftline.capture.buffer_pool import BufferPool
from driftline.capture.copies import capture
from driftline.capture.queue import PredictionQueue
from driftline.records import CallRecord, ModelFacts, NamedColumn, as_capture

MODEL = ModelFacts("m", None, "M", "test", None, None, None, lambda _, found, head: [NamedColumn("y", found[0])])


class Woken:
    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> None:
        self.times += 1


@pytest.fixture
def woken() -> Woken:
    return Woken()


def record(rows: int = 4) -> CallRecord:
    payload = np.zeros((rows, 3)).tobytes()
    return MODEL, "predict", (payload, np.dtype(float), (rows, 3), len(payload)), None, 0.1, None, None, [False], 0.0


def test_the_background_is_woken_by_the_first_one_and_by_many(woken: Woken) -> None:
    """The first one starts it; from then on it is left alone until counting is cheap a row."""
    buffer = PredictionQueue(2**30, woken)
    buffer.put(record())
    assert woken.times == 1
    for _ in range(1000):
        buffer.put(record())
    assert woken.times == 1
    for _ in range(1000):
        buffer.put(record(100))
    assert woken.times > 1
    buffer.take()
    before = woken.times
    buffer.put(record())
    assert woken.times == before


def test_what_is_taken_has_names(woken: Woken) -> None:
    """In the order in which it came; the caller's bare tuples are predictions and captures from then on."""
    buffer = PredictionQueue(2**20, woken)
    for rows in (1, 2, 3):
        assert buffer.put(record(rows))
    taken = buffer.take()

    assert [each.rows for each in taken] == [1, 2, 3]
    assert [each.inputs for each in taken] == [as_capture(record(rows)[2]) for rows in (1, 2, 3)]
    assert not buffer.take()


def test_beyond_the_bound_rows_go_first(woken: Woken) -> None:
    """Then whole records, which are counted; after a turn of the background there is room again."""
    buffer = PredictionQueue(20_000, woken)
    kept = [buffer.put(record(4)) for _ in range(200)]
    taken = buffer.take()

    assert kept.count(True) == sum(not each.lost for each in taken)
    assert 20 < kept.count(True) < len(taken) < 200
    assert sum(each.rows for each in taken) + buffer.dropped_rows == 800
    assert buffer.put(record())


def test_after_the_end_nothing_is_kept(woken: Woken) -> None:
    """Buffers of batches go back to their pool."""
    pool = BufferPool(2**20)
    buffer = PredictionQueue(2**30, woken)
    buffer.close()
    for _ in range(50):
        batch = capture(np.zeros((5000, 3)), pool)
        assert batch.kind == "pooled"
        assert not buffer.put((MODEL, "predict", batch, None, 0.1, None, None, [False], 0.0))

    assert not buffer.take()
