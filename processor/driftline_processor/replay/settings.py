"""How long windows are, by which time, and how strictly they are judged: by options, a processor.yaml, and defaults."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, NamedTuple

from driftline.sketch.time_units import HOUR
from driftline_processor.config import Config, load_config
from driftline_processor.config.durations import format_duration
from driftline_processor.engine.engine import EngineSettings
from driftline_processor.records import Reference
from driftline_processor.replay.errors import ReplayError
from driftline_processor.replay.timeline import Clock, RowNumbers, Timeline
from driftline_processor.replay.window_size import Duration, Rows, Stretch, check_step, parse_stretch

DEFAULT_TIME: Final = Duration(HOUR)
DEFAULT_ROWS: Final = Rows(5000)


@dataclass(frozen=True, slots=True)
class Options:
    """What the user says of windows and verdicts; it goes before what `config`, a processor.yaml, says."""

    config: Path | None = None
    window: str | None = None
    step: str | None = None
    lateness: str | None = None
    tolerance: float | None = None
    false_alarms: float | None = None
    per: str | None = None


class Timing(NamedTuple):
    """notes: lines for people about what was decided."""

    settings: EngineSettings
    timeline: Timeline
    notes: tuple[str, ...]


def timing(options: Options, clock: Clock | None, reference: Reference) -> Timing:
    """Raises ReplayError or ConfigError, which name the option or key."""
    window = _window(options, clock)
    step = None if options.step is None else parse_stretch("--step", options.step)
    if isinstance(window, Rows):
        return _by_rows(options, window, _same_kind(step, window), reference)
    assert clock is not None
    return _by_clock(options, clock, window, _same_kind(step, window))


def _window(options: Options, clock: Clock | None) -> Stretch | None:
    """None where the configuration says it."""
    if options.window is None:
        if clock is None:
            return DEFAULT_ROWS
        return None if options.config else DEFAULT_TIME
    window = parse_stretch("--window", options.window)
    if clock is None and isinstance(window, Duration):
        raise ReplayError(
            "--window: must be in rows, such as 5000rows, as there is no column of times: --timestamp names it "
            f"(got {options.window!r})"
        )
    return window


def _same_kind(step: Stretch | None, window: Stretch | None) -> Stretch | None:
    if step is not None and isinstance(step, Rows) != isinstance(window, Rows):
        raise ReplayError(f"--step: must be {'rows' if isinstance(window, Rows) else 'a duration'}, as --window is")
    return step


def _by_clock(options: Options, clock: Clock, window: Stretch | None, step: Stretch | None) -> Timing:
    """Windows of time: as --window and --step say, else as the configuration does."""
    keys: dict[str, object] = {}
    if isinstance(window, Duration):
        keys = {"size": format_duration(window.nanoseconds), "step": format_duration(window.nanoseconds)}
    if isinstance(step, Duration):
        keys["step"] = format_duration(step.nanoseconds)
    if options.lateness is not None:
        keys["lateness"] = options.lateness
    return Timing(EngineSettings.of(_config(options, keys)), clock, ())


def _by_rows(options: Options, window: Rows, step: Stretch | None, reference: Reference) -> Timing:
    """Windows of rows, which stand for a time: that is what a budget of false alarms is about."""
    step = step if isinstance(step, Rows) else window
    check_step(window, step)
    each = _row_duration(reference, window)
    settings = replace(
        EngineSettings.of(_config(options, {})), size=window.number * each, step=step.number * each, lateness=0
    )
    return Timing(settings, RowNumbers(each), (_pace(window, reference, settings),))


def _row_duration(reference: Reference, window: Rows) -> int:
    """Nanoseconds that a row stands for."""
    rows = _rows(reference)
    if reference.clock and rows and reference.ends[-1] > reference.starts[0]:
        return max(round(float(reference.ends[-1] - reference.starts[0]) / rows * 1e9), 1)
    return max(HOUR // window.number, 1)


def _rows(reference: Reference) -> float:
    return max((column.summary.rows for column in reference.columns.values()), default=0.0)


def _pace(window: Rows, reference: Reference, settings: EngineSettings) -> str:
    why = "as in the reference" if reference.clock else "as the reference has no clock"
    budget = f"{settings.false_alarms:g} in {format_duration(settings.per)}"
    size = format_duration(round(settings.size, -9) or settings.size)
    return f"A window of {window.number:,} rows stands for {size}, {why}; false alarms allowed: {budget}"


def _config(options: Options, window: Mapping[str, object]) -> Config:
    verdict = {"tolerance": options.tolerance, "false_alarms": options.false_alarms, "per": options.per}
    overrides = {key: value for key, value in verdict.items() if value is not None}
    return load_config(options.config, {}, {"window": window, "verdict": overrides})
