"""`--window` and `--step`, and how much time rows stand for."""

from pathlib import Path

import pytest

from driftline.sketch.time_units import DAY, HOUR, MINUTE
from driftline_processor.config import ConfigError
from driftline_processor.reference.folder import read_file
from driftline_processor.replay.errors import ReplayError
from driftline_processor.replay.settings import ReplayOptions, replay_settings
from driftline_processor.replay.timeline import TimestampColumn
from driftline_processor.replay.window_size import RowCount, TimeSpan, parse_window_length
from replay_data import AN_HOUR, save_reference

TIMESTAMPS = TimestampColumn("time", "timestamp")


@pytest.mark.parametrize(
    ("text", "stretch"),
    [
        ("1h", TimeSpan(HOUR)),
        ("1h30m", TimeSpan(HOUR + 30 * MINUTE)),
        ("5000rows", RowCount(5000)),
        ("5_000 rows", RowCount(5000)),
        ("5,000rows", RowCount(5000)),
        ("1row", RowCount(1)),
    ],
)
def test_a_window_is_a_duration_or_rows(text: str, stretch: object) -> None:
    """As people write them."""
    assert parse_window_length("--window", text) == stretch


@pytest.mark.parametrize(
    "text", ["", "rows", "-5rows", "5.5rows", "0rows", "2000000000rows", "soon", "0s", "-1h", "5r"]
)
def test_what_is_neither_is_named(text: str) -> None:
    """The option, the rule and the value."""
    with pytest.raises(ReplayError, match=r"^--window: must be .* \(got '"):
        parse_window_length("--window", text)


@pytest.fixture(scope="module")
def references(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("references")
    return save_reference(folder / "with.json"), save_reference(folder / "without.json", clock=False)


def test_rows_stand_for_the_time_that_they_took_in_training(references: tuple[Path, Path]) -> None:
    """Without a clock in the reference, for an hour a window: the budget of false alarms is about time."""
    with_clock, without = map(read_file, references)
    window = ReplayOptions(window=f"{AN_HOUR}rows")
    assert replay_settings(window, None, with_clock).settings.size == pytest.approx(HOUR, rel=1e-3)
    assert replay_settings(ReplayOptions(window="800rows"), None, without).settings.size == HOUR
    (note,) = replay_settings(ReplayOptions(window="800rows"), None, without).notes
    assert "counts as 1h, as the reference has no timestamps" in note


def test_options_go_before_the_configuration_and_that_before_the_defaults(
    references: tuple[Path, Path], tmp_path: Path
) -> None:
    """Each key by itself."""
    reference = read_file(references[0])
    config = tmp_path / "processor.yaml"
    config.write_text("window: {size: 20m, step: 10m}\nverdict: {tolerance: 0.1, per: 7d}\n")

    default = replay_settings(ReplayOptions(), TIMESTAMPS, reference).settings
    assert (default.size, default.step, default.lateness, default.tolerance) == (HOUR, HOUR, MINUTE, 0.05)
    configured = replay_settings(ReplayOptions(config), TIMESTAMPS, reference).settings
    assert (configured.size, configured.step, configured.tolerance, configured.per) == (
        20 * MINUTE,
        10 * MINUTE,
        0.1,
        7 * DAY,
    )
    chosen = replay_settings(
        ReplayOptions(config, window="2h", step="1h", lateness="5s", tolerance=0.2), TIMESTAMPS, reference
    ).settings
    assert (chosen.size, chosen.step, chosen.tolerance, chosen.per) == (2 * HOUR, HOUR, 0.2, 7 * DAY)
    by_rows = replay_settings(ReplayOptions(config, window="600rows", step="200rows"), TIMESTAMPS, reference).settings
    assert (by_rows.size, by_rows.tolerance) == (3 * by_rows.step, 0.1)


@pytest.mark.parametrize(
    ("options", "timestamps", "message"),
    [
        (
            ReplayOptions(window="1h"),
            None,
            "--window: must be in rows, such as 5000rows, without a timestamp column",
        ),
        (ReplayOptions(window="1h", step="5rows"), TIMESTAMPS, "--step: must be a duration, like --window"),
        (ReplayOptions(window="50rows", step="1h"), TIMESTAMPS, "--step: must be rows, like --window"),
        (ReplayOptions(window="50rows", step="20rows"), TIMESTAMPS, "--step: must divide --window, 50 rows (got 20)"),
        (
            ReplayOptions(window="5000rows", step="1row"),
            TIMESTAMPS,
            "--step: must be at least 4 rows, a 1440th of --window (got 1)",
        ),
    ],
)
def test_windows_that_cannot_be_are_named(
    references: tuple[Path, Path], options: ReplayOptions, timestamps: TimestampColumn | None, message: str
) -> None:
    """The option, the rule and the value."""
    with pytest.raises(ReplayError) as caught:
        replay_settings(options, timestamps, read_file(references[0]))
    assert str(caught.value).startswith(message)


def test_the_rules_of_the_configuration_hold_for_options_too(references: tuple[Path, Path]) -> None:
    """Every broken one is told."""
    with pytest.raises(ConfigError) as caught:
        replay_settings(ReplayOptions(window="1h", step="25m", tolerance=2.0), TIMESTAMPS, read_file(references[0]))
    problems = "\n".join(caught.value.problems)
    assert "window.step: must divide window.size (got 25m, size 1h)" in problems
    assert "verdict.tolerance: must be less than 1 (got 2.0)" in problems
