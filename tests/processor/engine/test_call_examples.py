"""Examples of calls: few, spread over the values of a column, and the same in whatever order they came."""

from collections.abc import Sequence
from typing import Any

import msgpack
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftline_processor.engine.call_examples import (
    ANY,
    ENDS,
    NAMES,
    OF_A_STATE,
    CallExample,
    CallExamples,
    ColumnExamples,
    pack_examples,
    thinned,
    unpack_examples,
)
from driftline_processor.records import ColumnKey, CountPoint, ExampleRows, PointExemplar, Scalar, Window
from engine_records import AGE, CHURN, MINUTE, START, digest

PLAN = ColumnKey("input", "plan")
WINDOW = Window(START, START + MINUTE)


def example(number: int, value: Scalar) -> CallExample:
    return CallExample(digest("call", number) + bytes(8), 0, START + 1 + number, value)


def spans(
    values: Sequence[Scalar], first: int = 0, columns: Sequence[ColumnKey] = (AGE,), rows: int = 1
) -> ExampleRows:
    """A call for each value, or for each few of them. Numbers come as an array."""
    calls = len(values) // rows
    keys = [digest("trace", first + i) + digest("span", first + i)[:8] for i in range(calls)]
    numeric = all(isinstance(value, float) for value in values)
    held: Any = np.array(values) if numeric else list(values)
    times = START + 1 + np.arange(first, first + calls)
    return ExampleRows(CHURN, "predict", keys, times, np.ones(calls), rows, dict.fromkeys(columns, held))


def kept(*records: ExampleRows, column: ColumnKey = AGE) -> list[CallExample]:
    examples = CallExamples(MINUTE, MINUTE)
    for record in records:
        examples.add(record, record.times)
    return examples.of(WINDOW, column)


values = st.one_of(
    st.none(), st.booleans(), st.sampled_from([1.0, 2.0, float("inf"), float("nan")]), st.floats(allow_nan=False),
    st.integers(0, 40).map("category {}".format),
)  # fmt: skip


@given(st.lists(values, max_size=400), st.integers(1, 60), st.randoms(use_true_random=False))
def test_the_order_of_arrival_changes_nothing(found: list[Scalar], at_once: int, random: Any) -> None:
    """Nor does it in how many parts they come, or whether some come twice."""
    every = [example(i, value) for i, value in enumerate(found)]
    shuffled = [*every, *every[:5]]
    random.shuffle(shuffled)
    column = ColumnExamples()
    for at in range(0, len(shuffled), at_once):
        column.add(shuffled[at : at + at_once])

    assert repr(thinned(column.held)) == repr(thinned(every))


@given(st.lists(st.one_of(st.floats(width=32), st.sampled_from([1.0, 2.0])), min_size=80, max_size=200))
def test_spans_that_are_read_together_are_those_read_one_by_one(numbers: list[float]) -> None:
    """A large record is thinned before it is looked at: that loses none of those that are kept."""
    one_by_one = [spans([number], i) for i, number in enumerate(numbers)]

    assert repr(kept(spans(numbers))) == repr(kept(*one_by_one))


@given(st.lists(values, min_size=80, max_size=200))
def test_so_are_those_with_texts(mixed: list[Scalar]) -> None:
    """Plain values of any kind."""
    one_by_one = [spans([value], i) for i, value in enumerate(mixed)]

    assert repr(kept(spans([*mixed, "text"]))) == repr(kept(*one_by_one, spans(["text"], len(mixed))))


def test_ends_and_odd_values_are_among_them() -> None:
    """However many there are of the others: what moves a column is often rare."""
    odd = [1e9, 1e8, -1e9, -1e8, float("nan"), float("inf")]
    found = [each.value for each in kept(spans([*np.linspace(0, 1, 5_000).tolist(), *odd]))]

    assert {repr(value) for value in odd} <= {repr(value) for value in found}
    assert len(found) <= ANY + 2 * ENDS + 2 * OF_A_STATE


def test_each_category_has_one() -> None:
    """So that one that has just appeared can be shown."""
    found = {each.value for each in kept(spans(["usual"] * 3_000 + ["new"] + [None]))}

    assert found == {"usual", "new", None}


def test_they_are_few() -> None:
    """Of any number of categories and calls."""
    found = kept(*(spans([f"name {i}" for i in range(n, n + 500)], n) for n in range(0, 20_000, 500)))

    assert ANY <= len(found) <= ANY + NAMES


def test_rows_of_a_batch_are_told_apart() -> None:
    """A call is named by the row that is odd."""
    found = kept(spans([1.0, 2.0, 3.0, 4.0], rows=2))

    assert [(each.row, each.value) for each in found] == [(1, 4.0), (0, 3.0), (1, 2.0), (0, 1.0)]


def test_an_input_that_a_span_lacks_is_missing_in_it() -> None:
    """Many SDKs leave out what is null. What no span shows is hidden, and misses nowhere."""
    found = kept(spans([1.0], 0, [AGE, PLAN]), spans([2.0], 1, [PLAN]))

    assert [each.value for each in found] == [None, 1.0]
    assert not kept(spans([2.0], 1, [PLAN]))


def test_they_are_of_their_window() -> None:
    """And go with its panes; spans that are ahead of their sketches wait."""
    examples = CallExamples(2 * MINUTE, MINUTE)
    for minute in range(3):
        record = spans([float(minute)], minute)
        examples.add(record, record.times + minute * MINUTE)

    assert [each.value for each in examples.of(Window(START, START + 2 * MINUTE), AGE)] == [1.0, 0.0]
    examples.forget(START + MINUTE)
    assert [each.value for each in examples.of(Window(START, START + 3 * MINUTE), AGE)] == [2.0, 1.0]


def test_panes_are_bounded() -> None:
    """Also where no window ever ends."""
    examples = CallExamples(MINUTE, MINUTE)
    for minute in range(1_000):
        record = spans([1.0], minute)
        examples.add(record, record.times + minute * MINUTE)

    assert len(examples.panes) < 100
    assert max(examples.panes) == START + 999 * MINUTE


def test_what_is_stored_is_read_again() -> None:
    """As plain values."""
    examples = CallExamples(MINUTE, MINUTE)
    for record in (spans([1.0, 2.0, float("inf")]), spans(["gold", None, True], 9, [PLAN])):
        examples.add(record, record.times)
    stored = msgpack.unpackb(msgpack.packb(pack_examples(examples.panes)), strict_map_key=False, use_list=False)
    again = CallExamples(MINUTE, MINUTE, unpack_examples(stored))

    for column in (AGE, PLAN):
        assert again.of(WINDOW, column) == examples.of(WINDOW, column)


@pytest.mark.parametrize("value", [1.0, "gold", None])
def test_ids_are_those_of_the_span(value: Scalar) -> None:
    """In the form of OTLP's JSON."""
    (found,) = kept(spans([value]))

    assert (found.trace, found.span) == (digest("trace", 0).hex(), digest("span", 0)[:8].hex())


def test_exemplars_of_points_are_examples() -> None:
    """Of the pane of their point, whose rows they are."""
    examples = CallExamples(MINUTE, MINUTE)
    calls = tuple(PointExemplar(digest("trace", i) + digest("span", i)[:8], START + i, float(i)) for i in range(2))
    point = CountPoint(b"", CHURN, PLAN, "predict", START, START + 9, True, "category", "gold", 2.0, calls)
    examples.add_exemplars(point, START + 9)

    assert [(each.trace, each.time, each.value) for each in examples.of(WINDOW, PLAN)] == [
        (digest("trace", i).hex(), START + i, float(i)) for i in (1, 0)
    ]
