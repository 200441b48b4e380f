"""The command line of `driftline report`."""

import json
from pathlib import Path
from typing import Any, Final
from urllib.error import HTTPError, URLError
from urllib.parse import quote
from urllib.request import Request, urlopen

import click

_SECONDS: Final = 30.0


class ReportFailure(click.ClickException):
    """There is no report."""

    exit_code = 2


@click.command(short_help="Write a report of a backtest, or of a model that is served, as one HTML file.")
@click.argument("results", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("-o", "--output", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The HTML file.")
@click.option("--processor", help="URL of a processor's status page, such as http://127.0.0.1:4328.")
@click.option("--model", help="Name of the model: in --processor, or to be shown.")
@click.option("--token", envvar="DRIFTLINE_PROCESSOR_TOKEN", help="Bearer token of the processor.", show_envvar=True)
def report(results: Path | None, output: Path, processor: str | None, model: str | None, token: str | None) -> None:
    """Write a report as one HTML file, without anything beside it.

    RESULTS is what `driftline replay --json` has written; instead, --processor and --model name a model that is served.
    Exit status: 0 on success, 2 if there is no report.
    """
    from driftline.reference.atomic_write import replacing

    if (results is None) == (processor is None):
        raise click.UsageError("give either RESULTS or --processor")
    if processor is not None and model is None:
        raise click.UsageError("--processor needs --model")
    text = _of_file(results, model) if results else _of_processor(str(processor), str(model), token)
    try:
        with replacing(output) as file:
            file.write(text)
    except OSError as error:
        raise ReportFailure(f"{output}: cannot write: {error.strerror or error}") from error


def _of_file(results: Path, model: str | None) -> str:
    from driftline_processor.web.report import NoReportError, report_of_replay

    try:
        return report_of_replay(json.loads(results.read_text(encoding="utf-8")), model or results.stem)
    except (NoReportError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ReportFailure(f"{results}: {error}") from None


def _of_processor(processor: str, model: str, token: str | None) -> str:
    from driftline_processor.web.report import rendered

    if not processor.startswith(("http://", "https://")):
        raise ReportFailure(f"--processor: must start with http:// or https:// (got {processor})")
    address = f"{processor.rstrip('/')}/api/v1/models/{quote(model, safe='')}"
    return rendered(_asked(address, token), _asked(f"{address}/timeline", token))


def _asked(address: str, token: str | None) -> Any:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        with urlopen(Request(address, headers=headers), timeout=_SECONDS) as answer:  # noqa: S310  # http only
            return json.load(answer)
    except HTTPError as error:
        with error:
            raise ReportFailure(f"{address}: {error}") from None
    except (URLError, OSError, ValueError) as error:
        raise ReportFailure(f"{address}: {error}") from None
