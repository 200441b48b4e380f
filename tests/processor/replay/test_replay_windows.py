"""`--window` and `--step`, and how much time rows stand for."""

from pathlib import Path

import pytest

from driftline.sketch.time_units import DAY, HOUR, MINUTE
from driftline_processor.config import ConfigError
from driftline_processor.reference.folder import read_file
from driftline_processor.replay.errors import ReplayError
from driftline_processor.replay.settings import Options, timing
from driftline_processor.replay.timeline import Clock
from driftline_processor.replay.window_size import Duration, Rows, parse_stretch
from replay_data import AN_HOUR, save_reference

CLOCK = Clock("time", "timestamp")


@pytest.mark.parametrize(
    ("text", "stretch"),
    [
        ("1h", Duration(HOUR)),
        ("1h30m", Duration(HOUR + 30 * MINUTE)),
        ("5000rows", Rows(5000)),
        ("5_000 rows", Rows(5000)),
        ("5,000rows", Rows(5000)),
        ("1row", Rows(1)),
    ],
)
def test_a_window_is_a_duration_or_rows(text: str, stretch: object) -> None:
    """As people write them."""
    assert parse_stretch("--window", text) == stretch


@pytest.mark.parametrize(
    "text", ["", "rows", "-5rows", "5.5rows", "0rows", "2000000000rows", "soon", "0s", "-1h", "5r"]
)
def test_what_is_neither_is_named(text: str) -> None:
    """The option, the rule and the value."""
    with pytest.raises(ReplayError, match=r"^--window: must be .* \(got '"):
        parse_stretch("--window", text)


@pytest.fixture(scope="module")
def references(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("references")
    return save_reference(folder / "with.json"), save_reference(folder / "without.json", clock=False)


def test_rows_stand_for_the_time_that_they_took_in_training(references: tuple[Path, Path]) -> None:
    """Without a clock in the reference, for an hour a window: the budget of false alarms is about time."""
    with_clock, without = map(read_file, references)
    window = Options(window=f"{AN_HOUR}rows")
    assert timing(window, None, with_clock).settings.size == pytest.approx(HOUR, rel=1e-3)
    assert timing(Options(window="800rows"), None, without).settings.size == HOUR
    assert "stands for 1h, as the reference has no clock" in timing(Options(window="800rows"), None, without).notes[0]


def test_options_go_before_the_configuration_and_that_before_the_defaults(
    references: tuple[Path, Path], tmp_path: Path
) -> None:
    """Each key by itself."""
    reference = read_file(references[0])
    config = tmp_path / "processor.yaml"
    config.write_text("window: {size: 20m, step: 10m}\nverdict: {tolerance: 0.1, per: 7d}\n")

    default = timing(Options(), CLOCK, reference).settings
    assert (default.size, default.step, default.lateness, default.tolerance) == (HOUR, HOUR, MINUTE, 0.05)
    configured = timing(Options(config), CLOCK, reference).settings
    assert (configured.size, configured.step, configured.tolerance, configured.per) == (
        20 * MINUTE,
        10 * MINUTE,
        0.1,
        7 * DAY,
    )
    said = timing(Options(config, window="2h", step="1h", lateness="5s", tolerance=0.2), CLOCK, reference).settings
    assert (said.size, said.step, said.tolerance, said.per) == (2 * HOUR, HOUR, 0.2, 7 * DAY)
    by_rows = timing(Options(config, window="600rows", step="200rows"), CLOCK, reference).settings
    assert (by_rows.size, by_rows.tolerance) == (3 * by_rows.step, 0.1)


@pytest.mark.parametrize(
    ("options", "clock", "message"),
    [
        (Options(window="1h"), None, "--window: must be in rows, such as 5000rows, as there is no column of times"),
        (Options(window="1h", step="5rows"), CLOCK, "--step: must be a duration, as --window is"),
        (Options(window="50rows", step="1h"), CLOCK, "--step: must be rows, as --window is"),
        (Options(window="50rows", step="20rows"), CLOCK, "--step: must divide --window, 50 rows (got 20)"),
        (
            Options(window="5000rows", step="1row"),
            CLOCK,
            "--step: must be at least 4 rows, a 1440th of --window (got 1)",
        ),
    ],
)
def test_windows_that_cannot_be_are_named(
    references: tuple[Path, Path], options: Options, clock: Clock | None, message: str
) -> None:
    """The option, the rule and the value."""
    with pytest.raises(ReplayError) as caught:
        timing(options, clock, read_file(references[0]))
    assert str(caught.value).startswith(message)


def test_the_rules_of_the_configuration_hold_for_options_too(references: tuple[Path, Path]) -> None:
    """Every broken one is told."""
    with pytest.raises(ConfigError) as caught:
        timing(Options(window="1h", step="25m", tolerance=2.0), CLOCK, read_file(references[0]))
    problems = "\n".join(caught.value.problems)
    assert "window.step: must divide window.size (got 25m, size 1h)" in problems
    assert "verdict.tolerance: must be less than 1 (got 2.0)" in problems
