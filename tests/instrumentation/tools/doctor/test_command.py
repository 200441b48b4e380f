"""The command: lines for people, JSON for scripts, and an exit status for both."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import driftline
from driftline.cli import main
from driftline.tools.doctor.finding import Severity, as_line, counted, listed, note, ok, problem


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A service that exports nothing but sketches, to an endpoint that is not there."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OTEL_SERVICE_NAME", "api")
    for name in ("DRIFTLINE_REFERENCE", "OTEL_TRACES_EXPORTER", "OTEL_METRICS_EXPORTER"):
        monkeypatch.delenv(name, raising=False)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["doctor", *arguments])


def test_a_finding_is_one_line() -> None:
    """Whatever is in it; the remedy follows, where there is one."""
    assert as_line(ok("a", "x\ny  z")) == "ok      x y z"
    assert as_line(note("a", "x")) == "note    x"
    assert as_line(problem("a", "x", "do y")) == "PROBLEM x → do y"


def test_lists_and_numbers_are_short() -> None:
    """The first names, and how many more there are."""
    assert listed(["a", "b"]) == "a, b"
    assert listed([str(number) for number in range(100)], 3) == "0, 1, 2 and 97 more"
    assert (counted(1, "row"), counted(1200, "row")) == ("1 row", "1,200 rows")


def test_the_environment_is_told_line_by_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each wrong setting has its line, and the exit status is 1."""
    monkeypatch.setenv("DRIFTLINE_REFERENCE", "gone.json")
    monkeypatch.setenv("DRIFTLINE_MODELNAME", "churn")
    result = run()
    lines = result.output.splitlines()

    assert result.exit_code == 1
    assert any(line.startswith("ok      installed: ") for line in lines)
    assert any(line.startswith("PROBLEM DRIFTLINE_REFERENCE: gone.json") for line in lines)
    assert any(line.startswith("PROBLEM DRIFTLINE_MODELNAME") for line in lines)
    assert lines[-1].endswith("problems found.")


def test_json_has_the_same_findings() -> None:
    """One document on standard output, and the same exit status."""
    plain, result = run(), run("--json")
    document: dict[str, Any] = json.loads(result.stdout)
    findings = document["findings"]

    assert result.exit_code == 1
    assert document["problems"] == sum(each["severity"] == Severity.PROBLEM.value for each in findings) > 0
    assert len(plain.output.splitlines()) == len(findings) + 1
    assert set(findings[0]) == {"severity", "check", "message", "remedy"}


def test_an_environment_without_a_problem_exits_with_0(monkeypatch: pytest.MonkeyPatch) -> None:
    """The endpoint answers; notes do not count."""
    from driftline.tools.doctor.listener import listening

    with listening(lambda signal, body: None) as ports:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", ports.endpoint("grpc"))
        result = run()

    assert result.exit_code == 0, result.output
    assert result.output.endswith("No problem found.\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--request", "http://127.0.0.1:1"], "--request needs a COMMAND"),
        (["--data", "{}", "--", "python"], "--data needs --request"),
        (["--processor", "127.0.0.1:1", "--", "python"], "take no COMMAND"),
        (["--collector", "gone.yaml"], "gone.yaml"),
        (["--seconds", "0"], "--seconds"),
        (["--reference", "gone.json", "--", "python"], "gone.json"),
        (["--request", "http://127.0.0.1:1", "--data", "@gone.json", "--", "python"], "gone.json"),
        (["--", "no-such-program"], "cannot start"),
    ],
)
def test_wrong_usage_is_told(arguments: list[str], said: str) -> None:
    """Before anything runs."""
    result = run(*arguments)

    assert result.exit_code in (1, 2)
    assert said in result.output


def test_a_collector_and_a_processor_are_asked_alone(tmp_path: Path) -> None:
    """Both at once; the environment of this process does not matter to them."""
    (tmp_path / "gateway.yaml").write_text("service: {pipelines: {}}\n")
    result = run("--collector", "gateway.yaml", "--processor", "127.0.0.1:1")

    assert result.exit_code == 1
    assert [line.split()[0] for line in result.output.splitlines()] == ["PROBLEM", "PROBLEM", "2"]


def test_a_reference_that_is_none_is_a_finding(tmp_path: Path) -> None:
    """The command still runs."""
    (tmp_path / "bad.json").write_text("{}")
    result = run("--reference", "bad.json", "--json", "--", "true")
    findings = json.loads(result.stdout)["findings"]

    assert any(each["check"] == "reference" and "bad.json" in each["message"] for each in findings)
    assert any(each["check"] == "arrival" for each in findings)


def test_references_of_the_environment_are_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As --reference does: a folder, too."""
    driftline.profile({"age": [1.0, 2.0, 3.0]}, model="churn").save(tmp_path / "churn.json")
    monkeypatch.setenv("DRIFTLINE_REFERENCE", str(tmp_path))
    script = (
        "from sklearn.dummy import DummyClassifier as D; import numpy as np; "
        "D().fit(np.ones((4, 1)), [0, 1, 0, 1]).predict(np.ones((4, 1)))"
    )
    result = run("--json", "--", sys.executable, "-c", script)
    messages = [each["message"] for each in json.loads(result.stdout)["findings"]]

    assert any("DummyClassifier has no reference; there is one of 'churn'" in message for message in messages)
