"""Rows of many values as a few columns, and what an input is taken for."""

import math
from typing import Any

import numpy as np
import pytest

from driftline.capture.buffer_pool import BufferPool
from driftline.capture.copies import capture
from driftline.capture.strided_sample import MOST_VALUES, Grid, next_grid, sample
from driftline.export.data_points import column_points
from driftline.features import columns
from driftline.features.input_kinds import input_kind
from driftline.features.tensors.random_projections import directions
from driftline.features.tensors.tensor_summaries import statistics
from driftline.records import TABLE, InputFacts, ModelFacts
from driftline.semconv import INPUT_COLUMN
from driftline.settings import Settings
from driftline.sketch import NumericSketch, fit_layout
from driftline.sketch.column import ColumnSketch
from interval_statistics import ks_lower_bound

RNG = np.random.default_rng(7)
POOL = BufferPool(2**28)
PROJECTED = [[0, 0, 0, 1], [0, 1, 0, 1], [0, 1, 0, 0], [0, 0, 1, 0]]


def summaries(value: Any, facts: InputFacts = InputFacts()) -> dict[str, Any]:  # noqa: B008  # immutable
    model = ModelFacts("m", None, "M", "pytorch", None, None, None, lambda *_: [], facts)
    found: dict[str, Any] = {}
    for block in columns.inputs(model, [capture(value, POOL)]):
        found |= dict(zip(block.names or (), block.columns, strict=True))
    return found


def test_statistics_of_rows() -> None:
    """Mean, deviation, extremes, norm; shares of zeros and of what is not finite, which nothing else counts."""
    table = np.array([[3.0, 0.0, 4.0, 1.0], [np.nan, np.inf, 2.0, 0.0], [np.nan] * 4])
    found = statistics(table, Grid((4,), 1, 0))

    expected = {
        "mean": [2.0, 1.0, np.nan],
        "std": [np.std([3, 0, 4, 1]), 1.0, np.nan],
        "min": [0.0, 0.0, np.nan],
        "max": [4.0, 2.0, np.nan],
        "zeros": [0.25, 0.25, 0.0],
        "non_finite": [0.0, 0.5, 1.0],
        "norm": [math.sqrt(26), math.sqrt(8), np.nan],
    }
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, err_msg=name)


@pytest.mark.parametrize("dtype", [np.uint8, np.float16, np.float32, np.float64, np.int64])
def test_images_of_every_dtype(dtype: Any) -> None:
    """Channels first or last: the mean of each channel is a column; bytes do not overflow."""
    image = np.zeros((2, 3, 16, 16), dtype)
    image[:, 0], image[:, 2], image[1, 1, :8] = 200, 100, 50
    for given in (image, np.ascontiguousarray(np.moveaxis(image, 1, -1)), np.moveaxis(image, 1, -1)):
        found = summaries(given)
        assert {name.partition(".")[0] for name in found} == {"image"}
        assert [found[f"image.mean.{channel}"].tolist() for channel in range(3)] == [[200, 200], [0, 25], [100, 100]]
        assert found["image.mean"].tolist() == [100, pytest.approx(325 / 3)]
        assert found["image.max"].tolist() == [200, 200]
        assert found["image.zeros"].tolist() == [pytest.approx(1 / 3), pytest.approx(1 / 6)]


def test_a_sample_tells_what_the_whole_would() -> None:
    """Of large images a grid is taken: its means are right, its extremes are named for what they are."""
    smooth = np.cumsum(RNG.normal(size=(16, 3, 224, 224)), axis=-1).astype(np.float32) * 0.01
    found = summaries(smooth)

    np.testing.assert_allclose(found["image.mean"], smooth.mean((1, 2, 3)), atol=0.02)
    np.testing.assert_allclose(found["image.std"], smooth.std((1, 2, 3)), rtol=0.05)
    np.testing.assert_allclose(found["image.mean.1"], smooth[:, 1].mean((1, 2)), atol=0.02)
    np.testing.assert_allclose(found["image.norm"], np.sqrt((smooth**2).sum((1, 2, 3))), rtol=0.05)
    assert (found["image.sampled_max"] <= smooth.max((1, 2, 3))).all()
    assert "image.max" not in found


