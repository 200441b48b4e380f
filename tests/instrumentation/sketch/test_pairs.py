"""Pairs of inputs: how rows are told apart, and which pairs a training profile holds."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import driftline
from driftline.profiling import Profile
from driftline.profiling.pair_selection import MOST_PAIRS, choose_pairs, threshold
from driftline.sketch.pairs import Pair, Pairs

NAN = float("nan")
AB = Pair(("a", "b"), (0.5, 10.0))


def normal(columns: int, rows: int = 2000, seed: int = 0) -> dict[str, NDArray[np.float64]]:
    rng = np.random.default_rng(seed)
    return {f"x{i}": rng.normal(size=rows) for i in range(columns)}


def test_rows_lie_on_the_same_side_or_on_opposite_ones() -> None:
    """A value at the threshold is on the lower side; an infinite one has a side."""
    columns = {"a": np.array([0.0, 0.5, 1.0, 1.0, np.inf]), "b": np.array([10.0, 11.0, 11.0, -np.inf, 12.0])}
    assert dict(Pairs({AB.name: AB}).count(columns)) == {AB.name: {"same": 3, "opposite": 2}}


def test_rows_that_lack_a_number_are_in_neither() -> None:
    """NaN, None, and text that is no number, in one column or both."""
    columns: dict[str, Any] = {
        "a": np.array([NAN, 1.0, 1.0, 1.0, NAN]),
        "b": np.array([11.0, None, "none", "11", None], object),
    }
    assert dict(Pairs({AB.name: AB}).count(columns)) == {AB.name: {"same": 1, "opposite": 0}}


@pytest.mark.parametrize("rows", [0, 1, 7, 8, 9, 1000])
def test_every_row_is_counted_once(rows: int) -> None:
    """Whatever their number is modulo the bits of a byte; against numpy."""
    rng = np.random.default_rng(rows)
    a, b = rng.normal(size=(2, rows))
    a[rng.random(rows) < 0.1] = NAN
    ((_, found),) = Pairs({"a b": Pair(("a", "b"), (0.1, -0.2))}).count({"a": a, "b": b})
    held = ~np.isnan(a)
    same = int(np.count_nonzero(((a > 0.1) == (b > -0.2)) & held))
    assert found == {"same": same, "opposite": int(np.count_nonzero(held)) - same}


def test_a_pair_without_both_members_is_not_counted() -> None:
    """A server may know fewer columns than the reference."""
    assert list(Pairs({AB.name: AB}).count({"a": np.zeros(3)})) == []


def test_a_pair_by_other_thresholds_has_another_name() -> None:
    """A retrained reference must not be compared with counts by the medians of the old one."""
    assert AB.name.startswith("a × b #")
    assert AB._replace(thresholds=(0.5, 11.0)).name != AB.name


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1.0, 2.0, 3.0, 4.0], 2.5),
        ([0.0] * 6 + [1.0, 2.0, 3.0, 4.0], 0.5),  # an atom of more than half of the rows
        ([0.0] * 3 + [1.0] * 4 + [5.0] * 3, 0.5),  # one in the middle: the first of two equal splits
        ([0.0] * 95 + [1.0] * 5, None),  # all but constant
        ([7.0] * 10, None),
        ([NAN, np.inf, 1.0], None),
        ([NAN, -np.inf, 1.0, 2.0], 1.5),
        ([1.0, np.nextafter(1.0, 2.0)], 1.0),  # nothing lies between
    ],
)
def test_thresholds_part_the_rows_between_two_values(values: list[float], expected: float | None) -> None:
    """As near to half as values allow; columns that are all but constant have none."""
    assert threshold(np.array(values)) == expected


def test_few_columns_have_all_pairs() -> None:
    """In the order of the columns; constants are in none."""
    sample = {**normal(4), "constant": np.ones(2000)}
    chosen = [pair.members for pair in choose_pairs(sample)]
    assert chosen == [("x0", "x1"), ("x0", "x2"), ("x0", "x3"), ("x1", "x2"), ("x1", "x3"), ("x2", "x3")]


def test_columns_that_share_no_rows_are_no_pair() -> None:
    """Nothing could be said of it."""
    a, b = np.random.default_rng(0).normal(size=(2, 100))
    a[:50], b[50:] = NAN, NAN
    assert choose_pairs({"a": a, "b": b}) == []


@pytest.mark.parametrize("columns", [30, 400])
def test_pairs_of_many_columns_are_bounded_and_the_same_each_time(columns: int) -> None:
    """What goes together is among them, and what does not has its share."""
    sample = normal(columns)
    names = list(sample)
    sample[names[1]] = sample[names[0]] + 0.5 * sample[names[1]]
    chosen = choose_pairs(sample)
    assert len(set(chosen)) == MOST_PAIRS
    assert choose_pairs(sample) == chosen
    if columns <= MOST_PAIRS:
        assert (names[0], names[1]) in {pair.members for pair in chosen}
        assert {name for pair in chosen for name in pair.members} == set(names)


def test_a_profile_has_pairs_of_numeric_inputs_alone() -> None:
    """No ids, codes, texts, times, labels or outputs; missing rows are in no pair."""
    rng = np.random.default_rng(1)
    x: dict[str, Any] = {
        "row": np.arange(500),
        "age": rng.normal(size=500),
        "pay": np.where(rng.random(500) < 0.2, NAN, rng.normal(size=500)),
        "ward": rng.integers(0, 5, 500),
        "city": rng.choice(["Bonn", "Köln"], 500),
        "when": rng.integers(0, 10**9, 500).astype("datetime64[s]"),
        "seen": rng.integers(0, 10**9, 500).astype("datetime64[s]"),
    }
    profile = driftline.profile(x, y=rng.integers(0, 2, 500), score=rng.random(500), categorical=["ward"])
    (column,) = profile.pairs
    assert column.pair is not None
    assert column.pair.members == ("age", "pay")
    assert column.rows == sum(column.categories.values()) == int(np.isfinite(x["pay"]).sum())
    assert column.bins.sum(axis=0).tolist() == [column.categories["same"], column.categories["opposite"], 0]
    assert column.key not in {each.key for each in profile.columns}


def halves() -> tuple[Profile, Profile, Profile]:
    """Of the first and the last rows of four codes with equal medians, and of all."""
    rng = np.random.default_rng(2)
    x = {name: rng.integers(0, 4, 4000) for name in "ab"}
    parts = [
        {name: values[part] for name, values in x.items()} for part in (slice(2000), slice(2000, None), slice(None))
    ]
    first, last, whole = (driftline.profile(part, model="m") for part in parts)
    return first, last, whole


def test_profiles_with_the_same_medians_merge_their_pairs() -> None:
    """Rows and chunks add up, and the pair is the same column as in a profile of all rows."""
    first, last, whole = halves()
    (merged,), (expected,) = first.merge(last).pairs, whole.pairs
    assert (merged.key, merged.rows, merged.categories) == (expected.key, 4000, expected.categories)
    assert merged.bins.sum() == 4000


def test_pairs_by_other_medians_are_left_out_of_a_merged_profile() -> None:
    """And said to be: their rows cannot be counted again."""
    a, b = (driftline.profile(normal(3, seed=seed), model="m") for seed in (0, 1))
    merged = a.merge(b)
    assert merged.pairs == ()
    assert any(note.startswith("Left out 3 pairs of inputs") for note in merged.notes)


def test_a_saved_profile_has_its_pairs(tmp_path: Path) -> None:
    """Members, thresholds, rows and chunks, to the last digit."""
    profile = driftline.profile(normal(3), model="m")
    profile.save(tmp_path / "m.json")
    loaded = driftline.load_profile(tmp_path / "m.json")
    assert [(each.key, each.pair, each.rows, each.categories) for each in loaded.pairs] == [
        (each.key, each.pair, each.rows, each.categories) for each in profile.pairs
    ]
    assert [each.bins.tolist() for each in loaded.pairs] == [each.bins.tolist() for each in profile.pairs]
