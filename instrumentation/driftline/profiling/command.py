"""`driftline profile`: the command line around the profiler."""

from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING

import click
from rich.console import Console

from driftline.profiling.requirements import pyarrow_problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from driftline.profiling.profiler import Progress
    from driftline.reference.column_blocks import Blocks
    from driftline.reference.profile import Profile


def _names(_ctx: click.Context, _parameter: click.Parameter, value: str | None) -> tuple[str, ...]:
    """Comma-separated names."""
    return tuple(name.strip() for name in (value or "").split(",") if name.strip())


def _tolerances(_ctx: click.Context, _parameter: click.Parameter, values: tuple[str, ...]) -> dict[str, float]:
    from driftline.reference.errors import ProfileError
    from driftline.reference.tolerances import parse

    try:
        return dict(map(parse, values))
    except ProfileError as error:
        raise click.BadParameter(str(error)) from error


def read_blocks(_ctx: click.Context, _parameter: click.Parameter, values: tuple[str, ...]) -> dict[str, list[str]]:
    """The values of --block, of `driftline replay` too."""
    from driftline.reference.column_blocks import parse_block
    from driftline.reference.errors import ProfileError

    try:
        return dict(map(parse_block, values))
    except ProfileError as error:
        raise click.BadParameter(str(error)) from error


def _segments(_ctx: click.Context, _parameter: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    from driftline.segments.declared import checked_segments

    try:
        return checked_segments(values)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


@click.command(short_help="Profile training data: make a reference.")
@click.argument("data", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option(
    "-o", "--output", required=True, type=click.Path(dir_okay=False, path_type=Path), help="Reference file to write."
)
@click.option(
    "--model", default="", help="Name of the served model. Default: the output's file name up to the first dot."
)
@click.option("--version", default="", help="Version of the model. Without one, the reference applies to all versions.")
@click.option("--label", help="Column with the label.")
@click.option("--prediction", help="Column with the model's prediction, a class or a number.")
@click.option("--score", help="Column with the probability of the positive class, or the decision function.")
@click.option("--timestamp", help="Column with the time of each row. Default: the only column of times.")
@click.option(
    "--categorical",
    callback=_names,
    metavar="A,B",
    help="Columns of category codes: numbers, of which a CSV keeps leading zeros.",
)
@click.option("--ignore", callback=_names, metavar="A,B", help="Columns to leave out.")
@click.option("--keep", callback=_names, metavar="A,B", help="Columns to keep even if they look like IDs or clocks.")
@click.option(
    "--tolerance",
    "tolerances",
    multiple=True,
    callback=_tolerances,
    metavar="PATTERN=VALUE",
    help="How far columns may move before it matters, as a share of rows: 'fraud*=0.001'. May be given "
    "several times; a column's own name counts, else the first pattern that matches.",
)
@click.option(
    "--block",
    "blocks",
    multiple=True,
    callback=read_blocks,
    metavar="NAME=A,B*",
    help="Columns that are judged together, by names or patterns: 'address=street*,zip'. May be given several times.",
)
@click.option(
    "--segment",
    "segments",
    multiple=True,
    callback=_segments,
    metavar="COLUMN|CONDITION",
    help="A part of the rows that is always told of: a column, of which every bin or category is one, or a condition "
    "such as 'age >= 65 and region == \"north\"'. May be given several times.",
)
def profile(
    *,
    data: tuple[Path, ...],
    output: Path,
    model: str,
    version: str,
    label: str | None,
    prediction: str | None,
    score: str | None,
    timestamp: str | None,
    categorical: tuple[str, ...],
    ignore: tuple[str, ...],
    keep: tuple[str, ...],
    tolerances: dict[str, float],
    blocks: dict[str, list[str]],
    segments: tuple[str, ...],
) -> None:
    """Profile training DATA: the reference that live data is compared with.

    DATA: Parquet, CSV (also .csv.gz) or Arrow files, or folders of them, read in batches. The reference is OTLP JSON
    and holds distributions, not rows.
    """
    if problem := pyarrow_problem():
        raise click.ClickException(f"driftline profile: {problem}")
    _require_writable(output)
    from driftline.profiling.plan import Roles
    from driftline.profiling.progress import progress
    from driftline.reference.errors import ProfileError

    roles = Roles(label, prediction, score, timestamp, categorical, ignore, keep)
    try:
        with progress() as listener:
            wanted = (tolerances, blocks, segments)
            made = _profiled(data, roles, listener, (model, version), wanted)
        made.save(output)
    except ProfileError as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(f"{output}: cannot be written: {error.strerror or error}") from error
    _report(made, output)


def _require_writable(output: Path) -> None:
    """Before hours of reading: create the folder of the output, and a file in it."""
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=output.parent):
            pass
    except OSError as error:
        raise click.ClickException(f"{output}: cannot be written: {error.strerror or error}") from error


def _profiled(
    data: tuple[Path, ...],
    roles: object,
    listener: "Progress",
    named: tuple[str, str],
    wanted: "tuple[Mapping[str, float], Blocks, tuple[str, ...]]",
) -> "Profile":
    from driftline.profiling.plan import Roles
    from driftline.profiling.profiler import profile_table
    from driftline.profiling.tables import open_table

    assert isinstance(roles, Roles)
    table = open_table(data, lambda rows: listener("Reading the types", rows, 0))
    (model, version), (tolerances, blocks, segments) = named, wanted
    return profile_table(
        table,
        roles,
        model=model,
        version=version,
        tolerances=tolerances,
        blocks=blocks,
        segments=segments,
        progress=listener,
    )


def _report(made: "Profile", output: Path) -> None:
    from driftline.profiling.summary import chunk_line, pair_line, schema_table

    console = Console(highlight=False)
    console.print(schema_table(made))
    console.print()
    console.print(chunk_line(made), soft_wrap=True, markup=False)
    if made.pairs:
        console.print(pair_line(made), soft_wrap=True, markup=False)
    for note in made.notes:
        console.print(note, soft_wrap=True, markup=False)
    size = output.stat().st_size
    console.print(
        f"Wrote {output}: model {made.named(output).model}, {size / 1000:,.0f} kB", soft_wrap=True, markup=False
    )
