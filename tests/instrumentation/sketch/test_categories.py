import pytest

from driftline.semconv import OTHER
from driftline.sketch import CategorySketch, hashed


def counter(*batches: list[str] | dict[str, int], limit: int = 3) -> CategorySketch:
    result = CategorySketch(limit)
    for batch in batches:
        result.add(batch)
    return result


def test_rows_and_counts_are_added_alike() -> None:
    """A batch may come as rows or already counted."""
    assert counter(["a", "b", "a"]).counts() == counter({"a": 2, "b": 1}).counts() == {"a": 2, "b": 1}


def test_beyond_the_limit_rows_are_counted_under_other() -> None:
    """Of one batch the most frequent are admitted, by name among equals, in any order of the rows."""
    rows = ["e", "d", "d", "c", "b", "b", "a"]

    assert counter(rows).counts() == counter(rows[::-1]).counts() == {"b": 2, "d": 2, "a": 1, OTHER: 2}


def test_a_category_keeps_its_count() -> None:
    """Cumulative counts never fall, whatever comes later and however often; no row is lost."""
    full = counter(["a", "b", "c"], ["x"] * 50, ["a"])

    assert full.counts() == {"a": 2, "b": 1, "c": 1, OTHER: 50}
    assert full.rows == 54


def test_a_value_called_other_is_counted_with_the_others() -> None:
    """There is one count by that name."""
    assert counter([OTHER, "a"], limit=1).counts() == {"a": 1, OTHER: 1}
    assert counter({"a": 1, "b": 1, OTHER: 1}, limit=1).counts() == {"a": 1, OTHER: 2}


def test_counts_are_a_copy() -> None:
    """Changing them changes nothing inside."""
    one = counter(["a"])
    one.counts()["a"] = 9

    assert one.counts() == {"a": 1}


def test_merging_commutes_and_leaves_its_argument_as_it_is() -> None:
    """The most frequent of both keep their names."""
    rows, counts = ["a", "a", "b", "c", "d"], {"d": 5, "e": 4, "x": 1, "y": 1}
    left, right = counter(rows), counter(counts)
    left.merge(right)
    mirrored = counter(counts)
    mirrored.merge(counter(rows))

    assert left.counts() == mirrored.counts() == {"d": 5, "e": 4, "a": 2, OTHER: 5}
    assert right.counts() == {"d": 5, "e": 4, "x": 1, OTHER: 1}


def test_the_limit_must_leave_room() -> None:
    """The error shows the rule and the value."""
    with pytest.raises(ValueError, match="at least 1, got 0"):
        CategorySketch(0)


def test_a_hashed_name_is_stable_and_tells_nothing() -> None:
    """Sixteen hex digits, the same in every process; any string has one, and OTHER stays itself."""
    assert hashed("Berlin") == "#42bc872119272217"
    assert hashed("Berlin") != hashed("berlin")
    assert len(hashed("\ud800")) == 17
    assert hashed(OTHER) == OTHER


def test_a_category_that_becomes_frequent_later_gets_a_name() -> None:
    """Some places are kept for it: of rare ones, however many come, none takes them; no row is lost."""
    rare = CategorySketch(64)
    for batch in range(50):
        rare.add([f"rare {batch} {i}" for i in range(100)])
    before = rare.counts()
    rare.add(["late"] * 40 + [f"rare {i}" for i in range(60)])
    after = rare.counts()

    assert len(before) == 56 + 1
    assert after.keys() - before.keys() == {"late"}
    assert after["late"] == 40
    assert rare.rows == 5_100


def test_what_is_frequent_shows_over_small_batches_too() -> None:
    """Single rows add up; from then on the category has a count of its own, and it keeps it."""
    counted = CategorySketch(64)
    counted.add([f"first {i}" for i in range(56)])
    for i in range(3_000):
        counted.add([f"rare {i}" if i % 10 else "late"])

    assert 250 <= counted.counts()["late"] < 300
    assert counted.rows == 3_056


def test_names_stay_within_the_limit() -> None:
    """However many become frequent one after the other."""
    counted = CategorySketch(64)
    counted.add([f"first {i}" for i in range(100)])
    for i in range(30):
        counted.add([f"late {i}"] * 100)

    assert len(counted.counts()) == 64 + 1
    assert counted.rows == 3_100
