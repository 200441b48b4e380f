"""`driftline.profile`: every row counted once, in the whole and in its chunk, by what its column holds."""

import datetime as dt
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import driftline
from driftline.profiling import Profile, ProfileColumn, ProfileError
from driftline.sketch import Intervals
from interval_statistics import ks_bounds

ROWS = 4000


def column(profile: Profile, name: str, target: str = "input") -> ProfileColumn:
    return next(each for each in profile.columns if each.key == (target, name))


def names(profile: Profile) -> list[str]:
    return [each.key.name for each in profile.columns]


@pytest.fixture
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    return pd.DataFrame(
        {
            "number": rng.normal(size=ROWS),
            "few": rng.integers(0, 7, ROWS),
            "many": rng.integers(0, 900, ROWS),
            "flag": rng.random(ROWS) < 0.25,
            "name": rng.choice(["x", "y", "z"], ROWS, p=[0.5, 0.3, 0.2]),
            "holes": np.where(rng.random(ROWS) < 0.2, np.nan, 1.5),
            "poles": np.where(rng.random(ROWS) < 0.1, -np.inf, rng.normal(size=ROWS)),
            "nothing": np.nan,
        }
    )


def test_every_row_is_counted_once_in_the_whole_and_in_a_chunk(frame: pd.DataFrame) -> None:
    """Values, missing and infinite ones add up to the rows of the data, for each column and each chunk."""
    profile = driftline.profile(frame)
    assert names(profile) == list(frame.columns)
    assert len(profile.chunks) == 128
    for each in profile.columns:
        rows = each.bins.sum(axis=1) + sum(each.state_rows.values())
        assert each.rows == profile.rows == ROWS
        assert rows.tolist() == (profile.chunks.ends - profile.chunks.starts).tolist()
        assert each.bins.sum() == each.valid
        if each.numbers is not None:
            assert each.numbers.rows == ROWS


def test_states_are_counted_and_a_column_of_nothing_is_kept_and_told(frame: pd.DataFrame) -> None:
    """NaN is missing, an infinity is not finite, and a column without a value is no error."""
    profile = driftline.profile(frame)
    assert column(profile, "holes").states == {"missing": int(frame["holes"].isna().sum())}
    assert column(profile, "poles").states == {"non_finite": int(np.isinf(frame["poles"]).sum())}
    assert column(profile, "nothing").states == {"missing": ROWS}
    assert column(profile, "nothing").range is None
    assert "'nothing' has no values: all are missing" in profile.notes


def test_types_ranges_and_categories_are_the_schema(frame: pd.DataFrame) -> None:
    """Numbers of any kind are numeric; integers with few values are counted as categories as well."""
    profile = driftline.profile(frame)
    assert {each.key.name: each.type for each in profile.columns} == {
        "number": "float",
        "few": "integer",
        "many": "integer",
        "flag": "boolean",
        "name": "string",
        "holes": "float",
        "poles": "float",
        "nothing": "float",
    }
    assert column(profile, "number").range == (frame["number"].min(), frame["number"].max())
    assert column(profile, "few").range == (0.0, 6.0)
    assert column(profile, "flag").range == (0.0, 1.0)
    assert column(profile, "few").categories == {str(k): n for k, n in frame["few"].value_counts().items()}
    assert column(profile, "name").categories == frame["name"].value_counts().to_dict()
    assert column(profile, "many").categories == {}


def test_cells_hold_about_equal_shares_and_none_of_the_training_data_lies_outside(frame: pd.DataFrame) -> None:
    """32 cells between the smallest and the largest value, and two empty ones beyond; atoms have cells of their own."""
    profile = driftline.profile(frame)
    number = column(profile, "number")
    shares = number.bins.sum(axis=0) / ROWS
    assert len(number.edges) == 33
    assert shares[0] == shares[-1] == 0.0
    assert shares[1:-1].min() > 0.01
    assert shares[1:-1].max() < 0.06
    few = column(profile, "few")
    assert few.bins.sum(axis=0).tolist() == [0, *np.bincount(frame["few"]).tolist(), 0]


def test_the_sketch_of_the_whole_agrees_with_the_data() -> None:
    """The certain distance between the profile and the rows themselves is within the sketch's bound."""
    values = np.random.default_rng(5).lognormal(1.0, 1.0, 20_000)
    numbers = column(driftline.profile(values), "x0").numbers
    assert numbers is not None
    assert ks_bounds(numbers.intervals(), Intervals.of_values(values))[0] < 0.005


