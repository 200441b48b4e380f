"""`driftline outcomes`: sends the outcomes of a table, such as a nightly one."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from driftline.profiling.requirements import pyarrow_problem

if TYPE_CHECKING:
    from driftline.outcomes.table_outcomes import OutcomeColumns, Skipped


@click.command(short_help="Send labels and business figures of a table.")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--id", "identity", required=True, metavar="COL", help="Column with the id of the prediction.")
@click.option("--label", default="", metavar="COL", help="Column with the true class or value.")
@click.option(
    "--figure",
    "figures",
    multiple=True,
    metavar="COL",
    help="Column with a figure of business, a number. May be given several times.",
)
@click.option(
    "--probability", default="", metavar="COL", help="Column with the probability with which a row was labelled."
)
@click.option("--time", default="", metavar="COL", help="Column with the time at which it became true. Default: now.")
@click.option("--row", default="", metavar="COL", help="Column with the number of the row, where an id has several.")
@click.option("--weight", default="", metavar="COL", help="Column with the rows that a row stands for.")
@click.option("--prediction", default="", metavar="COL", help="Column with the model's prediction; needs --model.")
@click.option("--score", default="", metavar="COL", help="Column with the probability of the positive class.")
@click.option("--model", default="", help="Name of the model. Default: any model that has the row.")
@click.option("--version", default="", help="Version of the model.")
@click.option(
    "--timeout", default=60.0, type=click.FloatRange(min=0), help="Seconds to wait for the backend. Default: 60."
)
def outcomes(*, files: tuple[Path, ...], identity: str, figures: tuple[str, ...], timeout: float, **named: str) -> None:
    """Send the outcomes of FILES: Parquet, CSV (also .csv.gz) or Arrow, or folders of them.

    Rows without a label and without a figure are left out. A file that is sent again counts once. They go where OTLP
    logs go, by OpenTelemetry's environment variables (OTEL_EXPORTER_OTLP_ENDPOINT).
    """
    if problem := pyarrow_problem():
        raise click.ClickException(f"driftline outcomes: {problem}")
    from driftline.outcomes.table_outcomes import OutcomeColumns

    columns = OutcomeColumns(id=identity, figures=figures, **named)
    if not columns.label and not columns.figures:
        raise click.UsageError("give --label, --figure, or both")
    if (columns.prediction or columns.score) and not columns.model:
        raise click.UsageError("--prediction and --score need --model")
    _send(files, columns, timeout)


def _send(files: tuple[Path, ...], columns: "OutcomeColumns", timeout: float) -> None:
    from driftline.outcomes.event_exporter import EVENTS
    from driftline.outcomes.table_outcomes import Skipped, read_outcomes
    from driftline.reference.errors import ProfileError
    from driftline.settings import Settings

    rows = events = 0
    skipped = Skipped()
    try:
        for found in read_outcomes(files, columns, Settings.read().id_key, skipped):
            EVENTS.send(found)
            rows, events = rows + 1, events + len(found)
    except ProfileError as error:
        raise click.ClickException(str(error)) from error
    sent = EVENTS.flush(timeout)
    _report(skipped)
    if EVENTS.dropped or not sent:
        raise click.ClickException("the backend did not take all outcomes; send the file again: what came counts once")
    click.echo(f"Sent {events:,} outcomes of {rows:,} rows")


def _report(skipped: "Skipped") -> None:
    if skipped.empty:
        click.echo(f"{skipped.empty:,} rows have no outcome yet", err=True)
    for reason, count in skipped.errors.most_common(10):
        click.echo(f"{count:,} rows left out: {reason}", err=True)
