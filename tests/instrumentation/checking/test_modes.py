"""What becomes of rows that break a rule, by mode; and that nothing of ours reaches the model's caller."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from opentelemetry.trace import StatusCode
from sklearn.linear_model import LogisticRegression

import driftline
from driftline import semconv
from driftline.checking.checks import ModelCheck
from driftline.frameworks.sklearn import SklearnInstrumentor
from driftline.runtime.self_faults import FAULTS
from telemetry import Telemetry

RNG = np.random.default_rng(8)
TRAINING = RNG.normal(size=(2000, 3))
BAD = np.vstack([TRAINING[:4], [[0.0, 1e6, 0.0]]])


@pytest.fixture
def model() -> Any:
    return LogisticRegression().fit(TRAINING, TRAINING[:, 0] > 0)


@pytest.fixture
def reference(tmp_path: Path) -> Path:
    path = tmp_path / "churn.reference.json"
    driftline.profile(TRAINING, model="churn").save(path)
    return path


def failures(telemetry: Telemetry) -> dict[tuple[Any, Any], float]:
    points = telemetry.flush().points(semconv.CHECK_FAILURES)
    return {(p.attributes[semconv.FEATURE_NAME], p.attributes[semconv.CHECK_RULE]): p.value for p in points}


@pytest.mark.parametrize("mode", ["observe", "warn"])
def test_the_model_is_called_all_the_same(
    telemetry: Telemetry, model: Any, reference: Path, mode: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The span has the rules that failed, a counter the rows; `warn` logs each rule once a minute."""
    driftline.describe(model, name="churn")
    driftline.check(model, reference=reference, mode=mode)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            model.predict(BAD)
        model.predict(TRAINING[:2])

    spans = telemetry.spans()
    assert [span.attributes.get(semconv.CHECK_FAILED) for span in spans] == [["x1: range"]] * 3 + [None]
    assert failures(telemetry) == {("x1", "range"): 3}
    assert telemetry.total(semconv.INFERENCE_ROWS) == 17
    assert not telemetry.points(semconv.CHECK_REJECTED)
    assert sum("x1 must be from" in record.message for record in caplog.records) == (mode == "warn")


def test_a_refused_call_is_in_no_sketch(telemetry: Telemetry, model: Any, reference: Path) -> None:
    """Its rows are counted as rejected; the span ends as an error, and the processor skips it."""
    driftline.describe(model, name="churn")
    driftline.check(model, reference=reference, mode="reject")
    with pytest.raises(driftline.InputRejected, match="x1 must be from"):
        model.predict(BAD)
    model.predict(TRAINING[:2])

    refused, served = telemetry.spans()
    assert telemetry.flush().total(semconv.CHECK_REJECTED, {semconv.MODEL_NAME: "churn"}) == 5
    assert failures(telemetry) == {("x1", "range"): 1}
    assert telemetry.total(semconv.INFERENCE_ROWS) == 2
    assert refused.attributes[semconv.ERROR_TYPE] == "InputRejected"
    assert refused.span.status.code == StatusCode.ERROR.value
    assert refused.attributes[semconv.SKETCHED] is True
    assert not [name for name in refused.attributes if name.startswith(f"{semconv.INPUT}.")]
    assert semconv.ERROR_TYPE not in served.attributes


def test_settings_check_every_model_with_a_profile(
    instrumented: Callable[..., Telemetry], model: Any, reference: Path
) -> None:
    """`DRIFTLINE_CHECK` and `DRIFTLINE_REFERENCE` need no code; a model without a profile is served unchecked."""
    instrumented(check="reject", reference=str(reference))
    driftline.describe(model, name="churn")
    other = LogisticRegression().fit(TRAINING, TRAINING[:, 0] > 0)
    other.predict(BAD)

    with pytest.raises(driftline.InputRejected):
        model.predict(BAD)


def test_own_rules_come_from_the_settings(instrumented: Callable[..., Telemetry], model: Any, tmp_path: Path) -> None:
    """They hold for every model, with or without a profile."""
    rules = tmp_path / "rules.yaml"
    rules.write_text("- x0 <= x1\n", encoding="utf-8")
    instrumented(check="reject", check_rules=str(rules))
    model.predict([[0.0, 1.0, 0.0]])

    with pytest.raises(driftline.InputRejected, match="x0 <= x1 must hold"):
        model.predict([[2.0, 1.0, 0.0]])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"check": "reject"}, "needs a training profile"),
        ({"check": "reject", "reference": "/nowhere.json"}, "/nowhere.json: cannot be read"),
        ({"check": "observe", "check_rules": "/nowhere.yaml"}, "check_rules: /nowhere.yaml"),
        ({"check": "sometimes"}, "must be one of observe, warn, reject"),
    ],
)
def test_nothing_starts_that_could_not_refuse(options: dict[str, Any], message: str) -> None:
    """`reject` without anything to check against is an error at the start, not at the first bad row."""
    with pytest.raises(ValueError, match=message):
        driftline.instrument(**options)


def test_a_server_that_was_to_refuse_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """OpenTelemetry's loader logs errors and goes on: the process ends, and says why."""
    monkeypatch.setenv("DRIFTLINE_CHECK", "reject")
    monkeypatch.delenv("DRIFTLINE_REFERENCE", raising=False)
    with pytest.raises(SystemExit, match="driftline: check: 'reject' needs a training profile"):
        SklearnInstrumentor().instrument(skip_dep_check=True)


@pytest.mark.parametrize("mode", ["observe", "reject"])
def test_a_fault_of_ours_lets_rows_pass(
    telemetry: Telemetry, model: Any, reference: Path, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The model is called as if there were no check, and the fault is counted."""

    def broken(*_: Any) -> Any:
        raise RuntimeError("injected")

    driftline.check(model, reference=driftline.load_profile(reference), mode=mode)
    monkeypatch.setattr(ModelCheck, "failures", broken)
    model.predict(BAD)

    assert FAULTS.counts() == {("check", "RuntimeError"): 1}
    assert telemetry.flush().total(semconv.INFERENCE_ROWS) == len(BAD)


@pytest.mark.parametrize("options", [{"capture": "outputs"}, {"capture": "none"}, {"exclude": "x1"}, {"hash": "x1"}])
def test_values_are_shown_as_capture_allows(
    instrumented: Callable[..., Telemetry], model: Any, reference: Path, options: dict[str, Any]
) -> None:
    """Where values of the column stay, the error and the span have column, rule and row alone."""
    telemetry = instrumented(**options)
    driftline.describe(model, name="churn")
    driftline.check(model, reference=reference, mode="reject")
    with pytest.raises(driftline.InputRejected) as caught:
        model.predict(BAD)

    assert "1000000" not in str(caught.value)
    assert "1000000" not in str(telemetry.spans())


def test_what_can_be_checked_against_nothing_is_refused(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """`driftline.check` needs a reference or a rule, a known mode, and a file that can be read."""
    monkeypatch.delenv("DRIFTLINE_REFERENCE", raising=False)
    with pytest.raises(ValueError, match="reference: must be a training profile"):
        driftline.check(model)
    with pytest.raises(ValueError, match="mode: must be one of observe, warn, reject"):
        driftline.check(model, rules=["x0 > 0"], mode="stop")
    with pytest.raises(ValueError, match="cannot be read"):
        driftline.check(model, reference="/nowhere.json")
    with pytest.raises(TypeError, match="cannot check an object of type int"):
        driftline.check(3, rules=["x0 > 0"])
