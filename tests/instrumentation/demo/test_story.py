import pytest

from driftline.demo.findings import Report
from driftline.demo.scene import Scene, clock
from driftline.demo.story import INTERACTIVE, Act, Story


@pytest.mark.parametrize(
    ("elapsed", "act"),
    [(0, Act.HEALTHY), (29.9, Act.HEALTHY), (30, Act.BROKEN), (59.9, Act.BROKEN), (60, Act.OVER), (1e9, Act.OVER)],
)
def test_half_of_a_scaled_story_is_healthy(elapsed: float, act: Act) -> None:
    """Of sixty seconds, the first thirty are."""
    assert Story.of(60).act(elapsed) is act


def test_the_interactive_story_breaks_after_a_minute() -> None:
    """A minute of healthy traffic comes first."""
    assert INTERACTIVE.act(59.9) is Act.HEALTHY
    assert INTERACTIVE.act(60) is Act.BROKEN


@pytest.mark.parametrize(
    ("elapsed", "words"),
    [(50.5, "In 0:09 ldl changes"), (70, "For 0:10 ldl has come in mmol/L, not mg/dL"), (150, "over")],
)
def test_a_scene_says_what_is_happening(elapsed: float, words: str) -> None:
    """Each act has its sentence, with the time that matters in it."""
    assert words in Scene(INTERACTIVE, elapsed, 0, True, Report()).happening()


def test_the_end_is_when_every_row_is_counted() -> None:
    """Only then does the last sentence say so."""
    assert "has counted every row" in Scene(INTERACTIVE, 150, 7, True, Report(rows_counted=7)).happening()
    assert "Waiting" in Scene(INTERACTIVE, 150, 7, True, Report(rows_counted=6)).happening()


@pytest.mark.parametrize(("seconds", "shown"), [(0, "0:00"), (9.99, "0:09"), (65, "1:05"), (600, "10:00")])
def test_a_clock_shows_minutes_and_seconds(seconds: float, shown: str) -> None:
    """Seconds have two digits."""
    assert clock(seconds) == shown