@pytest.mark.parametrize("shape", [(3, 224, 224), (224, 224, 3), (100_000,), (1, 4099), (64, 64, 4), (2, 3), (7,)])
def test_every_value_is_visited_in_turn(shape: tuple[int, ...]) -> None:
    """A grid is coprime to 8 and to every side, holds at most MOST_VALUES, and begins elsewhere each time."""
    size = math.prod(shape)
    grids = [next_grid(shape) for _ in range(next_grid(shape).step)]

    assert all(math.gcd(grids[0].step, side) == 1 for side in (8, *shape)) or grids[0].step == 1
    assert min(size, MOST_VALUES // 3) <= grids[0].values <= MOST_VALUES
    seen = np.concatenate([np.arange(size)[grid.positions] for grid in grids])
    assert len(np.unique(seen)) == len(seen) >= size - grids[0].step


def test_a_grid_is_the_same_values_of_any_memory_layout() -> None:
    """Also where no view of the array can be one."""
    array = RNG.normal(size=(2, 3, 100, 100))
    grid = next_grid((3, 100, 100))

    np.testing.assert_array_equal(sample(np.asfortranarray(array), grid), sample(array, grid))


@pytest.mark.parametrize(
    ("name", "shape", "dtype", "facts", "kind"),
    [
        (None, (30,), "f4", InputFacts(), "tabular"),
        (None, (127,), "f4", InputFacts(), "tabular"),
        (None, (128,), "f4", InputFacts(), "embedding"),
        (None, (128,), "f4", TABLE, "tabular"),
        (None, (16,), "f4", InputFacts("embedding"), "embedding"),
        (None, (), "f4", InputFacts("embedding"), "tabular"),
        (None, (16_000,), "f4", InputFacts(), "audio"),
        ("input_values", (800,), "f4", InputFacts(), "audio"),
        ("waveform", (1, 800), "f4", InputFacts(), "audio"),
        (None, (3, 8, 8), "f4", InputFacts(), "image"),
        (None, (32, 32, 1), "u1", InputFacts(), "image"),
        (None, (3, 7, 8), "f4", InputFacts(), "tensor"),
        (None, (5, 32, 32), "f4", InputFacts(), "tensor"),
        (None, (12, 64), "f4", TABLE, "tensor"),
        ("input_ids", (12,), "i8", InputFacts(vocabulary=30_000), "tokens"),
        ("decoder_input_ids", (12,), "i8", InputFacts(vocabulary=30_000), "tokens"),
        ("input_ids", (12,), "i8", InputFacts(vocabulary=100), "tabular"),
        ("codes", (12,), "i8", InputFacts(vocabulary=30_000), "tabular"),
        ("codes", (12,), "i8", InputFacts("tokens"), "tokens"),
        ("score", (12,), "f4", InputFacts("tokens"), "tabular"),
    ],
)
def test_what_an_input_is(name: str | None, shape: tuple[int, ...], dtype: str, facts: InputFacts, kind: str) -> None:
    """By its shape, name and type; what was described holds for the parts that can be it."""
    assert input_kind(name, shape, np.dtype(dtype), facts) == kind


def test_lengths_of_texts() -> None:
    """As the mask says, else without padding; unknown tokens are counted among the others only."""
    ids = np.array([[5, 1, 9, 0], [1, 1, 0, 0], [7, 8, 9, 4]])
    facts = InputFacts(None, "input_ids", 30_000, 0, 1)

    found = summaries(ids, facts)
    assert found["tokens.length"].tolist() == [3, 2, 4]
    np.testing.assert_allclose(found["tokens.unknown"], [1 / 3, 1, 0])
    masked = summaries({"input_ids": ids, "attention_mask": np.array([[1, 1, 0, 0]] * 3)}, facts)
    assert masked["tokens.length"].tolist() == [2, 2, 2]
    np.testing.assert_allclose(masked["tokens.unknown"], [0.5, 1, 0])


def test_parts_of_a_record_have_its_names() -> None:
    """A part with one column is that column; the names of others are prefixed. One part alone is as if by itself."""
    record = {"image": np.ones((2, 1, 8, 8)), "age": np.array([30, 40]), "place": np.ones((2, 2)), "code": ["a", "b"]}
    found = summaries(record)

    assert {"image.mean", "image.mean.0", "age", "place.x0", "place.x1", "code"} <= found.keys()
    assert found["code"].tolist() == ["a", "b"]
    assert list(summaries({"place": np.ones((2, 2))})) == ["x0", "x1"]


def test_the_distance_to_a_centroid() -> None:
    """Of embeddings, where a centroid of their width was described."""
    rows = np.eye(2, 256)
    facts = InputFacts(centroid=np.zeros(256))

    np.testing.assert_allclose(summaries(rows, facts)["embedding.distance"], [1, 1])
    assert "embedding.distance" not in summaries(rows, InputFacts(centroid=np.zeros(3)))


def test_directions_are_the_same_everywhere() -> None:
    """Training and serving must project alike: this is part of what a saved reference means."""
    first = directions(256)

    assert (first[:4, :4] > 0).astype(int).tolist() == PROJECTED
    assert np.abs(first).round(6).tolist() == np.full((256, 16), 0.0625).tolist()
    crossed = first.T @ first
    assert np.abs(crossed - np.eye(16)).max() < 0.3


def test_a_rotation_that_leaves_every_coordinate_alone_is_found() -> None:
    """Mirrored coordinates, an even number of them: each keeps its mean, variance and very distribution, and each row
    its norm. The certain bound between the sketches of a projection tells.
    """
    rows, width = 8000, 256
    common = 2 * RNG.normal(size=(rows, 1)) * RNG.choice([-1, 1], width)
    training = (common + RNG.normal(size=(rows, width))).astype(np.float32)
    mirrored = np.ones(width, np.float32)
    mirrored[RNG.permutation(width)[: width // 2]] = -1
    serving = training * mirrored

    def distance(a: Any, b: Any) -> float:
        return ks_lower_bound(sketched(a).points().intervals(), sketched(b).points().intervals())

    assert max(distance(training[:, each], serving[:, each]) for each in range(0, width, 8)) < 0.05
    before, after = summaries(training), summaries(serving)
    found = {name: distance(before[name], after[name]) for name in before}
    assert found["embedding.norm"] == 0
    assert max(value for name, value in found.items() if "projection" in name) > 0.2


def sketched(values: Any) -> NumericSketch:
    sketch = NumericSketch(fit_layout(values))
    sketch.add(np.ascontiguousarray(values))
    return sketch


def test_summaries_obey_the_privacy_of_their_input() -> None:
    """The extremes of a summary are raw values of the data: where it is hidden, points show none of them."""
    found = summaries(RNG.normal(size=(2000, 3, 16, 16)))
    hidden = Settings(capture="none").redaction("image.max")
    series = ColumnSketch(0, 100)
    series.add(np.append(found["image.max"], 1e9), 1)

    shown = {redaction: maxima(series, redaction) for redaction in (Settings().redaction("image.max"), hidden)}
    assert 1e9 in next(iter(shown.values()))
    assert 1e9 not in shown[hidden]
    assert not Settings(exclude=("image.*",)).redaction("image.max").shown


def maxima(series: ColumnSketch, redaction: Any) -> set[float | None]:
    named = list(column_points(INPUT_COLUMN, {}, redaction, series.collect(2)))
    return {getattr(point, "max", None) for _, point in named}
