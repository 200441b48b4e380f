"""The command line of `driftline skew`."""

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from driftline.profiling.requirements import pyarrow_problem

if TYPE_CHECKING:
    from driftline_processor.skew_files.report import SkewReport
    from driftline_processor.skew_files.sides import Choice

SKEW_EXIT_STATUS: Final = 1
"""Exit status of --fail-on-skew."""


class SkewFailure(click.ClickException):
    """Nothing was compared. Its exit status differs from that of skew."""

    exit_code = 2


def _tolerances(
    _ctx: click.Context, _parameter: click.Parameter, values: tuple[str, ...]
) -> tuple[float, dict[str, float]]:
    """That of all columns, and those of single ones."""
    plain, own = 0.0, {}
    for value in values:
        pattern, _, number = value.rpartition("=")
        try:
            tolerance = float(number)
        except ValueError:
            tolerance = -1.0
        if not 0.0 <= tolerance < float("inf"):
            raise click.BadParameter(f"must be a number from 0, or PATTERN=VALUE (got {value!r})")
        if pattern:
            own[pattern.strip()] = tolerance
        else:
            plain = tolerance
    return plain, own


@click.command(short_help="Compare served features with recomputed ones, row by row.")
@click.argument("served", type=click.Path(exists=True, path_type=Path))
@click.argument("recomputed", type=click.Path(exists=True, path_type=Path))
@click.option("--id", "row_id", required=True, metavar="COLUMN", help="Column with the id of each row.")
@click.option(
    "--tolerance",
    "tolerances",
    multiple=True,
    callback=_tolerances,
    metavar="VALUE|PATTERN=VALUE",
    help="Difference to ignore, as a share of the value (or of the median size in the column, if that is larger); of "
    "times in seconds. Of single columns by name or pattern: 'amount*=0.01'.  [default: float noise]",
)
@click.option("--time", help="Column with the time of each row.  [default: the only timestamp column]")
@click.option("--entity", help="Column that says what a row is of, to tell stale values.  [default: all are of one]")
@click.option("--ignore", default="", metavar="A,B", help="Columns to exclude.")
@click.option("--model", help="Only served rows of this model, in row batches.")
@click.option("--operation", help="Only served rows of this operation, in row batches.")
@click.option("--all", "everything", is_flag=True, help="Show all columns, not only unequal ones.")
@click.option(
    "--json", "document", type=click.Path(dir_okay=False, path_type=Path), help="Also write the result to this file."
)
@click.option("--fail-on-skew", is_flag=True, help=f"Exit with status {SKEW_EXIT_STATUS} if a row is unequal.")
@click.pass_context
def skew(
    ctx: click.Context,
    *,
    served: Path,
    recomputed: Path,
    row_id: str,
    tolerances: tuple[float, dict[str, float]],
    time: str | None,
    entity: str | None,
    ignore: str,
    model: str | None,
    operation: str | None,
    everything: bool,
    document: Path | None,
    fail_on_skew: bool,
) -> None:
    """Compare the features that a model got with those that another pipeline makes of the same rows.

    SERVED and RECOMPUTED are Parquet, CSV (also .gz) or Arrow files, or folders of them. SERVED may also hold row
    batches: what `driftline rows` writes, or what the Collector's `file` exporter does; RECOMPUTED, such a file with
    the events of `driftline.record_features`. Of each column: the share of
    rows that are unequal, and what it looks like, as a factor between units, a default or a time zone. Exit status: 0
    on success, 2 if nothing can be compared.
    """
    _check_installed()
    from driftline_processor.skew_files.sides import Choice

    ignored = tuple(name.strip() for name in ignore.split(",") if name.strip())
    choice = Choice(row_id, time, entity, model, operation, ignored)
    report = _compared(served, recomputed, choice, tolerances)
    for note in report.notes:
        click.echo(note, err=True)
    for line in report.lines(everything=everything):
        click.echo(line)
    if document is not None:
        _write(report, document)
    if fail_on_skew and report.is_skewed:
        ctx.exit(SKEW_EXIT_STATUS)


def _check_installed() -> None:
    for name in ("google.protobuf", "opentelemetry.proto", "pyarrow", "scipy"):
        try:
            missing = find_spec(name) is None
        except ModuleNotFoundError:
            missing = True
        if missing:
            raise SkewFailure(f"driftline skew needs {name}: pip install 'driftline[processor]'")
    if problem := pyarrow_problem():
        raise SkewFailure(f"driftline skew: {problem}")


def _compared(
    served: Path, recomputed: Path, choice: "Choice", tolerances: tuple[float, dict[str, float]]
) -> "SkewReport":
    from dataclasses import replace

    from driftline.reference.errors import ProfileError
    from driftline_processor.skew_files.report import compare_sides
    from driftline_processor.skew_files.sides import SkewError, read_side

    try:
        ours = read_side([served], replace(choice, time=None, entity=None))
        theirs = read_side([recomputed], replace(choice, operation=None, recomputed=True))
        return compare_sides(ours, theirs, *tolerances)
    except (ProfileError, SkewError) as error:
        raise SkewFailure(str(error)) from error


def _write(report: "SkewReport", document: Path) -> None:
    from driftline.reference.atomic_write import replacing

    try:
        with replacing(document) as file:
            file.write(report.as_json())
    except OSError as error:
        raise SkewFailure(f"{document}: cannot write: {error.strerror or error}") from error