def test_chunks_are_of_equal_duration_where_there_is_a_clock() -> None:
    """Rows go to the chunk of their time whatever their order; a row without a time is counted in the whole alone."""
    seconds = 1_700_000_000 + np.arange(ROWS) ** 1.1
    times = pd.Series(pd.to_datetime(seconds, unit="s"))
    times[0] = pd.NaT
    frame = pd.DataFrame({"x": np.arange(ROWS) / 7, "when": times}).sample(frac=1, random_state=0)
    profile = driftline.profile(frame, keep=["x"])
    assert names(profile) == ["x"]
    assert profile.notes == (
        "Using 'when' as the timestamp, the only column of times (--timestamp may name numbers instead)",
    )
    assert profile.chunks.has_timestamps
    assert np.ptp(profile.chunks.ends - profile.chunks.starts) < 1e-3
    x = column(profile, "x")
    assert x.bins.sum() == ROWS - 1
    expected, _ = np.histogram(seconds[1:], np.append(profile.chunks.starts, profile.chunks.ends[-1]))
    assert np.abs(x.bins.sum(axis=1) - expected).sum() <= 2  # times have microseconds


@pytest.mark.parametrize("unit", [1, 10**3, 10**6, 10**9])
def test_a_timestamp_may_be_a_number_of_any_usual_unit(unit: int) -> None:
    """Seconds, milliseconds, microseconds or nanoseconds since 1970 are told apart by their size."""
    times = (1_700_000_000 + np.arange(ROWS)) * unit
    profile = driftline.profile({"x": np.random.default_rng(0).random(ROWS)}, timestamp=times)
    assert profile.chunks.has_timestamps
    assert profile.chunks.starts[0] == pytest.approx(1_700_000_000, abs=0.01)
    assert profile.chunks.ends[-1] == pytest.approx(1_700_000_000 + ROWS - 1, abs=0.01)


def test_numbers_that_are_hardly_times_are_no_timestamp() -> None:
    """Ages as Unix seconds would be two minutes of 1970; who means 1970 gives times and not numbers."""
    ages = {"x": np.random.default_rng(0).random(ROWS), "age": 18 + np.arange(ROWS) % 60}
    with pytest.raises(
        ProfileError, match=r"column 'age' must hold Unix times beyond 1970 .got 18 to 77.; .*like 1970-05-31 12:00:00"
    ):
        driftline.profile(ages, timestamp="age")
    meant = driftline.profile(pd.DataFrame(ages).assign(age=pd.to_datetime(ages["age"], unit="s")), timestamp="age")
    assert meant.chunks.ends[-1] == 77.0


def test_several_columns_with_times_are_inputs_until_one_is_named() -> None:
    """None is guessed; as an input a time is a number, in Unix seconds."""
    start = pd.Timestamp("2024-01-01")
    times = {name: start + pd.to_timedelta(np.arange(ROWS), "h") for name in ("made", "paid")}
    profile = driftline.profile(pd.DataFrame(times))
    assert not profile.chunks.has_timestamps
    assert column(profile, "paid").range == (start.timestamp(), start.timestamp() + (ROWS - 1) * 3600)
    assert profile.notes[0].startswith("Using no timestamp: 'made', 'paid' all hold times")
    named = driftline.profile(pd.DataFrame(times), timestamp="paid", keep=["made"])
    assert named.chunks.has_timestamps
    assert names(named) == ["made"]


def test_a_time_far_away_is_told_by_the_chunks_that_it_leaves_empty() -> None:
    """One date of 1970 among those of a day stretches the clock over decades."""
    times = np.append(1_700_000_000 + np.arange(ROWS - 1), 0)
    profile = driftline.profile({"x": np.random.default_rng(0).random(ROWS)}, timestamp=times)
    assert profile.notes == ("126 of 128 chunks are empty: check the timestamps for outliers",)


def test_short_data_has_fewer_chunks() -> None:
    """A chunk has eight rows at least, and one row makes one chunk."""
    assert len(driftline.profile(np.arange(80.0)).chunks) == 10
    assert len(driftline.profile(np.arange(1.0)).chunks) == 1


def test_ids_are_left_out_and_told() -> None:
    """Row numbers, unique integers and nearly unique texts; floats, codes and repeated integers are no ids."""
    rng = np.random.default_rng(2)
    data = {
        "row": np.arange(ROWS),
        "account": rng.permutation(10 * ROWS)[:ROWS],
        "big": 2**62 + rng.permutation(ROWS),
        "mail": [f"{i // 20 * 20 + min(i % 20, 18)}@example.org" for i in range(ROWS)],
        "float": np.arange(ROWS) / 3,
        "repeated": np.append(np.arange(ROWS - 1), 0),
        "user": [f"user {i // 4}" for i in range(ROWS)],
    }
    profile = driftline.profile(data)
    assert names(profile) == ["float", "repeated", "user"]
    assert [re.findall("'(.*?)'", note)[0] for note in profile.notes] == ["row", "account", "big", "mail"]
    assert names(driftline.profile(data, keep=["row"], categorical=["account"]))[:2] == ["row", "account"]


