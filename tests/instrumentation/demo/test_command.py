import json
import os
import signal
from pathlib import Path

import pytest
from click.testing import CliRunner

from driftline.demo import command
from driftline.demo.command import demo
from driftline.demo.findings import Alarm, Column
from driftline.demo.outcome import Outcome
from driftline.demo.processes import ProcessError
from driftline.demo.story import INTERACTIVE, Story
from driftline.demo.traffic import TrafficError

RUN = "driftline.demo.runner.run"
TRUE = Alarm(Column("input", "ldl"), 2_000_000_000, 4_500_000_000, 0.98, 0.05)
AS_PROMISED = Outcome("ldl", 1_000_000_000, (TRUE,), rows_sent=100, rows_counted=100, collector=False)
NOT_SO = Outcome("ldl", 1_000_000_000, (), rows_sent=100, rows_counted=100, collector=False)


def raising(error: BaseException) -> object:
    def run(*_: object) -> Outcome:
        raise error

    return run


def test_it_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra, its name is told with what it would bring; nothing is started."""
    monkeypatch.setattr(command, "NEEDED", ("json", "no_such_module", "no_such_package.inside"))
    monkeypatch.setattr(RUN, raising(AssertionError("started")))

    result = CliRunner().invoke(demo)

    assert result.exit_code == 1
    assert result.stderr == (
        'Error: the demo needs no_such_module, no_such_package.inside: pip install "driftline[demo]"\n'
    )


@pytest.mark.parametrize(("outcome", "status"), [(AS_PROMISED, 0), (NOT_SO, 1)])
def test_the_file_is_written_however_it_ended(
    outcome: Outcome, status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Scripts read the file, and the exit status tells whether all went as promised."""
    monkeypatch.setattr(RUN, lambda *_: outcome)

    result = CliRunner().invoke(demo, ["--json", str(tmp_path / "f.json"), "--seconds", "60"])

    assert result.exit_code == status
    assert json.loads((tmp_path / "f.json").read_text()) == outcome.as_json()


@pytest.mark.parametrize(
    ("outcome", "words"), [(AS_PROMISED, "ldl alone was alarmed, 3.5 s after"), (NOT_SO, "no alarm")]
)
def test_the_end_is_told(outcome: Outcome, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a sentence, good or bad."""
    monkeypatch.setattr(RUN, lambda *_: outcome)

    assert words in CliRunner().invoke(demo).stderr


@pytest.mark.parametrize(
    ("arguments", "story"), [([], INTERACTIVE), (["--seconds", "90"], Story(90, 45))], ids=["interactive", "scaled"]
)
def test_seconds_scale_the_story(arguments: list[str], story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the option it is the interactive one."""
    told: list[object] = []

    def run(*given: object) -> Outcome:
        told.extend(given)
        return AS_PROMISED

    monkeypatch.setattr(RUN, run)
    CliRunner().invoke(demo, [*arguments, "--no-collector"])

    assert told[:2] == [story, None]


def test_a_story_too_short_to_tell_is_refused() -> None:
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


def test_ctrl_c_ends_it_without_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the status of an interrupted command."""
    monkeypatch.setattr(RUN, raising(KeyboardInterrupt()))

    result = CliRunner().invoke(demo)

    assert result.exit_code == 130
    assert "Stopped" in result.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_through_the_same_door(number: signal.Signals, monkeypatch: pytest.MonkeyPatch) -> None:
    """It unwinds the demo, so that all is stopped, and afterwards means what it meant before."""
    before = signal.getsignal(number)
    unwound: list[bool] = []

    def run(*_: object) -> Outcome:
        try:
            os.kill(os.getpid(), number)
            signal.pause()
        finally:
            unwound.append(True)
        return AS_PROMISED

    monkeypatch.setattr(RUN, run)
    result = CliRunner().invoke(demo)

    assert result.exit_code == 128 + number
    assert unwound == [True]
    assert signal.getsignal(number) is before
