"""`driftline replay`: the command line around the replay."""

import signal
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
from rich.console import Console

if TYPE_CHECKING:
    from collections.abc import Callable

    from driftline.profiling.plan import Roles
    from driftline_processor.replay.settings import Options
    from driftline_processor.replay.setup import Prepared

ALARMED: Final = 1
"""Exit status of --fail-on-alarm."""

NEEDED: Final = ("google.protobuf", "opentelemetry.proto", "pyarrow", "pydantic", "scipy", "sqlalchemy", "yaml")


class Failure(click.ClickException):
    """The replay could not be run. Not the status of an alarm, so that scripts can tell."""

    exit_code = 2


@click.command()
@click.argument("data", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path), metavar="FILE…")
@click.option(
    "--reference",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The profile of the training data, as `driftline profile` wrote it.",
)
@click.option("--timestamp", help="Column with the time of each row. Without it, the only column with times.")
@click.option("--window", help="Length of a window: 1h, 7d, or 5000rows.  [default: 1h; 5000rows without times]")
@click.option("--step", help="How often a window ends.  [default: --window]")
@click.option("--lateness", help="How much later than newer rows a row may come.  [default: 1m]")
@click.option("--label", help="Column with the label.")
@click.option("--prediction", help="Column with the prediction, where it is not named as in the reference.")
@click.option("--score", help="Column with the score, where it is not named as in the reference.")
@click.option("--ignore", default="", metavar="A,B", help="Columns to leave out.")
@click.option("--tolerance", type=float, help="Distance that does not matter.  [default: 0.05]")
@click.option("--false-alarms", type=float, help="False alarms that are allowed in --per.  [default: 1]")
@click.option("--per", help="The time that --false-alarms is about.  [default: 30d]")
@click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A processor.yaml, for what no option says of windows and verdicts.",
)
@click.option("--all", "everything", is_flag=True, help="Show every column, not only those that moved.")
@click.option(
    "--json", "document", type=click.Path(dir_okay=False, path_type=Path), help="Write all results to this file too."
)
@click.option("--fail-on-alarm", is_flag=True, help=f"End with status {ALARMED} if an alarm was opened.")
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
    ignore: str,
    tolerance: float | None,
    false_alarms: float | None,
    per: str | None,
    config: Path | None,
    everything: bool,
    document: Path | None,
    fail_on_alarm: bool,
) -> None:
    """Run logged predictions through the processor's own sketches and verdicts, in their own time: a backtest.

    FILE… are Parquet, CSV (also .gz) or Arrow, or folders of them: one stream, in the order of their times. The status
    is 0, 2 where the data cannot be replayed, and 130 on Ctrl-C.
    """
    _check_installed()
    from driftline.profiling.plan import Roles
    from driftline_processor.replay.settings import Options

    ignored = tuple(name.strip() for name in ignore.split(",") if name.strip())
    roles = Roles(label, prediction, score, timestamp, ignore=ignored)
    options = Options(config, window, step, lateness, tolerance, false_alarms, per)
    try:
        alarms = _replay(data, reference, roles, options, document, everything=everything)
    except KeyboardInterrupt:
        click.echo("Stopped.", err=True)
        ctx.exit(128 + signal.SIGINT)
    if alarms and fail_on_alarm:
        ctx.exit(ALARMED)


def _check_installed() -> None:
    for name in NEEDED:
        if not _is_there(name):
            raise Failure(f"driftline replay needs {name}: pip install 'driftline[processor]'")


def _is_there(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:  # of the package around it
        return False


def _replay(
    data: tuple[Path, ...],
    reference: Path,
    roles: "Roles",
    options: "Options",
    document: Path | None,
    *,
    everything: bool,
) -> int:
    """Alarms that were opened. Raises Failure."""
    from driftline.profiling.progress import progress
    from driftline.reference.errors import ProfileError
    from driftline_processor.config import ConfigError
    from driftline_processor.reference import InvalidReference
    from driftline_processor.replay.errors import ReplayError
    from driftline_processor.replay.setup import prepare

    try:
        with progress() as listener:
            prepared = prepare(data, reference, roles, options, lambda rows: listener("Reading the types", rows, 0))
            for note in prepared.notes:
                click.echo(note, err=True)
            total = prepared.table.rows
            return _run(prepared, document, lambda rows: listener("Replaying", rows, total), everything=everything)
    except (ConfigError, InvalidReference, ProfileError, ReplayError) as error:
        raise Failure(str(error)) from error
    except BrokenPipeError:  # whoever read the lines has seen enough: click ends quietly
        raise
    except OSError as error:
        raise Failure(f"{error.filename or document}: cannot be written: {error.strerror or error}") from error


def _run(prepared: "Prepared", document: Path | None, on_rows: "Callable[[int], None]", *, everything: bool) -> int:
    from driftline.reference.atomic_write import replacing
    from driftline_processor.replay.json_report import Document
    from driftline_processor.replay.text_report import RunTotals, closing_lines, window_lines

    replay, console, summary = prepared.replay, Console(highlight=False), RunTotals()
    with ExitStack() as stack:
        out = Document(stack.enter_context(replacing(document)), replay.timeline) if document else None
        for result in replay.run(prepared.batches(), on_rows):
            summary.add(result)
            for line in window_lines(result, replay.timeline, replay.rows, everything=everything):
                console.print(line, soft_wrap=True)
            if out:
                out.add(result, replay.rows)
        if out:
            out.end()
    for said in closing_lines(replay, summary):
        click.echo(said)
    return summary.opened
