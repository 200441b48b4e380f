"""From points to increments: each row once."""

import pytest

from driftline.sketch import Histogram
from driftline.sketch.time_units import HOUR
from driftline_processor.engine.stream_deltas import (
    IncrementKind,
    StreamDeltas,
    pack_position,
    unpack_position,
)
from driftline_processor.records import InputRecord, SketchPoint
from engine_records import MINUTE, START, Sender, span


def added(streams: StreamDeltas, records: list[InputRecord]) -> float:
    """Rows that the sketches among the records add."""
    increments = [streams.increment(record, record.time) for record in records if isinstance(record, SketchPoint)]
    return sum(each.rows for each in increments if each.kind is IncrementKind.NEW)


def test_cumulative_points_add_their_difference() -> None:
    """Two points of one stream add, together, what the last one says."""
    streams, sender = StreamDeltas(), Sender()
    first = added(streams, sender.predict({"age": [1.0, 2.0, -3.0]}).tell(START + 1))
    second = added(streams, sender.predict({"age": [2.0, 0.0]}).tell(START + 2))

    assert (first, second) == (3, 2)


def test_a_lost_point_is_healed_by_the_next() -> None:
    """What a point that never came would have added is in the next one."""
    streams, sender = StreamDeltas(), Sender()
    sender.predict({"age": [1.0]}).tell(START + 1)

    assert added(streams, sender.predict({"age": [1.0]}).tell(START + 2)) == 2


@pytest.mark.parametrize("cumulative", [True, False])
def test_a_repeated_point_adds_nothing(cumulative: bool) -> None:
    """A point that comes again, alone or with others, is a duplicate."""
    streams, sender = StreamDeltas(), Sender(cumulative=cumulative)
    records = sender.predict({"age": [1.0, 5.0]}).tell(START + 1)
    assert added(streams, records) == 2

    again = [streams.increment(record, record.time) for record in records]

    assert {each.kind for each in again[1:]} == {IncrementKind.DUPLICATE}
    assert added(streams, records) == 0


def test_an_older_point_that_comes_later_adds_nothing() -> None:
    """Cumulative points may be reordered: the newest says everything."""
    streams, sender = StreamDeltas(), Sender()
    older = sender.predict({"age": [1.0]}).tell(START + 1)
    newer = sender.predict({"age": [2.0]}).tell(START + 2)

    assert added(streams, newer) + added(streams, older) == 2


def test_a_new_start_is_a_new_stream() -> None:
    """A process that starts again counts from zero, and all that it says is new."""
    streams = StreamDeltas()
    total = added(streams, Sender(START).predict({"age": [1.0] * 5}).tell(START + 1))
    total += added(streams, Sender(START + 10).predict({"age": [1.0] * 2}).tell(START + 11))

    assert total == 7


def test_a_sender_that_goes_back_without_a_new_start_counts_anew() -> None:
    """Foreign senders reset silently: what they say then is all new."""
    streams = StreamDeltas()
    added(streams, Sender().predict({"age": [1.0] * 5}).tell(START + 1))

    assert added(streams, Sender().predict({"age": [2.0] * 3}).tell(START + 2)) == 3


def test_a_point_that_says_nothing_new_keeps_the_object_that_is_known() -> None:
    """Who holds the last content must know it again in what the next point adds to."""
    streams, point = StreamDeltas(), Sender().predict({"age": [1.0]}).tell(START + 1)[1]
    assert isinstance(point, SketchPoint)
    streams.increment(point, START + 1)
    same = point._replace(time=START + 2, histogram=Histogram.of([1.0], 8, 320))
    more = point._replace(time=START + 3, histogram=Histogram.of([1.0, 2.0], 8, 320))

    assert streams.increment(same, START + 2).rows == 0
    assert streams.increment(more, START + 3).older is point.histogram


def test_a_stream_that_began_long_ago_only_sets_the_baseline() -> None:
    """A processor that is new, or has forgotten, does not take days of history for one window."""
    streams, sender = StreamDeltas(), Sender(START)
    later = START + HOUR + 1
    first = streams.increment(sender.predict({"age": [1.0] * 9}).tell(later)[1], later)

    assert (first.kind, first.rows) == (IncrementKind.BASELINE, 9)
    assert added(streams, sender.predict({"age": [1.0]}).tell(later + 1)) == 1


def test_what_can_no_longer_matter_is_forgotten() -> None:
    """Keys go with their panes; silent streams after the time from which on they only set a baseline."""
    streams = StreamDeltas()
    added(streams, Sender().predict({"age": [1.0]}).tell(START + 1))
    streams.new_spans(span(1, START + 1, {"age": 1.0}))

    streams.forget(START + MINUTE)
    assert not streams.keys
    assert streams.cumulative

    streams.forget(START + 2 * HOUR)
    assert not streams.cumulative


def test_packing_keeps_everything() -> None:
    """The last points of streams survive a snapshot, sketches and counters alike."""
    streams, sender = StreamDeltas(), Sender()
    records = sender.predict({"age": [1.0, -2.0, 0.0], "plan": ["a", "b"]}).tell(START + 1)
    for record in records:
        streams.increment(record, record.time)

    for last in streams.cumulative.values():
        assert unpack_position(pack_position(last)) == last
