"""Training's counts of segments in a profile."""

from pathlib import Path

import numpy as np
import pytest

import driftline
from driftline.reference.errors import ProfileError
from driftline.segments.encoding import from_text, to_text
from driftline.segments.training import LABELLED, LOW, ROWS, WRONG, SegmentTraining
from driftline.semconv import REFERENCE_SEGMENTS

ROWS_IN_ALL = 4000


def data(columns: int = 3) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    numbers = {f"n{i}": rng.normal(size=ROWS_IN_ALL) for i in range(columns)}
    return {**numbers, "plan": rng.choice(["basic", "plus", "gold"], ROWS_IN_ALL, p=[0.6, 0.3, 0.1])}


def outputs() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    label = rng.integers(0, 2, ROWS_IN_ALL)
    return {
        "y": label,
        "prediction": np.where(rng.random(ROWS_IN_ALL) < 0.1, 1 - label, label),
        "score": rng.random(ROWS_IN_ALL),
    }


@pytest.fixture(scope="module")
def training() -> SegmentTraining:
    found = driftline.profile(data(), **outputs()).segments
    assert found is not None
    return found


def test_a_profile_counts_rows_low_confidence_and_errors(training: SegmentTraining) -> None:
    """All rows have a label here; a tenth is of low confidence by definition, up to sampling."""
    rows, low, labelled, wrong = training.totals[[ROWS, LOW, LABELLED, WRONG]].tolist()
    given = outputs()
    assert (rows, labelled) == (ROWS_IN_ALL, ROWS_IN_ALL)
    assert wrong == np.count_nonzero(given["y"] != given["prediction"])
    assert low == pytest.approx(0.1 * ROWS_IN_ALL, rel=0.2)


def test_cells_hold_the_rows_of_their_values(training: SegmentTraining) -> None:
    """The commonest category has the first code, and its cell the rows that have it."""
    (column,) = [i for i, each in enumerate(training.columns) if each.name == "plan"]
    plan = data()["plan"]
    for code, name in enumerate(training.columns[column].categories):
        assert training.sums[ROWS, column * 10 + code] == np.count_nonzero(plan == name)


def test_counts_come_back_as_they_were_written(training: SegmentTraining) -> None:
    """What is an estimate anyway is kept to a few percent, and variation never less than it was."""
    found = from_text(to_text(training))
    assert found is not None
    assert found.columns == training.columns
    assert found.flags == training.flags
    assert (found.sums == training.sums).all()
    np.testing.assert_allclose(found.correction, training.correction, rtol=0.02)
    for mine, theirs in zip(found.variation, training.variation, strict=True):
        assert (mine.shares >= theirs.shares * (1 - 1e-9) - 1e-7).all()
        np.testing.assert_allclose(mine.shares, theirs.shares, rtol=0.1, atol=1e-6)


def test_thirty_columns_take_less_than_300_kilobytes() -> None:
    """Of a reference with label, prediction and score."""
    rng = np.random.default_rng(0)
    wide = {f"n{i}": rng.normal(size=ROWS_IN_ALL) for i in range(30)}
    found = driftline.profile(wide, **outputs()).segments
    assert found is not None
    assert len(to_text(found)) < 300_000


def test_ids_are_no_segments() -> None:
    """What the profile leaves out is not counted."""
    found = driftline.profile({**data(), "id": [f"order-{i}" for i in range(ROWS_IN_ALL)]}).segments
    assert found is not None
    assert [each.name for each in found.columns] == ["n0", "n1", "n2", "plan"]


def test_a_saved_profile_keeps_its_segments_and_an_old_one_has_none(tmp_path: Path) -> None:
    """They are one attribute, which earlier versions do not write."""
    path = tmp_path / "m.json"
    driftline.profile(data()).save(path)
    loaded = driftline.load_profile(path)
    assert loaded.segments is not None
    path.write_text(path.read_text().replace(REFERENCE_SEGMENTS, "of.another.version"))
    assert driftline.load_profile(path).segments is None


def test_damaged_segments_are_refused(tmp_path: Path) -> None:
    """The message names the attribute."""
    path = tmp_path / "m.json"
    profile = driftline.profile(data())
    profile.save(path)
    assert profile.segments is not None
    path.write_text(path.read_text().replace(to_text(profile.segments), "c$damaged"))
    with pytest.raises(ProfileError, match=REFERENCE_SEGMENTS):
        driftline.load_profile(path)


