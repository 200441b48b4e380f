"""One step of event time: points and spans become sums by column and operation."""

from driftline.semconv import TARGET_ROWS
from driftline.sketch import Histogram
from driftline.sketch.time_units import HOUR
from driftline_processor.engine.pane import MAX_TRACES, OperationColumn, Pane
from driftline_processor.engine.stream_deltas import StreamDeltas
from driftline_processor.records import ColumnKey, InputRecord, RowsPoint, SketchPoint
from engine_records import AGE, SECOND, START, Sender, span

CELL = OperationColumn(AGE, "predict")


def feed(pane: Pane, streams: StreamDeltas, records: list[InputRecord]) -> None:
    for record in records:
        if isinstance(record, SketchPoint | RowsPoint):
            increment = streams.increment(record, record.time)
            if increment.rows:
                pane.add(record, increment, record.time)


def test_exports_of_one_stream_are_subtracted_once() -> None:
    """A stretch grows from point to point; what it holds is the difference of its ends."""
    pane, streams, sender = Pane(), StreamDeltas(), Sender()
    feed(Pane(), streams, sender.predict({"age": [1.0, 2.0]}).tell(START + 1))
    for second in range(2, 6):
        feed(pane, streams, sender.predict({"age": [float(second)]}).tell(START + second * SECOND))

    assert len(pane.pending) == 1
    assert pane.summaries()[CELL].rows == 4
    assert pane.summaries()[CELL].intervals.total == 4
    assert pane.rows == {"predict": 4}


def test_a_stretch_goes_on_after_it_was_summed() -> None:
    """Asking in between, as a snapshot does, changes nothing."""
    pane, streams, sender = Pane(), StreamDeltas(), Sender()
    for second in range(1, 5):
        feed(pane, streams, sender.predict({"age": [float(second)]}).tell(START + second * SECOND))
        pane.summaries()

    assert pane.summaries()[CELL].rows == 4
    assert len(pane.summaries()[CELL].intervals) == 4


def test_a_stream_that_goes_back_and_forth_between_panes_is_counted_once() -> None:
    """A clock that jumps leaves two stretches in one pane; no row is in both."""
    panes, streams, sender = (Pane(), Pane()), StreamDeltas(), Sender()
    for number in range(1, 6):
        feed(panes[number % 2], streams, sender.predict({"age": [float(number)]}).tell(START + number))

    assert [pane.summaries()[CELL].rows for pane in panes] == [2, 3]


def test_a_sender_that_begins_anew_in_mid_pane_is_counted_twice_over() -> None:
    """Its counts before and after are both rows."""
    pane, streams = Pane(), StreamDeltas()
    feed(pane, streams, Sender().predict({"age": [1.0] * 5}).tell(START + 1))
    feed(pane, streams, Sender().predict({"age": [2.0] * 3}).tell(START + 2))

    assert pane.summaries()[CELL].rows == 8


def test_a_column_of_a_span_that_is_left_out_does_not_lose_the_row() -> None:
    """Rows are the model's; columns are what there is room for."""
    pane = Pane()
    pane.add_spans(span(1, START + 1, {"age": 1.0, "id": 2.0}, weight=4.0), [AGE])

    assert pane.rows == {"predict": 4}
    assert {key for key in pane.summaries() if key.column.target != TARGET_ROWS} == {CELL}


def test_tails_and_states_belong_to_the_column() -> None:
    """Core, tails and states of a column are one sum: every row is in exactly one of them."""
    pane, streams = Pane(), StreamDeltas()
    point = Sender().predict({"age": [1.0]}).tell(START + 1)[1]
    assert isinstance(point, SketchPoint)
    feed(pane, streams, [point, point._replace(stream=b"tail", histogram=Histogram.of([1e9], 0, 64))])

    assert pane.summaries()[OperationColumn(ColumnKey("input", "age"), "predict")].rows == 2


def test_a_few_traces_are_kept_whatever_their_order() -> None:
    """Of spans and of exemplars: the least ids, each once."""
    kept = []
    for order in (1, -1):
        pane, streams = Pane(), StreamDeltas()
        for number in range(20)[::order]:
            (rows,) = Sender(process=str(number)).predict({}).tell(START + SECOND)
            assert isinstance(rows, RowsPoint)
            feed(pane, streams, [rows._replace(count=1.0, traces=(f"{number:032x}",))])
        pane.add_spans(span(1, START, {"age": 1.0}), [])
        kept.append(pane.traces)

    assert kept[0] == kept[1] == [f"{number:032x}" for number in range(MAX_TRACES)]


def test_spans_that_are_counted_give_their_traces() -> None:
    """The trace id is the front of a span's key."""
    pane, given = Pane(), span(1, START, {"age": 1.0})
    pane.add_spans(given, [AGE])

    assert pane.traces == [given.keys[0][:16].hex()]


def test_a_pane_knows_in_which_hours_its_rows_came() -> None:
    """Points and spans: a point on a full hour counts the rows before it."""
    pane, streams, begin = Pane(), StreamDeltas(), START // HOUR * HOUR
    (rows,) = Sender().predict({}).tell(begin + HOUR)
    assert isinstance(rows, RowsPoint)
    feed(pane, streams, [rows._replace(count=5.0)])
    pane.add_spans(span(1, begin + HOUR + 1, {"age": 1.0}, weight=2.0), [])
    pane.add_spans(span(2, begin + 3 * HOUR, {"age": 1.0}), [])

    assert pane.hours == {begin: 5.0, begin + HOUR: 2.0, begin + 2 * HOUR: 1.0}
