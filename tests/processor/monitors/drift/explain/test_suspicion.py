"""How likely a row is one that moved, by its value: what is more than in training."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import driftline
from driftline.sketch import Intervals
from driftline_processor.engine.accumulator import Accumulator
from driftline_processor.monitors.drift.explain.suspicion import excess, suspicion
from driftline_processor.records import ColumnKey, ColumnSummary, ReferenceColumn
from driftline_processor.reference import read_reference

RNG = np.random.default_rng(0)
AGES = RNG.normal(60.0, 10.0, 20_000)
TRAINING: Mapping[str, Any] = {
    "age": AGES,
    "visits": RNG.poisson(3, 20_000),
    "plan": RNG.choice(["basic", "gold"], 20_000, p=[0.9, 0.1]),
    "code": RNG.choice([1, 2, 3], 20_000),
    "member": RNG.random(20_000) < 0.5,
    "rare": [None if i % 10 == 0 else 1.0 * (i % 7) for i in range(20_000)],
}
REFERENCE = read_reference(driftline.profile(TRAINING, model="churn", categorical=["code"]).to_request())


def column(name: str) -> ReferenceColumn:
    return REFERENCE.columns[ColumnKey("input", name)]


def held(*values: Any) -> ColumnSummary:
    accumulator = Accumulator()
    for each in values:
        accumulator.add_values(each, np.ones(len(each)))
    return accumulator.summary()


def suspects(name: str, window: ColumnSummary, values: Sequence[Any], aspect: str = "value") -> list[float]:
    return suspicion(column(name), window, aspect, values)


def test_what_is_as_in_training_is_not_suspect() -> None:
    """Chance may make a little more of some value."""
    assert max(suspects("age", held(RNG.normal(60.0, 10.0, 2_000)), AGES[:200].tolist())) < 0.3


@pytest.mark.parametrize("share", [0.02, 0.1, 0.5, 1.0])
@pytest.mark.parametrize("factor", [100.0, 0.01, -1.0])
def test_another_unit_is_suspect_and_its_neighbours_are_not(share: float, factor: float) -> None:
    """Whatever part of the rows has it, and whether it is large or small."""
    ages = RNG.normal(60.0, 10.0, 4_000)
    broken = np.arange(4_000) < share * 4_000
    window = held(np.where(broken, factor * ages, ages))
    found = suspects("age", window, [60.0 * factor, 60.0])

    assert found[0] > 0.85
    assert found[1] < 0.2


def test_a_shift_makes_the_far_end_suspect() -> None:
    """Half of the rows by one and a half spreads: at the end that training hardly knows nearly all are shifted."""
    window = held(RNG.normal(60.0, 10.0, 2_000), RNG.normal(75.0, 10.0, 2_000))
    low, middle, high = suspects("age", window, [45.0, 73.0, 95.0])

    assert high > 0.8
    assert high > middle > low == 0.0


def test_categories() -> None:
    """A new one, one that has grown, and one that has shrunk; whatever is missing is none of them."""
    window = held(["basic"] * 500 + ["gold"] * 400 + ["platinum"] * 100 + [None] * 10)
    new, grown, shrunk, none = suspects("plan", window, ["platinum", "gold", "basic", None])

    assert new > 0.85
    assert new > grown > 0.6
    assert shrunk == none == 0.0


@pytest.mark.parametrize("spelling", [7, 7.0, "7"])
def test_codes_go_by_what_they_stand_for(spelling: object) -> None:
    """A category may be a number: as one or as a text."""
    values = [1.0, 2.0, 3.0] * 300 + [7.0] * 100
    window = held(np.array(values) if not isinstance(spelling, str) else [str(int(each)) for each in values])

    assert suspects("code", window, [spelling])[0] > 0.8


def test_truth_values() -> None:
    """As numbers, or as such."""
    window = held([True] * 90 + [False] * 910)
    found = suspects("member", window, [False, True, 0.0, 1.0])

    assert found[0] == found[2] > 0.4
    assert found[1] == found[3] == 0.0


@pytest.mark.parametrize(
    ("aspect", "odd", "others"),
    [
        ("missing", None, [1.0, "text", float("inf")]),
        ("missing", float("nan"), [1.0, "text", float("inf")]),
        ("wrong_type", "text", [1.0, None, float("inf"), "1.0"]),
        ("non_finite", float("inf"), [1.0, None, "text"]),
        ("non_finite", -float("inf"), [1.0, None, "text"]),
    ],
)
def test_states(aspect: str, odd: Any, others: list[Any]) -> None:
    """Where a state has become more, the rows in it are suspect, and no other ones."""
    found = suspects("age", held([41.0] * 900 + [odd] * 100), [odd, *others], aspect)

    assert found[0] > 0.85
    assert found[1:] == [0.0] * len(others)


def test_a_state_that_training_had_is_less_suspect() -> None:
    """A tenth of its rows are missing: of a fifth now, half are usual."""
    assert 0.3 < suspects("rare", held([1.0] * 800 + [None] * 200), [None], "missing")[0] < 0.5


def test_an_aspect_of_values_suspects_no_row_without_one() -> None:
    """Nor does one of a state suspect those of another one."""
    assert suspects("age", held([41.0, None] * 500), [None, "text"]) == [0.0, 0.0]


@pytest.mark.parametrize(("live", "expected"), [(0.0, 0.0), (0.0, 5.0), (1.0, 0.0), (3.0, 4.0)])
def test_few_rows_tell_nothing(live: float, expected: float) -> None:
    """Not even where training has none."""
    assert excess(live, expected) == 0.0


@given(st.lists(st.tuples(st.floats(-1e3, 1e3), st.floats(0.0, 500.0), st.floats(0.1, 1e4)), min_size=1, max_size=20))
def test_any_window_gives_a_share(parts: list[tuple[float, float, float]]) -> None:
    """From 0 to 1, also of intervals that lie across edges: no window may fail for want of an example."""
    lower, width, weight = (np.array(each) for each in zip(*parts, strict=True))
    window = ColumnSummary(
        intervals=Intervals(lower, lower + width, weight).merge(), rows=float(weight.sum()), squares=float(weight.sum())
    )
    found = suspects("age", window, [None, *lower.tolist(), *(lower + width).tolist()])

    assert all(0.0 <= each <= 1.0 for each in found)
