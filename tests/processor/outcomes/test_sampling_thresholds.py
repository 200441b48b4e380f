"""Which rows were left out for certain, by the batches that have come."""

import numpy as np

from driftline.rows.batch import RowBatch
from driftline.rows.sampling import RANGE
from driftline.rows.table import RowTable
from driftline_processor.outcomes.sampling_thresholds import SamplingThresholds

PROCESS = "b" * 24


def batch(first: int, last: int, share: float) -> RowBatch:
    """Of these calls, `share` of which were left out."""
    threshold = int(share * RANGE)
    return RowBatch("u", threshold, 9, RowTable.empty(), f"{PROCESS}{first:08x}", f"{PROCESS}{last:08x}")


def left_out(thresholds: SamplingThresholds, *rows: tuple[int, float]) -> list[bool]:
    """Of rows, each by its call, -1 of an id that is not ours, and its randomness."""
    calls = np.array([call for call, _ in rows], np.int64)
    keys = np.array([int(random * RANGE) << 8 for _, random in rows], np.uint64)
    processes = np.array([PROCESS if call >= 0 else "" for call in calls.tolist()], object)
    return thresholds.left_out(keys, processes, calls).tolist()


def test_the_batch_of_a_call_tells() -> None:
    """Where several may hold it, that which leaves out least; a call of none may yet come."""
    thresholds = SamplingThresholds()
    for number in range(200):
        thresholds.add(batch(10 * number, 10 * number + 9, 0.25 + 0.5 * (number % 2)), 0)
    thresholds.add(batch(1000, 1009, 0.1), 0)
    found = left_out(thresholds, (5, 0.5), (5, 0.2), (15, 0.5), (15, 0.8), (1005, 0.2), (1005, 0.05), (9999, 0.01))
    assert found == [False, True, True, False, False, True, False]
    again = SamplingThresholds.unpack(thresholds.pack())
    assert left_out(again, (5, 0.5), (15, 0.5)) == [False, True]


def test_of_other_ids_the_least_of_all_does() -> None:
    """Until its day is forgotten. Without any batch nothing is certain."""
    thresholds = SamplingThresholds()
    assert left_out(thresholds, (-1, 0.01), (7, 0.01)) == [False, False]
    thresholds.add(batch(0, 9, 0.5), 0)
    thresholds.add(batch(10, 19, 0.75), 10**18)
    assert left_out(thresholds, (-1, 0.4), (-1, 0.6)) == [True, False]
    thresholds.forget(10**17)
    assert left_out(thresholds, (-1, 0.6)) == [True]
