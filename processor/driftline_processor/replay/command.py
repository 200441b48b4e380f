"""The command line of `driftline replay`."""

import signal
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
from rich.console import Console

from driftline.profiling.command import read_blocks
from driftline.profiling.requirements import pyarrow_problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from driftline.profiling.plan import Roles
    from driftline_processor.replay.settings import ReplayOptions
    from driftline_processor.replay.setup import PreparedReplay

ALARM_EXIT_STATUS: Final = 1
"""Exit status of --fail-on-alarm."""

REQUIRED_PACKAGES: Final = (
    "google.protobuf",
    "opentelemetry.proto",
    "pyarrow",
    "pydantic",
    "scipy",
    "sqlalchemy",
    "yaml",
)


class ReplayFailure(click.ClickException):
    """The replay failed. Its exit status differs from that of an alarm."""

    exit_code = 2


def _tolerances(
    _ctx: click.Context, _parameter: click.Parameter, values: tuple[str, ...]
) -> tuple[float | None, dict[str, float]]:
    """That of all columns, and those of single ones. What is wrong with the first the configuration says."""
    from driftline.reference.errors import ProfileError
    from driftline.reference.tolerances import parse

    plain = [value for value in values if "=" not in value]
    try:
        own = dict(parse(value) for value in values if "=" in value)
        return (float(plain[-1]) if plain else None), own
    except ProfileError as error:
        raise click.BadParameter(str(error)) from error
    except ValueError as error:
        raise click.BadParameter(f"must be a number, or PATTERN=VALUE (got {plain[-1]!r})") from error


@click.command(short_help="Backtest: replay logged predictions in event time.")
@click.argument("data", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path), metavar="FILE…")
@click.option(
    "--reference",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Profile of the training data, written by `driftline profile`.",
)
@click.option("--timestamp", help="Column with the timestamp of each row.  [default: the only timestamp column]")
@click.option("--window", help="Window length: 1h, 7d or 5000rows.  [default: 1h; 5000rows without timestamps]")
@click.option("--step", help="How often a window is judged.  [default: --window]")
@click.option("--lateness", help="How far rows may lag behind the newest ones.  [default: 1m]")
@click.option("--label", help="Column with the label.")
@click.option("--prediction", help="Column with the prediction, if not named as in the reference.")
@click.option("--score", help="Column with the score, if not named as in the reference.")
@click.option("--probability", help="Column with the chance that a row gets a label: labelled rows weigh one over it.")
@click.option("--id", "identity", help="Column with the ids of predictions; it is no input.")
@click.option("--ignore", default="", metavar="A,B", help="Columns to exclude.")
@click.option(
    "--tolerance",
    "tolerances",
    multiple=True,
    callback=_tolerances,
    metavar="VALUE|PATTERN=VALUE",
    help="Drift distance to ignore, as a share of rows; of single columns by name or pattern: 'fraud*=0.001'.  "
    "[default: 0.05]",
)
@click.option(
    "--block",
    "blocks",
    multiple=True,
    callback=read_blocks,
    metavar="NAME=A,B*",
    help="Columns that are judged together, by names or patterns: 'address=street*,zip'.",
)
@click.option("--false-alarms", type=float, help="False alarm budget in --per.  [default: 1]")
@click.option("--per", help="Period of the --false-alarms budget.  [default: 30d]")
@click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="processor.yaml to take windows and verdict settings from; options take precedence.",
)
@click.option("--all", "everything", is_flag=True, help="Show all columns, not only those that drifted.")
@click.option(
    "--json", "document", type=click.Path(dir_okay=False, path_type=Path), help="Also write all results to this file."
)
@click.option(
    "--choices/--no-choices",
    default=True,
    help="End with the alarms at other tolerances and budgets, and the smallest move that each column would show; "
    "takes two to three times as long.  [default: choices]",
)
@click.option("--fail-on-alarm", is_flag=True, help=f"Exit with status {ALARM_EXIT_STATUS} if an alarm was opened.")
@click.pass_context
def replay(
    ctx: click.Context,
    *,
    data: tuple[Path, ...],
    reference: Path,
    timestamp: str | None,
    window: str | None,
    step: str | None,
    lateness: str | None,
    label: str | None,
    prediction: str | None,
    score: str | None,
    probability: str | None,
    identity: str | None,
    ignore: str,
    tolerances: tuple[float | None, dict[str, float]],
    blocks: dict[str, list[str]],
    false_alarms: float | None,
    per: str | None,
    config: Path | None,
    everything: bool,
    document: Path | None,
    choices: bool,
    fail_on_alarm: bool,
) -> None:
    """Backtest drift detection: replay logged predictions through the processor in event time.

    FILE… are Parquet, CSV (also .gz) or Arrow files, or folders of them, replayed as one stream in the order of their
    timestamps. Exit status: 0 on success, 2 if the data cannot be replayed, 130 on Ctrl-C.
    """
    _check_installed()
    from driftline.profiling.plan import Roles
    from driftline_processor.replay.settings import ReplayOptions

    ignored = tuple(name.strip() for name in ignore.split(",") if name.strip())
    ignored += tuple(name for name in (probability, identity) if name is not None)
    roles = Roles(label, prediction, score, timestamp, ignore=ignored)
    options = ReplayOptions(
        config, window, step, lateness, *tolerances, false_alarms, per, choices, blocks, probability
    )
    try:
        alarms = _replay(data, reference, roles, options, document, everything=everything)
    except KeyboardInterrupt:
        click.echo("Interrupted.", err=True)
        ctx.exit(128 + signal.SIGINT)
    if alarms and fail_on_alarm:
        ctx.exit(ALARM_EXIT_STATUS)


