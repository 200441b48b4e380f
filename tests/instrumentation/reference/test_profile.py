"""A profile as OTLP JSON: saved, loaded, merged, always the same for the same data, and small."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from google.protobuf import json_format
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

import driftline
from driftline import semconv
from driftline.profiling import Profile, ProfileColumn, ProfileError
from interval_statistics import ks_bounds
from profile_data import visits

POINTLESS = '{"resourceMetrics": [{"scopeMetrics": [{"metrics": [{"name": "ml.reference.column"}]}]}]}'
GOLDEN = Path(__file__).parents[2] / "golden" / "visits.reference.json"


@pytest.fixture(scope="module")
def profile() -> Profile:
    return driftline.profile(visits(), y="ill", score="risk", categorical=["ward"], model="visits", version="3")


def normal(rows: int, seed: int = 0, **columns: Any) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    return {"x": rng.normal(size=rows), "k": rng.integers(0, 9, rows), "c": rng.choice(list("abc"), rows), **columns}


def cells(one: Profile) -> list[list[list[int]]]:
    return [column.bins.tolist() for column in one.columns]


def test_the_file_is_as_the_golden_one(profile: Profile, tmp_path: Path) -> None:
    """Names, attributes, points and their order are a contract: numbers agree to the last digits of a float."""
    profile.save(tmp_path / "visits.json")
    made, golden = (json.loads(path.read_text("utf-8")) for path in (tmp_path / "visits.json", GOLDEN))
    assert _plain(made) == _plain(golden)


def _plain(value: Any) -> Any:
    """Without the digest, and with floats of 12 digits: the last ones depend on the machine's exp2."""
    if isinstance(value, dict):
        identity = value.get("key") in {semconv.REFERENCE_ID, semconv.REFERENCE_SEGMENTS}  # the latter is deflated
        return {key: _plain(each) for key, each in value.items() if not identity}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return float(f"{value:.12g}") if isinstance(value, float) else value


def test_the_file_is_an_otlp_request_of_the_live_metrics(profile: Profile, tmp_path: Path) -> None:
    """Any OTLP client can post it: the resource tells what it is, and how many points belong to it."""
    profile.save(tmp_path / "visits.json")
    request = ExportMetricsServiceRequest()
    json_format.Parse((tmp_path / "visits.json").read_text("utf-8"), request)
    (resource_metrics,) = request.resource_metrics
    resource = {pair.key: pair.value for pair in resource_metrics.resource.attributes}
    metrics = resource_metrics.scope_metrics[0].metrics
    points = sum(len(getattr(metric, metric.WhichOneof("data") or "").data_points) for metric in metrics)
    assert resource[semconv.DATASET_ROLE].string_value == semconv.REFERENCE
    assert resource[semconv.MODEL_VERSION].string_value == "3"
    assert resource[semconv.REFERENCE_POINTS].int_value == points
    assert {metric.name for metric in metrics} == {
        semconv.REFERENCE_CHUNKS,
        semconv.REFERENCE_COLUMN,
        semconv.FEATURE_VALUE,
        semconv.FEATURE_TAIL,
        semconv.FEATURE_CATEGORY,
        semconv.FEATURE_OBSERVATIONS,
        semconv.PAIR_ROWS,
        semconv.OUTPUT_VALUE,
        semconv.OUTPUT_PREDICTIONS,
        semconv.OUTPUT_OBSERVATIONS,
        *({semconv.OUTPUT_TAIL} & {metric.name for metric in metrics}),
    }


def test_the_same_data_gives_the_same_bytes(tmp_path: Path) -> None:
    """However often, and whatever the order of a dictionary of roles."""
    for name in ("a", "b"):
        driftline.profile(visits(), y="ill", model="m").save(tmp_path / f"{name}.json")
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()


def test_a_loaded_profile_is_saved_as_it_was(profile: Profile, tmp_path: Path) -> None:
    """Reading is the inverse of writing, byte for byte."""
    profile.save(tmp_path / "a.json")
    driftline.load_profile(tmp_path / "a.json").save(tmp_path / "b.json")
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()


def test_the_model_is_named_by_the_file_unless_it_is_named(tmp_path: Path) -> None:
    """churn.reference.json is of the model churn; nothing but the file is left in the folder."""
    driftline.profile(np.arange(10.0)).save(tmp_path / "churn.reference.json")
    assert driftline.load_profile(tmp_path / "churn.reference.json").model == "churn"
    assert [path.name for path in tmp_path.iterdir()] == ["churn.reference.json"]


def test_thirty_columns_of_128_chunks_stay_below_a_megabyte(tmp_path: Path) -> None:
    """Cells, not buckets, are kept for chunks: so even with the longer counts of ten million rows.

    Counts of segments come on top: they have a limit of their own.
    """
    X = np.random.default_rng(0).normal(size=(100_000, 30))
    X[np.random.default_rng(1).random(X.shape) < 0.02] = np.nan
    profile = driftline.profile(X)
    many = replace(profile, columns=tuple(_times(column, 100) for column in profile.columns), segments=None)
    many.save(tmp_path / "wide.json")
    assert len(many.chunks) == 128
    assert (tmp_path / "wide.json").stat().st_size < 1_000_000