def test_beyond_thirty_columns_the_most_informative_are_paired() -> None:
    """Here the column in whose upper half the model is wrong, though it is the last of forty."""
    rng = np.random.default_rng(2)
    wide = {f"n{i:02}": rng.normal(size=ROWS_IN_ALL) for i in range(40)}
    label = rng.integers(0, 2, ROWS_IN_ALL)
    wrong = (wide["n39"] > 1) & (rng.random(ROWS_IN_ALL) < 0.5)
    found = driftline.profile(wide, y=label, prediction=np.where(wrong, 1 - label, label)).segments
    assert found is not None
    assert (len(found.columns), len(found.paired)) == (40, 30)
    assert 39 in found.paired


def test_training_codes_rows_as_serving_does() -> None:
    """Missing values, and categories that are too rare to be named, lie in the same cells on both sides."""
    rng = np.random.default_rng(3)
    few = rng.choice(np.array(["a", "b", "c", None], object), ROWS_IN_ALL, p=[0.5, 0.3, 0.1, 0.1])
    many = np.array([f"v{min(int(each), 40)}" for each in rng.exponential(6, ROWS_IN_ALL)], object)
    codes = np.where(rng.random(ROWS_IN_ALL) < 0.1, np.nan, rng.integers(0, 4, ROWS_IN_ALL))
    given = {"few": few, "many": many, "codes": codes, "n": np.where(codes == 1, np.nan, rng.normal(size=ROWS_IN_ALL))}
    found = driftline.profile(given, categorical=["codes"]).segments
    assert found is not None
    for i, column in enumerate(found.columns):
        counts = np.bincount(column.codes(given[column.name]), minlength=10)
        assert found.sums[ROWS, i * 10 : i * 10 + 10].tolist() == counts.tolist(), column.name


def test_declared_segments_are_counted_and_named(tmp_path: Path) -> None:
    """A condition has a column of its own; what is no input, or no condition, is refused by name."""
    path = tmp_path / "m.json"
    condition = 'n0 > 1 and plan in ("gold", "plus")'
    given = data()
    driftline.profile(given, segments=["plan", condition]).save(path)
    found = driftline.load_profile(path).segments
    assert found is not None
    assert found.declared == ("plan", condition)
    (place,) = [i for i, each in enumerate(found.columns) if each.condition == condition]
    inside = (given["n0"] > 1) & (given["plan"] != "basic")
    assert found.sums[ROWS, place * 10 : place * 10 + 2].tolist() == [(~inside).sum(), inside.sum()]
    for wrong in ("other > 1", "n0 >", "__import__('os')", "1 > 2"):
        with pytest.raises(ProfileError, match="segment"):
            driftline.profile(given, segments=[wrong])


def categories(seed: int, gold: float = 0.1) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    plan = rng.choice(["basic", "plus", "gold"], ROWS_IN_ALL, p=[0.9 - 2 * gold, gold + 0.1, gold])
    return {"plan": plan, "region": rng.choice(["north", "south"], ROWS_IN_ALL, p=[0.7, 0.3])}


def test_merging_adds_the_counts_of_the_same_cells() -> None:
    """As if all had been profiled at once; what differs between the two is variation."""
    parts, shifted = [categories(0), categories(1)], categories(2, gold=0.2)
    whole = driftline.profile({name: np.concatenate([part[name] for part in parts]) for name in parts[0]}).segments
    first, second, other = (driftline.profile(each) for each in (*parts, shifted))
    merged = first.merge(second).segments
    assert merged is not None
    assert whole is not None
    assert (merged.columns, merged.paired) == (whole.columns, whole.paired)
    assert merged.sums.tolist() == whole.sums.tolist()
    np.testing.assert_allclose(merged.correction[merged.correction > 0], 1.0, atol=0.2)
    assert merged.variation[0].duration == pytest.approx(0.5)  # 128 chunks of twice as many rows
    moved = first.merge(other).segments
    assert moved is not None
    gold = merged.columns[0].categories.index("gold")
    assert moved.variation[-1].shares[gold] > merged.variation[-1].shares[gold] + 0.05
    assert from_text(to_text(moved)) is not None


def test_merging_says_that_it_leaves_out_cells_that_differ() -> None:
    """Numbers are cut where each profile has them."""
    first, second = driftline.profile(data()), driftline.profile({**data(), "n0": data()["n0"] * 2})
    merged = first.merge(second)
    assert merged.segments is None
    assert any("no segments are found with this reference" in note for note in merged.notes)
    assert not any(
        "segments" in note for note in driftline.profile(categories(0)).merge(driftline.profile(categories(1))).notes
    )
