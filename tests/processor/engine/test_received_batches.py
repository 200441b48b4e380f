"""Row batches count once, and never as columns."""

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from driftline.rows.batch import RowBatch
from driftline.rows.table import RowTable
from driftline_processor.engine import received_batches
from driftline_processor.engine.engine import Engine
from driftline_processor.engine.received_batches import ReceivedBatches
from driftline_processor.records import ModelKey, ModelRows
from engine_records import SETTINGS

MODEL = ModelKey("m")
NOW = 10**18


def batch(uid: str, rows: int = 2, seen: int = 5) -> RowBatch:
    return RowBatch(uid, 0, seen, RowTable(np.arange(rows, dtype=np.uint64), np.full(rows, NOW), {}))


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 30)), max_size=60))
def test_each_counts_once(sent: list[tuple[int, int]]) -> None:
    """In any order, from several processes; also after a restart in between."""
    received, known = ReceivedBatches(), set()
    for process, number in sent:
        assert received.add(batch(f"p{process}.{number}")) == ((process, number) not in known)
        known.add((process, number))
        received = ReceivedBatches.unpack(received.pack())

    assert (received.seen, received.sampled) == (5 * len(known), 2 * len(known))
    for process, runs in received.runs.items():
        numbers = sorted(number for name, number in known if f"p{name}" == process)
        assert [number for first, last in runs for number in range(first, last + 1)] == numbers
        assert all(later[0] > earlier[1] + 1 for earlier, later in pairwise(runs))


def test_what_comes_in_sequence_is_one_run() -> None:
    """A few bytes a process, however long it runs."""
    received = ReceivedBatches()
    for number in (1, 2, 4, 3, 5):
        assert received.add(batch(f"p.{number}"))
    assert received.runs == {"p": [[1, 5]]}


def test_other_senders_may_have_ids_of_any_form() -> None:
    """Each is known as a whole."""
    received = ReceivedBatches()
    for uid in ("01J-uuid", "p.x", "p.", ".5", "p.²", "p.99999999999999999999"):
        assert received.add(batch(uid))
        assert not received.add(batch(uid))


def test_what_is_remembered_is_bounded() -> None:
    """The process that sent nothing for longest is forgotten first."""
    received = ReceivedBatches()
    for number in range(received_batches.MAX_PROCESSES + 1):
        received.add(batch(f"p{number}.1"))
        received.add(batch("busy.1"))
    assert len(received.runs) == received_batches.MAX_PROCESSES
    assert "busy" in received.runs
    assert "p0" not in received.runs


def test_the_engine_counts_batches_and_opens_no_window() -> None:
    """They are a sample of rows that sketches count; a restart forgets nothing."""
    engine = Engine(SETTINGS)
    report = engine.observe([ModelRows(MODEL, "predict", batch(f"p.{number}")) for number in (1, 2, 1)], NOW)

    assert (report.counted, report.duplicates) == (2, 1)
    assert not engine.advance(NOW + 10**15)
    assert engine.rows() == {MODEL: 0.0}
    states = [state for state in engine.snapshot().values() if state is not None]
    again = Engine(SETTINGS)
    again.restore(states, NOW)
    assert again.observe([ModelRows(MODEL, "predict", batch("p.2"))], NOW).duplicates == 1
    assert (again.batches()[MODEL].seen, again.batches()[MODEL].sampled) == (10, 4)
