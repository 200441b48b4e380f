"""`driftline demo`: the command line around the story."""

import json
import signal
import sys
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Final

import click
from rich.console import Console

from driftline.demo.story import INTERACTIVE, SHORTEST, Story

if TYPE_CHECKING:
    from collections.abc import Iterator

    from driftline.demo.outcome import Outcome
    from driftline.demo.views import View

NEEDED: Final = (
    "fastapi", "google.rpc", "grpc", "grpc_health", "httpx", "msgpack", "opentelemetry.instrumentation.fastapi",
    "pandas", "pyarrow", "pydantic", "scipy", "sklearn", "sqlalchemy", "uvicorn", "yaml",
)  # fmt: skip
"""What the extra `demo` brings, as import names."""


@click.command()
@click.option(
    "--json",
    "json_file",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Write what happened to this file and draw nothing; the exit status tells whether all went as promised.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(min=SHORTEST),
    help=f"Length of the story, half of it healthy. Without it: {INTERACTIVE.healthy:.0f} healthy seconds of "
    f"{INTERACTIVE.seconds:.0f}.",
)
@click.option(
    "--collector/--no-collector", "use_collector", default=True, help="Without: server to processor directly."
)
def demo(json_file: Path | None, seconds: float | None, use_collector: bool) -> None:
    """The main job, live: a model server nobody touched, and one feature that breaks.

    Starts a FastAPI server with a scikit-learn model under opentelemetry-instrument, the OpenTelemetry Collector if
    there is one ($OTELCOL, .collector/otelcol or on the PATH), and driftline-processor, and sends traffic. Then one
    feature starts to arrive in another unit. Exit status 0: that feature alone was alarmed, and every row was counted.
    1: not so. Ends by itself or by Ctrl-C, and leaves nothing running.
    """
    missing = [name for name in NEEDED if not _is_there(name)]
    if missing:
        raise click.ClickException(f'the demo needs {", ".join(missing)}: pip install "driftline[demo]"')
    story = INTERACTIVE if seconds is None else Story.of(seconds)
    outcome = _run(story, use_collector, _view(json_file))
    if json_file is not None:
        json_file.write_text(json.dumps(outcome.as_json(), indent=2) + "\n")
    _conclude(outcome)


def _run(story: Story, use_collector: bool, view: "View") -> "Outcome":
    from driftline.demo.processes import ProcessError
    from driftline.demo.runner import run
    from driftline.demo.services import CollectorError, find_collector
    from driftline.demo.traffic import TrafficError

    try:
        with _terminated_in_order():
            return run(story, find_collector() if use_collector else None, view)
    except (CollectorError, ProcessError, TrafficError) as error:
        raise click.ClickException(str(error)) from error
    except KeyboardInterrupt:
        click.echo("Stopped. Nothing is left running.", err=True)
        sys.exit(128 + signal.SIGINT)


def _view(json_file: Path | None) -> "View":
    from driftline.demo.views import LineView, LiveView

    console = Console()
    return LiveView(console) if json_file is None and console.is_terminal else LineView()


def _conclude(outcome: "Outcome") -> None:
    """Says how it ended, and ends with the status that goes with it."""
    problems = list(outcome.problems())
    for problem in problems:
        click.echo(f"Not as promised: {problem}", err=True)
    if problems:
        sys.exit(1)
    click.echo(
        f"{outcome.broken} alone was alarmed, {outcome.first_alarm_seconds:.1f} s after its unit changed. "
        f"All {outcome.rows_counted:,} rows were counted. Nothing is left running.",
        err=True,
    )


@contextmanager
def _terminated_in_order() -> "Iterator[None]":
    """SIGTERM and SIGHUP (a closed terminal) end the demo as Ctrl-C does: what was started is stopped first."""

    def leave(number: int, _frame: FrameType | None) -> None:
        sys.exit(128 + number)

    before = {number: signal.signal(number, leave) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _is_there(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:  # of the package around it
        return False
