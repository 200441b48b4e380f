"""A running processor is asked: what arrives, what matches, what is lost, whether results leave."""

import copy
from typing import Any

import grpc
import pytest

from driftline.tools.doctor.finding import Finding, Severity
from driftline.tools.doctor.listener import listening
from driftline.tools.doctor.processor_checks import findings
from driftline.tools.doctor.processor_status import ProcessorAnswer, ask

MATCH: dict[str, Any] = {
    "reference": "r1", "reference_name": "churn", "reference_version": "", "provisional": False, "judged_from": None,
    "names": "exact", "matched": 3, "missing": [], "missing_count": 0, "unknown": [], "unknown_count": 0,
    "pairs": [], "pair_count": 0, "suggestions": [], "types": [], "type_count": 0, "nearest": None,
}  # fmt: skip
MODEL: dict[str, Any] = {
    "name": "churn", "version": "", "resource": {}, "rows": 1200, "silent_seconds": 3, "last_window_end": 40,
    "alarms": 0, "matching": MATCH,
}  # fmt: skip
STATUS: dict[str, Any] = {
    "version": "0.1.0", "time": 100, "window": {"size": 300, "step": 60, "lateness": 60}, "models": [MODEL],
    "model_count": 1, "unused_references": [], "unused_reference_count": 0, "counters": {"accepted.items": 9},
    "queue": {"requests": 0, "bytes": 0}, "storage_ok": True,
    "export": {"endpoint": "http://b:4317", "protocol": "grpc"},
    "exports": [{"what": "results", "failing": False, "waiting": 0, "exported": 5, "dropped": 0}],
}  # fmt: skip
FRAUD = {"id": "r2", "name": "fraud", "version": "", "nearest": "churn"}


def told(severity: Severity = Severity.PROBLEM, **changed: Any) -> list[Finding]:
    """What is said of a status that differs so from one without a problem."""
    status = copy.deepcopy(STATUS) | changed
    return [finding for finding in findings(ProcessorAnswer("h:1", status)) if finding.severity is severity]


def matched(**changed: Any) -> list[dict[str, Any]]:
    """The model, with another match."""
    return [MODEL | {"matching": MATCH | changed}]


def test_a_processor_without_a_problem() -> None:
    """Each part says what it found."""
    assert told() == []
    assert [finding.message for finding in told(Severity.OK)] == [
        "driftline-processor 0.1.0 at h:1",
        "churn: 1,200 rows, last window ended 1 minute ago",
        "churn: all 3 columns of reference churn arrive",
        "used: churn",
        "nothing rejected, refused, late or dropped since its start",
        "results go to http://b:4317 by grpc",
    ]


def test_nothing_has_arrived() -> None:
    """The way from the servers is to be looked at."""
    (finding,) = told(models=[], model_count=0)

    assert "no model has sent anything" in finding.message
    assert "--collector" in finding.remedy


@pytest.mark.parametrize(
    ("match", "said", "remedy"),
    [
        (
            {"missing": ["debt"], "missing_count": 1, "suggestions": [["dept", "debt"]]},
            "3 of the 4 columns of the reference arrive; missing: debt",
            "dept is perhaps debt",
        ),
        (
            {"matched": 0, "missing": ["a", "b"], "missing_count": 5},
            "none of the 5 columns of the reference arrive; missing: a, b and 3 more",
            "profile what is served",
        ),
        ({"unknown": ["dept"], "unknown_count": 1}, "not judged: dept", "rename"),
        (
            {"types": [{"column": "age", "expected": "float", "got": "text"}]},
            "age arrives as text, and was float in training",
            "pass float values",
        ),
        ({"pairs": ["a × b"], "pair_count": 1}, "1 pair of the reference counted by no server", "DRIFTLINE_REFERENCE"),
        ({"reference": None}, "churn has no reference", "driftline profile"),
        ({"provisional": True}, "its first window stands in", "driftline profile"),
        (
            {"reference": None, "nearest": FRAUD},
            "nearest is the unused fraud",
            "DRIFTLINE_MODEL_NAME=fraud in the server, or profile with --model churn",
        ),
        (
            {"reference": None, "nearest": {**FRAUD, "name": "churn", "version": "2"}},
            "nearest is the unused churn version 2",
            "serve version 2",
        ),
    ],
)
def test_what_does_not_match_is_told(match: dict[str, Any], said: str, remedy: str) -> None:
    """Missing, unknown, of another type, no pairs, no reference, another version."""
    (finding,) = told(models=matched(**match))

    assert said in finding.message
    assert remedy in finding.remedy