def test_an_id_is_told_by_all_rows_not_by_the_sample() -> None:
    """An integer that is distinct in any few thousand rows, but not in all, is a quantity."""
    values = np.random.default_rng(0).integers(0, 20_000_000, 100_000)
    assert len(np.unique(values)) < len(values)
    assert names(driftline.profile({"price": values})) == ["price"]


def test_declared_codes_are_categories_by_the_names_of_their_numbers() -> None:
    """Whole numbers are named as such, whether stored as integers or, for want of missing ones, as floats."""
    codes = np.array([1.0, 2.0, 2.5, np.nan, np.inf] * 100)
    profile = driftline.profile({"code": codes}, categorical=["code"])
    code = column(profile, "code")
    assert (code.type, code.numbers) == ("category", None)
    assert code.categories == {"1": 100, "2": 100, "2.5": 100}
    assert code.states == {"missing": 100, "non_finite": 100}
    assert code.bin_categories == ("1", "2", "2.5")


def test_categories_beyond_the_bounds_are_counted_together() -> None:
    """1,000 categories have a name and 256 a cell; all rows are counted; long texts go by their digest."""
    rng = np.random.default_rng(0)
    values = [f"c{i}" for i in rng.zipf(1.2, 60_000) % 100_000] + ["long " * 100] * 500
    profile = driftline.profile({"name": values})
    name = column(profile, "name")
    truth = pd.Series(values).value_counts()
    assert len(name.categories) == 1001
    assert sum(name.categories.values()) == len(values)
    assert name.categories["c1"] == truth["c1"]
    assert len([each for each in name.categories if each.startswith("#")]) == 1
    assert name.bins.shape == (128, 257)
    assert name.bins.sum() == len(values)


def test_many_columns_of_many_categories_share_the_cells() -> None:
    """Thirty such columns have 68 cells each, so that a reference stays small; columns of few categories take none."""
    rng = np.random.default_rng(0)
    wide = {f"wide{i}": rng.integers(0, 300, 2_000).astype(str) for i in range(30)}
    profile = driftline.profile({**wide, "narrow": rng.integers(0, 3, 2_000).astype(str)})
    assert {column(profile, name).bins.shape[1] for name in wide} == {69}
    assert column(profile, "narrow").bins.shape[1] == 4


def test_outputs_and_labels_are_classes_or_numbers_by_what_they_hold() -> None:
    """Few whole numbers, booleans and texts are classes; the confidence follows from a probability."""
    rng = np.random.default_rng(0)
    score = rng.random(ROWS)
    classes = driftline.profile(
        rng.random((ROWS, 2)), y=score > 0.5, prediction=np.where(score > 0.5, 1.0, 0.0), score=score
    )
    assert column(classes, "label", "label").categories == {
        "True": int((score > 0.5).sum()),
        "False": int((score <= 0.5).sum()),
    }
    assert set(column(classes, "prediction", "output").categories) == {"0", "1"}
    assert column(classes, "score", "output").range == (score.min(), score.max())
    confidence = np.maximum(score, 1 - score)
    assert column(classes, "confidence", "output").range == (confidence.min(), confidence.max())
    numbers = driftline.profile(
        rng.random((ROWS, 2)), y=rng.random(ROWS), prediction=rng.random(ROWS) * 9, score=score * 5
    )
    assert column(numbers, "label", "label").numbers is not None
    assert column(numbers, "prediction", "output").numbers is not None
    assert "confidence" not in names(numbers)


def test_a_label_keeps_its_name(tmp_path: Path) -> None:
    """That of its column, or of the series that it is, also when saved, and where an input is called `label`."""
    values = {"label": np.arange(400.0) % 7, "prediction": np.arange(400.0) % 5, "left": np.arange(400) % 2}
    frame = pd.DataFrame(values)
    for y, expected in (
        ("left", "left"),
        (frame["left"], "left"),
        (values["left"], "label"),
        ("prediction", "prediction"),
    ):
        inputs = frame if isinstance(y, str) else frame.drop(columns=["left"])
        profile = driftline.profile(inputs, y=y, model="m")
        profile.save(tmp_path / "m.json")
        for each in (profile, driftline.load_profile(tmp_path / "m.json")):
            assert [column.key.name for column in each.columns if column.key.target == "label"] == [expected]
            assert ("input", "label") in [column.key for column in each.columns]


def test_columns_of_a_frame_may_be_named_instead_of_given(frame: pd.DataFrame) -> None:
    """A named column is what it is said to be, and no input."""
    frame["p"] = np.linspace(0, 1, ROWS)
    profile = driftline.profile(frame, y="flag", prediction="few", score="p", ignore=["many", "holes"])
    assert [each.key.target for each in profile.columns] == ["input"] * 4 + ["output"] * 3 + ["label"]
    assert column(profile, "flag", "label").categories.keys() == {"True", "False"}


