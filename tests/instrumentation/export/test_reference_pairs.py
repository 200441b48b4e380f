"""DRIFTLINE_REFERENCE: the pairs of training profiles, and what becomes of a file that is none."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

import driftline
from driftline import semconv
from driftline.export.reference_pairs import References
from driftline.records import ModelFacts
from telemetry import Telemetry


def model(name: str = "churn", version: str | None = None) -> ModelFacts:
    return ModelFacts(name, version, "ModelFacts", "scikit_learn", None, None, None, lambda *_: [])


def save(path: Path, name: str = "churn", version: str = "", columns: int = 3) -> Path:
    x = np.random.default_rng(0).normal(size=(200, columns))
    driftline.profile(x, model=name, version=version).save(path)
    return path


def test_a_file_has_the_pairs_of_its_model(tmp_path: Path) -> None:
    """It is read once, when it is first asked."""
    references = References(str(tmp_path / "churn.json"))
    file = save(tmp_path / "churn.json")
    assert len(references.pairs(model())) == 3
    file.unlink()
    assert len(references.pairs(model(version="7"))) == 3


def test_a_folder_serves_several_models_and_versions(tmp_path: Path) -> None:
    """A model's own version goes before a profile without one."""
    save(tmp_path / "a.json")
    save(tmp_path / "b.json", version="2", columns=4)
    save(tmp_path / "c.json", name="fraud", columns=2)
    references = References(str(tmp_path))
    found = [len(references.pairs(each)) for each in (model(), model(version="2"), model(version="1"), model("fraud"))]
    assert found == [3, 6, 3, 1]


def test_without_a_file_there_are_no_pairs() -> None:
    """And nothing is said."""
    assert len(References(None).pairs(model())) == 0


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "No such file or directory"),
        ("{", "JSONDecodeError"),
        ("[]", "AttributeError"),
        ('{"resourceMetrics": [{"resource": {"attributes": []}}]}', "ml.dataset.role"),
    ],
)
def test_a_file_that_is_no_profile_is_named_once(
    content: str | None, reason: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The model serves on, without pairs."""
    if content is not None:
        (tmp_path / "x.json").write_text(content)
    references = References(str(tmp_path / "x.json"))
    assert [len(references.pairs(model())) for _ in range(2)] == [0, 0]
    (message,) = caplog.messages
    assert message.startswith(f"DRIFTLINE_REFERENCE: {tmp_path}/x.json must be a training profile (")
    assert reason in message


def test_a_bad_file_costs_no_other_its_pairs(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """In a folder of several."""
    save(tmp_path / "churn.json")
    (tmp_path / "bad.json").write_text("{")
    assert len(References(str(tmp_path)).pairs(model())) == 3
    assert len(caplog.messages) == 1


def test_another_model_is_told_of_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Its name may be mistyped."""
    references = References(str(save(tmp_path / "churn.json")))
    assert [len(references.pairs(model("churm"))) for _ in range(2)] == [0, 0]
    assert caplog.messages == ["DRIFTLINE_REFERENCE is of 'churn': no pairs are counted of model 'churm'."]


def test_an_empty_folder_is_told_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It may be the wrong one."""
    assert len(References(str(tmp_path)).pairs(model())) == 0
    assert caplog.messages == [f"DRIFTLINE_REFERENCE: {tmp_path} must hold files named *.json; no pairs are counted."]


def test_pairs_are_metrics_and_never_on_spans(tmp_path: Path, instrumented: Callable[..., Telemetry]) -> None:
    """`instrument(reference=…)`: a call's span is as it is without, and the rows of each pair are sent."""
    x = np.random.default_rng(0).normal(size=(200, 3))
    estimator = LinearRegression().fit(x, x[:, 0])
    telemetry = instrumented(reference=save(tmp_path / "churn.json"), model_name="churn")
    estimator.predict(x)
    telemetry.flush()
    (span,) = telemetry.spans()
    assert not [name for name in span.attributes if "pair" in name or "×" in name]
    assert telemetry.total(semconv.PAIR_ROWS) == 3 * 200
