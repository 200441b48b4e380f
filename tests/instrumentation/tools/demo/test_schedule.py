import pytest

from driftline.tools.demo.findings import Report
from driftline.tools.demo.scenarios.drift import SCENARIO
from driftline.tools.demo.schedule import INTERACTIVE, Phase, Schedule
from driftline.tools.demo.status import DemoStatus, clock


@pytest.mark.parametrize(
    ("elapsed", "phase"),
    [
        (0, Phase.HEALTHY),
        (29.9, Phase.HEALTHY),
        (30, Phase.BROKEN),
        (59.9, Phase.BROKEN),
        (60, Phase.OVER),
        (1e9, Phase.OVER),
    ],
)
def test_half_of_a_scaled_schedule_is_healthy(elapsed: float, phase: Phase) -> None:
    """Of sixty seconds, the first thirty are."""
    assert Schedule.of(60).phase(elapsed) is phase


def test_the_interactive_schedule_breaks_after_a_minute() -> None:
    """A minute of healthy traffic comes first."""
    assert INTERACTIVE.phase(59.9) is Phase.HEALTHY
    assert INTERACTIVE.phase(60) is Phase.BROKEN


@pytest.mark.parametrize(
    ("elapsed", "words"),
    [
        (50.5, "ldl changes its unit in 0:09"),
        (70, "ldl has been arriving in mmol/L instead of mg/dL for 0:10."),
        (150, "ended"),
    ],
)
def test_the_status_is_a_sentence(elapsed: float, words: str) -> None:
    """Each phase has its sentence, with the time that matters in it."""
    assert words in DemoStatus(SCENARIO, INTERACTIVE, elapsed, 0, True, Report()).describe()


def test_the_end_is_when_every_row_is_counted() -> None:
    """Only then does the last sentence say so."""
    assert "has counted every row" in DemoStatus(SCENARIO, INTERACTIVE, 150, 7, True, Report(rows_counted=7)).describe()
    assert "Waiting" in DemoStatus(SCENARIO, INTERACTIVE, 150, 7, True, Report(rows_counted=6)).describe()


@pytest.mark.parametrize(("seconds", "shown"), [(0, "0:00"), (9.99, "0:09"), (65, "1:05"), (600, "10:00")])
def test_a_clock_shows_minutes_and_seconds(seconds: float, shown: str) -> None:
    """Seconds have two digits."""
    assert clock(seconds) == shown