@pytest.mark.parametrize(
    "values",
    [
        [Decimal("1.5"), None, Decimal("2.5")],
        [1, 2.5, None],
        pd.array([1, None, 2], dtype="Int64"),
        pa.array([1.0, None, 2.0]),
        np.array([1, 2, 3], np.uint64),
        np.array([1, 2, 3], np.float16),
        [dt.date(2024, 1, 1), None, dt.date(2024, 1, 2)],
        [dt.timedelta(seconds=5), None, dt.timedelta(seconds=9)],
        [dt.time(1, 2), None, dt.time(3, 4)],
        [True, None, False],
    ],
)
def test_numbers_of_any_type_are_numeric(values: Any) -> None:
    """Whatever Python, numpy, pandas or Arrow call it."""
    profile = driftline.profile({"x": values, "y": [1e9, 2e9, 3e9]}, keep=["x"], timestamp="y")
    assert column(profile, "x").numbers is not None


def test_text_of_any_type_is_categorical() -> None:
    """Text, categories of text, and objects that are neither text nor numbers."""
    frame = pd.DataFrame({"text": ["a", "b"], "category": pd.Categorical(["a", "b"]), "object": ["a", 1.5]})
    profile = driftline.profile(frame)
    assert [each.type for each in profile.columns] == ["string"] * 3
    assert column(driftline.profile({"view": pa.array(["a"], pa.string_view())}), "view").type == "string"
    assert column(profile, "object").categories == {"a": 1, "1.5": 1}


def test_arrays_name_their_features_as_the_server_does() -> None:
    """x0, x1, …; Arrow tables, dictionaries and single columns work alike."""
    X = np.random.default_rng(0).random((100, 3))
    by_array = driftline.profile(X)
    assert names(by_array) == ["x0", "x1", "x2"]
    by_name = {f"x{i}": X[:, i] for i in range(3)}
    for other in (
        driftline.profile(by_name),
        driftline.profile(pa.table(by_name)),
        driftline.profile(pd.DataFrame(by_name)),
    ):
        assert [each.numbers for each in other.columns] == [each.numbers for each in by_array.columns]


@pytest.mark.parametrize(
    ("data", "options", "message"),
    [
        ({"age": [1.0]}, {"y": "agee"}, "label: there is no column 'agee' (did you mean 'age'?)"),
        ({"age": [1.0]}, {"score": "zzz"}, "score: there is no column 'zzz' (columns: 'age')"),
        ({"age": [1.0]}, {"ignore": ["AGE"]}, "ignore: there is no column 'AGE' (did you mean 'age'?)"),
        ({"a": [1.0]}, {"y": "a", "score": "a"}, "score: column 'a' is already the label"),
        ({"a": [1.0], "b": ["x"]}, {"score": "b"}, "score: column 'b' must hold numbers (it holds string values)"),
        ({"a": [1.0], "b": ["x"]}, {"timestamp": "b"}, "timestamp: column 'b' must hold times like"),
        ({"a": [1.0]}, {"ignore": ["a"]}, "the data must have columns to profile (got 'a', none of them an input)"),
        ({"a": []}, {}, "X: must hold rows (got none)"),
        ({"a": [1.0], "b": [1.0, 2.0]}, {}, "X: all columns must have as many rows (got 'a' 1, 'b' 2)"),
        ({"a": [1.0]}, {"y": [1, 2]}, "<label>: must have a value for each of the 1 rows of X (got 2)"),
        ({"a": [1.0]}, {"y": [[1, 2]]}, "<label>: must have one value a row (got shape (1, 2))"),
        ({"id": np.arange(100)}, {}, "the data must have columns to profile (got IDs only: id)"),
    ],
)
def test_what_cannot_be_profiled_is_told_with_rule_and_value(data: Any, options: Any, message: str) -> None:
    """One error class; the message names the thing, the rule and the value."""
    with pytest.raises(ProfileError) as caught:
        driftline.profile(data, **options)
    assert str(caught.value).startswith(message)


def test_columns_of_one_name_are_an_error() -> None:
    """Which of the two a live column would be compared with cannot be known."""
    frame = pd.DataFrame(np.zeros((3, 2)), columns=["a", "a"])
    with pytest.raises(ProfileError, match="every column must have a name of its own"):
        driftline.profile(frame)


def test_lists_are_left_out_and_told() -> None:
    """A column that is neither numbers nor text is no reason to give up the others."""
    profile = driftline.profile({"x": [1.0, 2.0], "vector": pa.array([[1.0], [2.0]])})
    assert names(profile) == ["x"]
    assert profile.notes == ("Left out 'vector': values are neither numbers nor text",)
