import io
from dataclasses import replace

import pytest
from rich.console import Console

from driftline.profiling.plan import ColumnKey
from driftline.tools.demo.displays import LineDisplay, LiveDisplay
from driftline.tools.demo.findings import AlarmRun, Finding, Report
from driftline.tools.demo.scenarios.drift import SCENARIO
from driftline.tools.demo.schedule import INTERACTIVE, Phase
from driftline.tools.demo.status import DemoStatus
from driftline.tools.demo.table import BAR, ROWS, bar, render

LDL = ColumnKey("input", "ldl")
ALARM = AlarmRun(LDL, 1, 2, 0.998, 0.05, "share below 40: 0% → 99%")


def finding(column: ColumnKey = LDL, distance: float = 0.02, lower: float = 0.0, state: int = 0) -> Finding:
    return Finding(column, 112.5, distance, lower, 0.05, state)


def report(alarm: bool = False) -> Report:
    """Every column healthy, or all but one."""
    columns = {column: finding(column) for column in ROWS}
    if alarm:
        columns[LDL] = finding(LDL, 0.998, 0.98, state=2)
    return Report(columns, {"mild": 0.487, "severe": 0.513}, (ALARM,) * 5 if alarm else (), 12_345)


def status(shown: Report, elapsed: float = 70.0) -> DemoStatus:
    return DemoStatus(SCENARIO, INTERACTIVE, elapsed, 12_400, True, shown)


def drawn(shown: DemoStatus) -> list[str]:
    """The lines in a terminal of the usual 80 columns."""
    console = Console(width=80, file=io.StringIO(), record=True)
    console.print(render(shown))
    return console.export_text().splitlines()


@pytest.mark.parametrize("shown", [Report(), report(), report(alarm=True)], ids=["silent", "healthy", "alarm"])
def test_the_table_fits_a_small_terminal(shown: Report) -> None:
    """80 columns by 24 lines hold it without a cut word, however many alarms there are."""
    lines = drawn(status(shown))

    assert len(lines) < 24
    assert "…" not in "".join(lines)


def test_a_broken_feature_stands_out() -> None:
    """Its row says ALARM, no other does, and the alarm has a line below."""
    lines = drawn(status(report(alarm=True)))

    assert [line.split()[0] for line in lines if "ALARM" in line] == ["ldl"]
    assert any("ldl since" in line and line.endswith("share below 40: 0% → 99%") for line in lines)


def test_healthy_columns_are_ok() -> None:
    """Each has its median, distance, tolerance, and the word."""
    age = next(line for line in drawn(status(report())) if line.startswith("age"))

    assert age.split() == ["age", "112.5", "╌" * 4, "┃", "0.020", "0.050", "ok"]


def test_predictions_and_rows_are_shown() -> None:
    """Shares of classes, rows sent and rows counted."""
    text = "\n".join(drawn(status(report())))

    assert "mild 49%   severe 51%" in text
    assert "12,400 sent, 12,345 counted" in text


def test_before_the_first_window_columns_wait() -> None:
    """Nothing is called healthy that nobody has looked at."""
    lines = drawn(status(Report()))

    assert sum("waiting" in line for line in lines) == len(ROWS) + 1
    assert not any(" ok" in line for line in lines)


@pytest.mark.parametrize(("state", "word"), [(-1, "too few"), (1, "warning")])
def test_a_column_may_be_neither_healthy_nor_alarmed(state: int, word: str) -> None:
    """Too few rows to tell, and a warning, are states of their own."""
    line = next(line for line in drawn(status(Report({LDL: finding(state=state)}))) if line.startswith("ldl  "))

    assert line.rstrip().endswith(word)


def test_a_column_without_a_reference_is_not_judged() -> None:
    """It has a median, no bar, and no verdict."""
    unjudged = Finding(LDL, 112.5, None, None, None, None)
    line = next(line for line in drawn(status(Report({LDL: unjudged}))) if line.startswith("ldl  "))

    assert line.split() == ["ldl", "112.5", "unknown"]


@pytest.mark.parametrize(
    ("distance", "lower", "sure", "crosses"),
    [
        (0.0, -0.02, 0, False),
        (0.025, 0.01, 2, False),
        (0.06, 0.04, 9, False),
        (0.06, 0.055, 11, True),
        (1, 1, 21, True),
    ],
)
def test_a_bar_crosses_the_limit_with_its_sure_part_only(
    distance: float, lower: float, sure: int, crosses: bool
) -> None:
    """An alarm is a lower bound above the tolerance, not a distance above it; the bar never outgrows its column."""
    text = bar(finding(distance=distance, lower=lower), "green").plain

    assert len(text) == BAR
    assert text.count("━") == sure
    assert (text[BAR // 2 - 1] == "━") is crosses


def test_lines_tell_acts_and_alarms_once() -> None:
    """A log gets a line for each act and each alarm, not one for each status."""
    stream = io.StringIO()
    display = LineDisplay(stream)

    for _ in range(3):
        display.show(status(report(), elapsed=59.0))
    for moved in ("", "share", "share"):  # its event comes later
        shown = replace(report(alarm=True), alarms=(ALARM._replace(moved=moved),))
        display.show(status(shown, elapsed=61.0))

    lines = stream.getvalue().splitlines()
    assert [line[:4] for line in lines] == ["0:59", "1:01", "1:01"]
    assert [("ALARM input ldl" in line) for line in lines] == [False, True, False]


def test_lines_come_every_ten_seconds() -> None:
    """So that a log shows that something goes on."""
    stream = io.StringIO()
    display = LineDisplay(stream)

    for elapsed in range(31):
        display.show(status(report(), elapsed=float(elapsed)))

    assert [line[:4] for line in stream.getvalue().splitlines()] == ["0:00", "0:10", "0:20", "0:30"]


def test_the_last_status_stays_in_the_terminal() -> None:
    """The live table's end is what can be read afterwards."""
    console = Console(width=80, file=io.StringIO(), force_terminal=True)
    display = LiveDisplay(console)

    display.message("Training")
    display.show(status(Report(), elapsed=1.0))
    display.show(status(report(alarm=True), elapsed=150.0))
    display.close()

    written = str(getattr(console.file, "getvalue", str)())
    assert written.startswith("\x1b[2mTraining")
    assert status(report(), elapsed=150.0).phase is Phase.OVER
    assert "Waiting for the processor" in written.rsplit("\x1b[2K", maxsplit=1)[-1]