def _check_installed() -> None:
    for name in REQUIRED_PACKAGES:
        if not _is_installed(name):
            raise ReplayFailure(f"driftline replay needs {name}: pip install 'driftline[processor]'")
    if problem := pyarrow_problem():
        raise ReplayFailure(f"driftline replay: {problem}")


def _is_installed(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:  # of the package around it
        return False


def _replay(
    data: tuple[Path, ...],
    reference: Path,
    roles: "Roles",
    options: "ReplayOptions",
    document: Path | None,
    *,
    everything: bool,
) -> int:
    """Runs the replay; returns the number of alarms opened. Raises ReplayFailure."""
    from driftline.profiling.progress import progress
    from driftline.reference.errors import ProfileError
    from driftline_processor.config import ConfigError
    from driftline_processor.reference import InvalidReference
    from driftline_processor.replay.errors import ReplayError
    from driftline_processor.replay.setup import prepare_replay

    try:
        with progress() as listener:
            prepared = prepare_replay(
                data, reference, roles, options, lambda rows: listener("Reading the types", rows, 0)
            )
            for note in prepared.notes:
                click.echo(note, err=True)
            total = prepared.table.rows
            return _run(prepared, document, lambda rows: listener("Replaying", rows, total), everything=everything)
    except (ConfigError, InvalidReference, ProfileError, ReplayError) as error:
        raise ReplayFailure(str(error)) from error
    except BrokenPipeError:  # the reader closed the pipe: click exits quietly
        raise
    except OSError as error:
        raise ReplayFailure(f"{error.filename or document}: cannot write: {error.strerror or error}") from error


def _run(
    prepared: "PreparedReplay", document: Path | None, on_rows: "Callable[[int], None]", *, everything: bool
) -> int:
    from driftline.reference.atomic_write import replacing
    from driftline.semconv import TARGET_INPUT
    from driftline_processor.replay.json_report import Document
    from driftline_processor.replay.text_report import (
        RunTotals,
        choice_lines,
        closing_lines,
        performance_lines,
        window_lines,
    )

    replay, console, summary = prepared.replay, Console(highlight=False), RunTotals()
    with ExitStack() as stack:
        out = Document(stack.enter_context(replacing(document)), replay.timeline) if document else None
        for result in replay.run(prepared.batches(), on_rows):
            summary.add(result)
            for line in window_lines(result, replay.timeline, replay.rows, everything=everything):
                console.print(line, soft_wrap=True)
            performance = replay.performance(result)
            moved = any(each.alarm is not None and each.column.target == TARGET_INPUT for each in result.columns)
            for line in performance_lines(performance, moved=moved, everything=everything) if performance else ():
                console.print(line, soft_wrap=True)
            if out:
                out.add(result, replay.rows, performance)
        if out:
            out.end(replay.choices)
    table = choice_lines(replay.choices, replay.settings.per) if replay.choices else ()
    for closing in (*table, *closing_lines(replay, summary)):
        click.echo(closing)
    return summary.opened
