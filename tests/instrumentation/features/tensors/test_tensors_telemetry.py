"""Tensors from the call to what a backend receives: spans, points, privacy, and references of the same columns."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

import driftline  # noqa: E402
from driftline import semconv  # noqa: E402
from telemetry import Telemetry  # noqa: E402

ROWS = 80
VALID = {semconv.FEATURE_STATE: semconv.VALID}


class Scaled(nn.Module):
    """Works in place on what it is given."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Any) -> Any:
        result = self.layers(x)
        x.fill_(1e6)
        return result


def served(*layers: nn.Module, **said: Any) -> Any:
    torch.manual_seed(0)
    module = Scaled(*layers).eval()
    driftline.describe(module, **said)
    return module


def columns(telemetry: Telemetry, metric: str, attribute: str) -> set[str]:
    return {point.attributes[attribute] for point in telemetry.points(metric)}


def test_a_table_is_columns_and_readable_attributes(telemetry: Telemetry) -> None:
    """What the module was given, not what it made of it: named as they were described."""
    module = served(nn.Linear(2, 3), nn.Softmax(dim=1), feature_names=["age", "income"])
    with torch.inference_mode():
        module(torch.tensor([[30.0, 1000.5]], dtype=torch.float64).float())
    telemetry.flush()
    (span,) = telemetry.spans()

    assert {name: span.attributes[name] for name in ("ml.input.age", "ml.input.income")} == {
        "ml.input.age": 30.0,
        "ml.input.income": 1000.5,
    }
    assert span.attributes[semconv.TASK] == "classification"
    assert {"ml.output.prediction", "ml.output.confidence", "ml.output.entropy", "ml.output.raw.2"} <= set(
        span.attributes
    )
    assert columns(telemetry, semconv.FEATURE_OBSERVATIONS, semconv.FEATURE_NAME) == {"age", "income"}


def test_an_image_is_summaries(telemetry: Telemetry) -> None:
    """On its span too: a row's mean and deviation are readable, its pixels are not there."""
    module = served(nn.Flatten(), nn.Linear(3 * 16 * 16, 1), task="regression")
    with torch.inference_mode():
        module(torch.full((2, 3, 16, 16), 0.25))
    telemetry.flush()
    (span,) = telemetry.spans()

    assert list(span.attributes["ml.batch.input.image.mean"]) == [0.25, 0.25]
    assert span.attributes[semconv.FEATURE_COUNT] == 10
    assert telemetry.total(semconv.FEATURE_OBSERVATIONS, VALID | {semconv.FEATURE_NAME: "image.mean.2"}) == 2


def test_a_guess_is_said_when_it_is_made(telemetry: Telemetry) -> None:
    """Nothing before; after enough rows spans, and streams of outputs of their own, say what the task is taken for."""
    module = served(nn.Linear(2, 3))
    with torch.inference_mode():
        module(torch.rand(ROWS, 2))
        telemetry.flush()
        module(torch.rand(ROWS, 2))
        telemetry.flush()
    spans = [span.attributes.get(semconv.TASK) for span in telemetry.spans()]
    raw = {semconv.OUTPUT_NAME: "raw.0"} | VALID

    assert spans == [None, "classification"]
    assert telemetry.total(semconv.OUTPUT_OBSERVATIONS, raw) == 2 * ROWS
    assert telemetry.total(semconv.OUTPUT_OBSERVATIONS, raw | {semconv.TASK: "classification"}) == ROWS
    assert telemetry.total(semconv.FEATURE_OBSERVATIONS, VALID | {semconv.FEATURE_NAME: "x0"}) == 2 * ROWS


@pytest.mark.parametrize("capture", ["none", "outputs"])
def test_where_capture_is_off_no_value_leaves(instrumented: Callable[..., Telemetry], capture: str) -> None:
    """Neither a pixel nor the extremes of a summary: on spans nothing of an input, in points no exact maximum."""
    telemetry = instrumented(capture=capture)
    module = served(nn.Flatten(), nn.Linear(3 * 16 * 16, 1), task="regression")
    images = torch.rand(400, 3, 16, 16)
    images[7, 0, 0, 0] = 123456.789
    with torch.inference_mode():
        module(images)
    telemetry.flush()

    assert not [name for span in telemetry.spans() for name in span.attributes if name.startswith("ml.input.")]
    points = telemetry.points(semconv.FEATURE_TAIL) + telemetry.points(semconv.FEATURE_VALUE)
    assert {"image.max", "image.mean"} <= {point.attributes[semconv.FEATURE_NAME] for point in points}
    secret = float(torch.tensor(123456.789))
    assert all(secret not in (point.point.min, point.point.max) for point in points)


def test_a_reference_of_tensors_has_the_columns_of_serving(telemetry: Telemetry, tmp_path: Path) -> None:
    """Images, and embeddings with their centroid: by name, and with the same values for the same rows."""
    embeddings = torch.randn(ROWS, 256, generator=torch.Generator().manual_seed(3))
    module = served(nn.Linear(256, 1), task="regression", kind="embedding", centroid=embeddings.mean(0))
    with torch.inference_mode():
        module(embeddings.clone())
    telemetry.flush()
    profile = driftline.profile(embeddings, kind="embedding", model="m")
    profile.save(tmp_path / "m.reference.json")

    live = columns(telemetry, semconv.FEATURE_OBSERVATIONS, semconv.FEATURE_NAME)
    assert {column.key.name for column in profile.columns} == live
    assert {"embedding.distance", "embedding.projection.15", "embedding.norm"} <= live
    found = {column.key.name: column.range for column in profile.columns}
    distances = (embeddings - embeddings.mean(0)).norm(dim=1)
    np.testing.assert_allclose(found["embedding.distance"] or (), (distances.min(), distances.max()), rtol=0.05)


@pytest.mark.parametrize(
    ("data", "options", "names"),
    [
        (np.random.default_rng(0).random((40, 3, 16, 16)), {}, {"image.mean", "image.mean.2", "image.max"}),
        (torch.rand(40, 16, 16, 3), {}, {"image.mean", "image.mean.2"}),
        (torch.rand(40, 256).bfloat16(), {}, {"embedding.norm", "embedding.projection.0"}),
        (torch.rand(40, 5), {}, {"x0", "x4"}),
        (
            {"input_ids": torch.arange(400).reshape(40, 10), "attention_mask": torch.ones(40, 10)},
            {"unknown_token": 3},
            {"tokens.length", "tokens.unknown"},
        ),
        ({"picture": np.ones((40, 1, 9, 9)), "age": np.arange(40.0)}, {}, {"picture.mean", "age"}),
    ],
)
def test_training_data_that_is_no_table(data: Any, options: dict[str, Any], names: set[str]) -> None:
    """Tensors, and arrays of more than two dimensions, alone or by name: the columns of serving, every row of them."""
    profile = driftline.profile(data, **options)

    assert profile.rows == 40
    assert names <= {column.key.name for column in profile.columns}


def test_training_data_that_cannot_be_summarized() -> None:
    """The error names the rule and the value."""
    with pytest.raises(driftline.profiling.ProfileError, match=r"kind: must be one of tabular, .* \(got 'photo'\)"):
        driftline.profile(np.ones((4, 4)), kind="photo")
    with pytest.raises(driftline.profiling.ProfileError, match="X: must be a dense tensor of numbers on the CPU"):
        driftline.profile(torch.eye(4).to_sparse())
    with pytest.raises(driftline.profiling.ProfileError, match=r"all parts must have as many rows \(got \[4, 5\]\)"):
        driftline.profile({"a": torch.ones(4, 2), "b": torch.ones(5, 2)})
