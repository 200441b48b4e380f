"""The windows, timeline and verdict settings of a replay, from options, a processor.yaml and defaults."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, NamedTuple

from driftline.reference.column_blocks import Blocks
from driftline.sketch.time_units import HOUR
from driftline_processor.config import Config, load_config
from driftline_processor.config.durations import format_duration
from driftline_processor.engine.engine_settings import EngineSettings
from driftline_processor.records import Reference
from driftline_processor.replay.errors import ReplayError
from driftline_processor.replay.timeline import RowNumbers, Timeline, TimestampColumn
from driftline_processor.replay.window_size import RowCount, TimeSpan, WindowLength, check_step, parse_window_length

DEFAULT_TIME: Final = TimeSpan(HOUR)
DEFAULT_ROWS: Final = RowCount(5000)


@dataclass(frozen=True, slots=True)
class ReplayOptions:
    """The options for windows and verdicts; they take precedence over `config`, a processor.yaml.

    choices: whether every window is judged at other settings as well. probability: column with the chance of a label.
    """

    config: Path | None = None
    window: str | None = None
    step: str | None = None
    lateness: str | None = None
    tolerance: float | None = None
    tolerances: Mapping[str, float] = field(default_factory=dict)
    false_alarms: float | None = None
    per: str | None = None
    choices: bool = True
    blocks: Blocks = field(default_factory=dict)
    probability: str | None = None


class ReplaySettings(NamedTuple):
    """The settings of the engine, and the timeline. notes: lines about the choices made, for the user."""

    settings: EngineSettings
    timeline: Timeline
    notes: tuple[str, ...]


def replay_settings(options: ReplayOptions, timestamps: TimestampColumn | None, reference: Reference) -> ReplaySettings:
    """Derives the settings of a replay.

    Args:
        options: The options given.
        timestamps: The timestamp column, if there is one.
        reference: The reference; it gives rows a duration if windows are counted in rows.

    Raises:
        ReplayError: An option is invalid; the message names it.
        ConfigError: The configuration is invalid; the message names the keys.

    """
    window = _window(options, timestamps)
    step = None if options.step is None else parse_window_length("--step", options.step)
    if isinstance(window, RowCount):
        return _by_rows(options, window, _same_kind(step, window), reference)
    assert timestamps is not None
    return _by_time(options, timestamps, window, _same_kind(step, window))


def _window(options: ReplayOptions, timestamps: TimestampColumn | None) -> WindowLength | None:
    """The window length; None if the configuration gives it."""
    if options.window is None:
        if timestamps is None:
            return DEFAULT_ROWS
        return None if options.config else DEFAULT_TIME
    window = parse_window_length("--window", options.window)
    if timestamps is None and isinstance(window, TimeSpan):
        raise ReplayError(
            "--window: must be in rows, such as 5000rows, without a timestamp column; name one with --timestamp "
            f"(got {options.window!r})"
        )
    return window


def _same_kind(step: WindowLength | None, window: WindowLength | None) -> WindowLength | None:
    if step is not None and isinstance(step, RowCount) != isinstance(window, RowCount):
        raise ReplayError(f"--step: must be {'rows' if isinstance(window, RowCount) else 'a duration'}, like --window")
    return step


def _by_time(
    options: ReplayOptions, timestamps: TimestampColumn, window: WindowLength | None, step: WindowLength | None
) -> ReplaySettings:
    """Windows of time, by --window and --step, else by the configuration."""
    keys: dict[str, object] = {}
    if isinstance(window, TimeSpan):
        keys = {"size": format_duration(window.nanoseconds), "step": format_duration(window.nanoseconds)}
    if isinstance(step, TimeSpan):
        keys["step"] = format_duration(step.nanoseconds)
    if options.lateness is not None:
        keys["lateness"] = options.lateness
    return ReplaySettings(EngineSettings.of(_config(options, keys)), timestamps, ())


def _by_rows(
    options: ReplayOptions, window: RowCount, step: WindowLength | None, reference: Reference
) -> ReplaySettings:
    """Windows of rows, converted to time for the false alarm budget."""
    step = step if isinstance(step, RowCount) else window
    check_step(window, step)
    each = _row_duration(reference, window)
    settings = replace(
        EngineSettings.of(_config(options, {})), size=window.number * each, step=step.number * each, lateness=0
    )
    return ReplaySettings(settings, RowNumbers(each), (_row_duration_note(window, reference, settings),))


def _row_duration(reference: Reference, window: RowCount) -> int:
    """Nanoseconds per row."""
    rows = _reference_rows(reference)
    if reference.has_timestamps and rows and reference.ends[-1] > reference.starts[0]:
        return max(round(float(reference.ends[-1] - reference.starts[0]) / rows * 1e9), 1)
    return max(HOUR // window.number, 1)


def _reference_rows(reference: Reference) -> float:
    return max((column.summary.rows for column in reference.columns.values()), default=0.0)


def _row_duration_note(window: RowCount, reference: Reference, settings: EngineSettings) -> str:
    why = "by the reference's timestamps" if reference.has_timestamps else "as the reference has no timestamps"
    budget = f"{settings.false_alarms:g} in {format_duration(settings.per)}"
    size = format_duration(round(settings.size, -9) or settings.size)
    return f"A window of {window.number:,} rows counts as {size}, {why}; false alarm budget: {budget}"


def _config(options: ReplayOptions, window: Mapping[str, object]) -> Config:
    verdict = {"tolerance": options.tolerance, "false_alarms": options.false_alarms, "per": options.per}
    overrides = {key: value for key, value in verdict.items() if value is not None}
    # A file holds all rows already: what is out of order by more than the lateness is left out, and counted.
    config = load_config(options.config, {}, {"window": {**window, "retention": 0}, "verdict": overrides})
    rest = {name: value for name, value in config.verdict.tolerances.items() if name not in options.tolerances}
    blocks = {name: value for name, value in config.verdict.blocks.items() if name not in options.blocks}
    columns = {"tolerances": {**options.tolerances, **rest}, "blocks": {**options.blocks, **blocks}}
    return config.model_copy(update={"verdict": config.verdict.model_copy(update=columns)})
