import json
import os
import signal
import sysconfig
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from driftline.profiling.command import profile as profile_command
from driftline.profiling.plan import ColumnKey
from driftline.tools.demo import command
from driftline.tools.demo.command import demo
from driftline.tools.demo.findings import AlarmRun
from driftline.tools.demo.processes import ProcessError
from driftline.tools.demo.result import DemoResult
from driftline.tools.demo.scenario import Scenario
from driftline.tools.demo.scenarios.drift import SCENARIO
from driftline.tools.demo.scenarios.table import SCENARIOS
from driftline.tools.demo.schedule import INTERACTIVE, Schedule
from driftline.tools.demo.traffic import TrafficError

RUN = "driftline.tools.demo.runner.run"
TRUE = AlarmRun(ColumnKey("input", "ldl"), 2_000_000_000, 4_500_000_000, 0.98, 0.05)
EXPECTED = DemoResult(
    "drift", SCENARIO.expected, 1_000_000_000, (TRUE,), rows_sent=100, rows_counted=100, collector=False
)
UNEXPECTED = replace(EXPECTED, alarms=())


def raising(error: BaseException) -> object:
    def run(*_: object) -> DemoResult:
        raise error

    return run


def test_it_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra, the error names it and what is missing; nothing is started."""
    monkeypatch.setattr(command, "NEEDED", ("json", "no_such_module", "no_such_package.inside"))
    monkeypatch.setattr(RUN, raising(AssertionError("started")))

    result = CliRunner().invoke(demo)

    assert result.exit_code == 1
    assert result.stderr == (
        'Error: the demo needs no_such_module, no_such_package.inside: pip install "driftline[demo]"\n'
    )


@pytest.mark.parametrize(("expected", "status"), [(EXPECTED, 0), (UNEXPECTED, 1)])
def test_the_file_is_written_in_every_case(
    expected: DemoResult, status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Scripts read the file; the exit status says whether the result is as expected."""
    monkeypatch.setattr(RUN, lambda *_: expected)

    result = CliRunner().invoke(demo, ["--json", str(tmp_path / "f.json"), "--seconds", "60"])

    assert result.exit_code == status
    assert json.loads((tmp_path / "f.json").read_text()) == expected.as_json()


@pytest.mark.parametrize(
    ("result", "words"), [(EXPECTED, "Alarm for ldl alone, 3.5 s after"), (UNEXPECTED, "no alarm")]
)
def test_the_result_is_printed(result: DemoResult, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a sentence, good or bad."""
    monkeypatch.setattr(RUN, lambda *_: result)

    assert words in CliRunner().invoke(demo).stderr


@pytest.mark.parametrize(
    ("arguments", "schedule"),
    [([], INTERACTIVE), (["--seconds", "90"], Schedule(90, 45))],
    ids=["interactive", "scaled"],
)
def test_seconds_scale_the_schedule(arguments: list[str], schedule: Schedule, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the option it is the interactive one."""
    arguments_of_run: list[object] = []

    def run(*given: object) -> DemoResult:
        arguments_of_run.extend(given)
        return EXPECTED

    monkeypatch.setattr(RUN, run)
    CliRunner().invoke(demo, [*arguments, "--no-collector"])

    assert arguments_of_run[:2] == [schedule, None]


def test_every_scenario_of_the_table_can_be_played(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its name is a choice of the option and its own; without the option one feature drifts."""
    played: list[Scenario] = []

    def run(*given: Any) -> DemoResult:
        played.append(given[-1])
        return EXPECTED

    monkeypatch.setattr(RUN, run)
    for options in ([], *(["--scenario", name] for name in SCENARIOS)):
        CliRunner().invoke(demo, ["--no-collector", *options])

    assert [scenario.name for scenario in played] == ["drift", *SCENARIOS]


@pytest.mark.parametrize("file", ["nowhere/f.json", "file/f.json"])
def test_a_file_that_cannot_be_written_is_refused_at_once(
    file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not after a minute of demo; nothing is started."""
    (tmp_path / "file").touch()
    monkeypatch.setattr(RUN, raising(AssertionError("started")))

    result = CliRunner().invoke(demo, ["--json", str(tmp_path / file)])

    assert result.exit_code == 2
    assert "--json: must be in a folder that exists and is writable (got " in result.stderr


def test_a_duration_too_short_for_a_window_is_refused() -> None:
    """The bound is in the message."""
    result = CliRunner().invoke(demo, ["--seconds", "5"])

    assert result.exit_code == 2
    assert "45" in result.stderr


@pytest.mark.parametrize("error", [ProcessError("server ended"), TrafficError("status 500")])
def test_a_failure_is_an_error_not_a_traceback(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message is the reason."""
    monkeypatch.setattr(RUN, raising(error))

    result = CliRunner().invoke(demo)

    assert result.exit_code == 1
    assert result.stderr.endswith(f"Error: {error}\n")


def test_it_ends_with_the_next_three_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Profile, start a server, read on; the commands can be run from here, on the PATH or not."""
    monkeypatch.setattr(RUN, lambda *_: EXPECTED)
    monkeypatch.setenv("PATH", "/nowhere")

    *_, profile, serve, read = CliRunner().invoke(demo).stderr.splitlines()

    scripts = os.path.relpath(sysconfig.get_path("scripts"))
    assert profile.split()[4:6] == [f"{scripts}/driftline", "profile"]
    required = {each.opts[0] for each in profile_command.params if isinstance(each, click.Option) and each.required}
    assert required == {"-o"}
    assert required <= set(profile.split())
    assert serve.split()[4:6] == [f"{scripts}/opentelemetry-instrument", "uvicorn"]
    assert read.endswith(command.DOCS)


def test_scripts_are_spared_the_next_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With --json the result is the last line."""
    monkeypatch.setattr(RUN, lambda *_: EXPECTED)

    result = CliRunner().invoke(demo, ["--json", str(tmp_path / "f.json")])

    assert result.stderr.splitlines()[-1].startswith("Alarm for ldl alone")


def test_ctrl_c_ends_it_without_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the status of an interrupted command."""
    monkeypatch.setattr(RUN, raising(KeyboardInterrupt()))

    result = CliRunner().invoke(demo)

    assert result.exit_code == 130
    assert "Stopped" in result.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_in_order(number: signal.Signals, monkeypatch: pytest.MonkeyPatch) -> None:
    """It unwinds the demo, so that everything is stopped; its handler is restored afterwards."""
    before = signal.getsignal(number)
    unwound: list[bool] = []

    def run(*_: object) -> DemoResult:
        try:
            os.kill(os.getpid(), number)
            signal.pause()
        finally:
            unwound.append(True)
        return EXPECTED

    monkeypatch.setattr(RUN, run)
    result = CliRunner().invoke(demo)

    assert result.exit_code == 128 + number
    assert unwound == [True]
    assert signal.getsignal(number) is before
