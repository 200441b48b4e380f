"""`driftline rows`: row batches that a Collector has written to files, as Parquet or CSV."""

from collections import Counter
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from driftline.rows.otlp import SentBatch

_PARQUET: Final = (".parquet", ".pq")


@click.command(short_help="Convert exported row batches to Parquet or CSV.")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="File to write: .parquet or .csv.",
)
@click.option("--model", help="Only rows of this model.")
@click.option("--operation", help="Only rows of this operation, as predict or predict_proba.")
def rows(files: tuple[Path, ...], output: Path, model: str | None, operation: str | None) -> None:
    """Convert row batches to a table.

    FILES are what the Collector's `file` exporter writes: OTLP JSON, or protobuf. Each row has its key (the hash of
    its id), time, weight, model and operation, and a column for each input and output. Batches that came twice are
    taken once; damaged ones are counted.
    """
    from driftline.rows.export_table import columns_of, write_csv, write_parquet

    if output.suffix not in (*_PARQUET, ".csv"):
        raise click.BadParameter(f"must end in .parquet or .csv (got {output.name!r})", param_hint="--output")
    if output.suffix != ".csv" and find_spec("pyarrow") is None:
        raise click.ClickException('Parquet needs pyarrow: pip install "driftline[sklearn]", or write a .csv')
    found: dict[str, SentBatch] = {}
    damaged: Counter[str] = Counter()
    for each in _all(files):
        if isinstance(each, str):
            damaged[each] += 1
        elif model in (None, each.model) and operation in (None, each.operation):
            found.setdefault(each.batch.uid, each)
    for reason, count in damaged.items():
        click.echo(f"{count} damaged: {reason}", err=True)
    if not found:
        raise click.ClickException("no row batches found")
    (write_csv if output.suffix == ".csv" else write_parquet)(columns_of(list(found.values())), output)
    sampled = sum(len(each.batch.table) for each in found.values())
    seen = sum(each.batch.seen for each in found.values())
    click.echo(f"{output}: {sampled} of {seen} rows, in {len(found)} batches")


def _all(files: "Iterable[Path]") -> "Iterator[SentBatch | str]":
    from driftline.rows.files import UnreadableFile, read_file

    for file in files:
        try:
            yield from read_file(file)
        except (OSError, UnreadableFile) as error:  # noqa: PERF203  # which file it is
            raise click.ClickException(f"{file}: {error}") from error
