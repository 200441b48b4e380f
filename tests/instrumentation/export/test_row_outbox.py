"""What waits for a backend that is away."""

from collections.abc import Sequence
from itertools import count

import numpy as np
import pytest

from driftline.export.row_outbox import MOST_WAITING, Parcel, RowOutbox
from driftline.rows.batch import RowBatch
from driftline.rows.body import MAX_BODY, decode_table
from driftline.rows.table import INPUT, RowColumn, RowTable

RNG = np.random.default_rng(3)
MODEL = {"ml.model.name": "m"}


class Backend:
    """Takes everything, or fails."""

    def __init__(self) -> None:
        self.failing = False
        self.parcels: list[Parcel] = []
        self.attempts = 0

    def __call__(self, parcels: Sequence[Parcel]) -> bool:
        self.attempts += 1
        if not self.failing:
            self.parcels += parcels
        return not self.failing


@pytest.fixture
def outbox() -> RowOutbox:
    numbers = count(100)
    return RowOutbox(lambda: f"part.{next(numbers)}")


def batch(rows: int, number: int, columns: int = 30) -> RowBatch:
    values = {RowColumn(INPUT, f"x{place}"): RNG.normal(size=rows) for place in range(columns)}
    keys = RNG.integers(0, 2**64, rows, np.uint64)
    table = RowTable(keys, np.full(rows, 10**18) + np.arange(rows) * 1000, values)
    return RowBatch(f"p.{number}", 0, rows, table, first=f"{number:032x}", last=f"{number:032x}")


def test_large_batches_are_several_records(outbox: RowOutbox) -> None:
    """Each with an id of its own; all rows seen count once, and requests are of bounded size."""
    backend = Backend()
    outbox.put([(MODEL, batch(12_000, 1))])
    assert outbox.send(backend, 0.0)

    assert len(backend.parcels) == backend.attempts == 4
    assert all(len(parcel.body) <= MAX_BODY for parcel in backend.parcels)
    assert len({parcel.batch.uid for parcel in backend.parcels}) == 4
    assert sum(parcel.batch.seen for parcel in backend.parcels) == 12_000
    assert sum(len(decode_table(parcel.body)) for parcel in backend.parcels) == 12_000
    assert not outbox.waiting


def test_a_day_without_a_backend_is_bounded(outbox: RowOutbox) -> None:
    """What waits stays within its bound and is one batch but for those tried; no rows seen are lost."""
    backend = Backend()
    backend.failing = True
    for number in range(25):
        outbox.put([(MODEL, batch(250, number))])
        assert not outbox.send(backend, float(number))
        assert outbox.waiting <= MOST_WAITING
    backend.failing = False
    assert outbox.send(backend, 1000.0)

    sent = [parcel.batch for parcel in backend.parcels]
    assert len(sent) <= 3
    assert sum(each.seen for each in sent) == 25 * 250
    assert sum(len(each.table) * each.weight for each in sent) == pytest.approx(25 * 250, rel=0.15)
    assert min(each.first for each in sent) == f"{0:032x}"
    assert max(each.last for each in sent) == f"{24:032x}"


def test_what_was_tried_keeps_its_id_and_is_merged_with_nothing(outbox: RowOutbox) -> None:
    """The backend may have stored it."""
    backend = Backend()
    backend.failing = True
    outbox.put([(MODEL, batch(10, 1))])
    assert not outbox.send(backend, 0.0)
    outbox.put([(MODEL, batch(10, 2))])
    outbox.put([(MODEL, batch(10, 3))])
    outbox.put([({**MODEL, "ml.operation.name": "other"}, batch(10, 4))])
    backend.failing = False
    assert outbox.send(backend, 1.0)

    assert [(each.batch.uid, each.batch.seen) for each in backend.parcels] == [("p.1", 10), ("p.3", 20), ("p.4", 10)]


def test_pauses_grow_and_end(outbox: RowOutbox) -> None:
    """An endpoint may never take logs; one that does again is used at once."""
    backend, now, pauses = Backend(), 0.0, []
    backend.failing = True
    outbox.put([(MODEL, batch(1, 1))])
    for _ in range(10):
        assert outbox.is_due(now)
        outbox.send(backend, now)
        pauses.append(next(seconds for seconds in range(1, 1000) if outbox.is_due(now + seconds)))
        now += pauses[-1]
    assert pauses == [5, 10, 20, 40, 80, 160, 300, 300, 300, 300]

    backend.failing = False
    assert outbox.send(backend, now)
    assert outbox.is_due(now)


def test_many_models_are_thinned_to_their_counts(outbox: RowOutbox) -> None:
    """A batch that has lost all of its rows still says how many were seen, in a few bytes."""
    backend = Backend()
    backend.failing = True
    outbox.put([({"ml.model.name": f"m{number}"}, batch(40, number, 200)) for number in range(60)])
    assert not outbox.send(backend, 0.0)
    assert outbox.waiting <= MOST_WAITING
    backend.failing = False
    assert outbox.send(backend, 1.0)

    assert sum(parcel.batch.seen for parcel in backend.parcels) == 60 * 40
    assert len({parcel.batch.uid for parcel in backend.parcels}) == 60
