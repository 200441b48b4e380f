"""`driftline demo` as users run it: the command, its file, its exit status, and nothing left behind."""

import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from driftline.tools.demo.scenarios.cold_spot import SEGMENT
from e2e.processes import BIN, ROOT, clean_environment, wait_until

pytestmark = pytest.mark.e2e

SECONDS = 60
AROUND = 120
"""Seconds that start and stop may add to the traffic on a slow machine."""


@contextmanager
def driftline_demo(tmp_path: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """The command; its temporary files are kept in `tmp_path/tmp`, to see what it leaves behind."""
    (tmp_path / "tmp").mkdir()
    env = clean_environment() | {"TMPDIR": str(tmp_path / "tmp")}
    command = [str(BIN / "driftline"), "demo", "--json", str(tmp_path / "f.json"), *options]
    with (
        (tmp_path / "demo.log").open("w") as log,
        subprocess.Popen(command, env=env, cwd=ROOT, stdout=log, stderr=log, text=True) as demo,
    ):
        try:
            yield demo
        finally:
            if demo.poll() is None:
                demo.terminate()
            print((tmp_path / "demo.log").read_text())


def left_behind(tmp_path: Path) -> list[str]:
    """Files in the demo's temporary folder, and processes that have, or had, their working directory in it."""
    processes = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            folder = str((entry / "cwd").readlink())
        except OSError:  # it has ended, or is not ours
            continue
        if folder.startswith(str(tmp_path)):
            processes.append((entry / "cmdline").read_text().replace("\0", " "))
    return processes + [str(path) for path in (tmp_path / "tmp").iterdir()]


@pytest.mark.timeout(SECONDS + AROUND + 60)
def test_the_broken_feature_alone_is_alarmed_and_every_row_is_counted(tmp_path: Path) -> None:
    """A minute of traffic through real processes: exit status 0, and the file says the same."""
    with driftline_demo(tmp_path, "--seconds", str(SECONDS)) as demo:
        status = demo.wait(SECONDS + AROUND)

    result = json.loads((tmp_path / "f.json").read_text())
    assert (status, result["problems"]) == (0, [])
    assert result["broken"] == "ldl"
    assert result["alarmed"] == ["ldl"]
    assert result["rows_counted"] == result["rows_sent"] > 1000
    assert result["collector"] is (ROOT / ".collector" / "otelcol").exists()
    assert 0 < result["first_alarm_seconds"] < SECONDS / 2
    assert {(alarm["target"], alarm["column"]) for alarm in result["alarms"]} == {("input", "ldl")}
    assert "%" in result["alarms"][0]["moved"]
    assert left_behind(tmp_path) == []


@pytest.mark.timeout(SECONDS + AROUND + 60)
def test_outcomes_that_no_longer_go_with_predictions_are_alarmed(tmp_path: Path) -> None:
    """Labels, joined with what the server answered: requests and answers are as ever, and no column is alarmed."""
    with driftline_demo(tmp_path, "--scenario", "concept", "--seconds", str(SECONDS)) as demo:
        status = demo.wait(SECONDS + AROUND)

    result = json.loads((tmp_path / "f.json").read_text())
    assert (status, result["problems"]) == (0, [])
    assert result["alarmed"][0] == "outcomes"
    assert {alarm["target"] for alarm in result["alarms"]} <= {"concept", "performance"}
    assert "severe" in result["alarms"][0]["moved"]
    assert left_behind(tmp_path) == []


@pytest.mark.timeout(SECONDS + AROUND + 60)
def test_a_cold_spot_is_named_and_nothing_else(tmp_path: Path) -> None:
    """A group of patients that nobody declared: its rows come as logs, with the Collector if there is one."""
    with driftline_demo(tmp_path, "--scenario", "cold-spot", "--seconds", str(SECONDS)) as demo:
        status = demo.wait(SECONDS + AROUND)

    result = json.loads((tmp_path / "f.json").read_text())
    assert (status, result["problems"]) == (0, [])
    assert {(alarm["target"], alarm["column"]) for alarm in result["alarms"]} == {("segment", SEGMENT)}
    assert result["alarms"][0]["moved"].startswith("low confidence ")
    assert left_behind(tmp_path) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_can_be_interrupted_and_leaves_nothing_behind(tmp_path: Path, number: signal.Signals) -> None:
    """While every process is up and, without a Collector, rows are already counted."""
    log = tmp_path / "demo.log"
    with driftline_demo(tmp_path, "--seconds", "600", "--no-collector") as demo:
        wait_until(lambda: any_counted(log.read_text()) or demo.poll() is not None, "rows are counted", AROUND)
        assert demo.poll() is None
        demo.send_signal(number)
        status = demo.wait(AROUND)

    assert status == 128 + number
    assert not (tmp_path / "f.json").exists()
    assert left_behind(tmp_path) == []


def any_counted(log: str) -> bool:
    """Whether a status line shows rows that the processor has counted."""
    return any(line.endswith(" counted.") and " 0 counted." not in line for line in log.splitlines())