def _times(column: ProfileColumn, times: int) -> ProfileColumn:
    """The column with each row so many times."""
    state_rows = {state: rows * times for state, rows in column.state_rows.items()}
    return replace(column, bins=column.bins * times, state_rows=state_rows)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "must be OTLP JSON"),
        ('{"resourceMetrics": 5}', "must be OTLP JSON"),
        (POINTLESS, "must be metrics whose resource has ml.dataset.role = 'reference'"),
        ("{}", "must be metrics whose resource has ml.dataset.role = 'reference'"),
    ],
)
def test_a_file_that_is_no_profile_is_named_with_the_reason(content: str, message: str, tmp_path: Path) -> None:
    """One error class, whatever is wrong."""
    (tmp_path / "x.json").write_text(content)
    with pytest.raises(ProfileError) as caught:
        driftline.load_profile(tmp_path / "x.json")
    assert str(caught.value).startswith(f"{tmp_path / 'x.json'}: {message}")
    with pytest.raises(ProfileError, match=r"gone\.json: cannot be read: No such file"):
        driftline.load_profile(tmp_path / "gone.json")


def test_merging_shards_of_rows_gives_the_profile_of_all(tmp_path: Path) -> None:
    """Counts, categories, states and ranges exactly; the distribution within the sketch's bound. Also from files."""
    data = normal(
        30_000, x=np.random.default_rng(4).lognormal(size=30_000), hole=np.where(np.arange(30_000) % 3, 1.0, np.nan)
    )
    parts = [
        driftline.profile({name: values[part] for name, values in data.items()})
        for part in (slice(9000), slice(9000, None))
    ]
    for i, part in enumerate(parts):
        part.save(tmp_path / f"m.{i}.json")
    whole = driftline.profile(data, model="m")
    merged = driftline.load_profile(tmp_path / "m.0.json").merge(driftline.load_profile(tmp_path / "m.1.json"))
    assert merged.rows == whole.rows
    for a, b in zip(merged.columns, whole.columns, strict=True):
        assert (a.key, a.type, a.rows, a.states, a.categories) == (b.key, b.type, b.rows, b.states, b.categories)
        assert a.range == b.range
        if a.numbers is not None and b.numbers is not None:
            assert ks_bounds(a.numbers.intervals(), b.numbers.intervals())[0] < 0.002
        assert (a.bins.sum(axis=1) + sum(a.state_rows.values())).tolist() == (
            merged.chunks.ends - merged.chunks.starts
        ).tolist()


def test_merged_cells_fit_the_merged_sketch() -> None:
    """Chunks on other cells are split as their whole is there: about equal shares, no row lost, none outside."""
    parts = [driftline.profile({"x": np.random.default_rng(i).normal(i, 1, 20_000)}) for i in range(2)]
    (x,) = parts[0].merge(parts[1]).columns
    counts = x.bins.sum(axis=0)
    assert counts.sum() == 40_000
    assert counts[0] == counts[-1] == 0
    assert 900 < counts[1:-1].min() <= counts[1:-1].max() < 1800


def test_merging_periods_keeps_the_clock() -> None:
    """Chunks of equal duration over both periods; which comes first does not matter."""
    start = 1_700_000_000
    first = driftline.profile(normal(5000), timestamp=start + np.arange(5000))
    second = driftline.profile(normal(5000, 1), timestamp=start + 5000 + np.arange(5000))
    merged, swapped = first.merge(second), second.merge(first)
    assert merged.chunks.has_timestamps
    assert (merged.chunks.starts[0], merged.chunks.ends[-1]) == (start, start + 9999)
    assert len(merged.chunks) == 128
    assert cells(merged) == cells(swapped)
    assert merged.chunks.starts.tolist() == swapped.chunks.starts.tolist()


def test_merging_shards_of_one_period_adds_their_chunks() -> None:
    """Shards with the same times have the same chunks."""
    times = 1_700_000_000 + np.arange(4000)
    parts = [driftline.profile({"k": np.random.default_rng(i).integers(0, 5, 4000)}, timestamp=times) for i in range(2)]
    merged = parts[0].merge(parts[1])
    assert merged.chunks.starts.tolist() == parts[0].chunks.starts.tolist()
    assert (merged.columns[0].bins == parts[0].columns[0].bins + parts[1].columns[0].bins).all()


def test_a_column_without_values_merges_with_any() -> None:
    """A shard in which all is missing says nothing about the type."""
    full, none = driftline.profile({"c": ["a", "b"] * 50}), driftline.profile({"c": [None] * 40})
    for merged in (full.merge(none), none.merge(full)):
        (c,) = merged.columns
        assert (c.type, c.rows, c.states, c.categories) == ("string", 140, {"missing": 40}, {"a": 50, "b": 50})
        assert c.bins.sum() == 100


def test_profiles_that_do_not_fit_together_do_not_merge() -> None:
    """Of another model, with other columns, or with another type of a column."""
    one = driftline.profile({"x": [1.0, 2.0]}, model="a")
    for other, message in (
        (driftline.profile({"x": [1.0]}, model="b"), "model: profiles to merge must be of the same one"),
        (driftline.profile({"y": [1.0]}, model="a"), "must have the same columns .only one has 'x', 'y'."),
        (driftline.profile({"x": ["t"]}, model="a"), "column 'x' must be of the same type in profiles to merge"),
    ):
        with pytest.raises(ProfileError, match=message):
            one.merge(other)


def test_merging_changes_neither(profile: Profile) -> None:
    """Profiles are values."""
    before = cells(profile)
    profile.merge(profile)
    assert cells(profile) == before


def test_public_names_are_there() -> None:
    """They are fetched when they are first used."""
    assert driftline.Profile is Profile
    assert {"Profile", "load_profile", "profile"} <= set(dir(driftline))
    assert isinstance(driftline.profile([[1.0]]).columns[0], ProfileColumn)