def test_names_by_position_are_said() -> None:
    """They match, and somebody should know how."""
    found = told(Severity.OK, models=matched(names="position"))

    assert "by position: the data has no names" in next(each.message for each in found if each.check == "matching")


def test_a_reference_that_is_used_by_no_model_is_told() -> None:
    """With the models that there are."""
    (finding,) = told(unused_references=[FRAUD], unused_reference_count=1)

    assert "fraud is used by no model; models are: churn" in finding.message
    assert "--model churn" in finding.remedy


def test_models_of_one_name_are_told_apart() -> None:
    """By version and resource."""
    model = MODEL | {"version": "2", "resource": {"deployment.environment.name": "prod"}, "alarms": 2}
    found = told(Severity.OK, models=[model])

    assert found[1].message.startswith("churn (2, prod): 1,200 rows, ")
    assert found[1].message.endswith(", 2 open alarms")


@pytest.mark.parametrize(
    ("seconds", "said"), [(2_000, "silent for 33 minutes"), (90_000, "silent for 1 day"), (7_200, "silent for 2 hours")]
)
def test_a_silent_model_is_noted(seconds: int, said: str) -> None:
    """After three windows."""
    (finding,) = told(Severity.NOTE, models=[MODEL | {"silent_seconds": seconds}])

    assert said in finding.message
    assert told(Severity.NOTE, models=[MODEL | {"silent_seconds": 1_000}]) == []


@pytest.mark.parametrize(
    ("counter", "said"),
    [
        ("rejected.items", "2 items could not be used"),
        ("refused.requests", "2 requests refused"),
        ("late.rows", "2 rows came after"),
        ("dropped.sets", "2 batches of results not delivered"),
    ],
)
def test_losses_are_told(counter: str, said: str) -> None:
    """Each kind."""
    (finding,) = told(counters={counter: 2})

    assert said in finding.message


def test_a_backend_that_refuses_and_a_full_disk_are_told() -> None:
    """Results wait, or requests are refused."""
    (backend,) = told(exports=[{"what": "results", "failing": True, "waiting": 1, "exported": 0, "dropped": 0}])
    (disk,) = told(storage_ok=False)

    assert "results cannot be sent to http://b:4317 by grpc; 1 batch wait" in backend.message
    assert "disk" in disk.remedy


def test_lists_that_were_cut_are_noted() -> None:
    """How many models and references there are beside those told."""
    found = told(Severity.NOTE, model_count=3, unused_references=[], unused_reference_count=4)

    assert [each.message for each in found] == [
        "2 models more; those that sent something last are told",
        "4 references more are used by no model",
    ]


def test_another_server_is_told_from_a_processor() -> None:
    """The Collector's port is a common mistake."""
    with listening(lambda signal, body: None) as ports:
        (finding,) = findings(ask(ports.endpoint("grpc"), 5.0))

    assert "no driftline-processor" in finding.message
    assert "4327" in finding.remedy


def test_nobody_answers() -> None:
    """The address is told."""
    (finding,) = findings(ProcessorAnswer("h:1", code=grpc.StatusCode.UNAVAILABLE.name))

    assert "no processor answers at h:1 (UNAVAILABLE)" in finding.message
