"""The command `driftline demo`: its options, its exit status and its closing lines."""

import json
import os
import shutil
import signal
import sys
import sysconfig
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Final

import click
from rich.console import Console

from driftline.tools.demo.scenarios.table import DEFAULT, SCENARIOS, load
from driftline.tools.demo.schedule import INTERACTIVE, SHORTEST, Schedule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from driftline.tools.demo.displays import Display
    from driftline.tools.demo.result import DemoResult
    from driftline.tools.demo.scenario import Scenario

DOCS: Final = "docs/getting-started.md"

NEEDED: Final = (
    "fastapi", "google.rpc", "grpc", "grpc_health", "httpx", "msgpack", "opentelemetry.instrumentation.fastapi",
    "pandas", "pyarrow", "pydantic", "scipy", "sklearn", "sqlalchemy", "uvicorn", "yaml",
)  # fmt: skip
"""What the extra `demo` installs, as import names."""


@click.command(short_help="Watch one feature drift on a live model server.")
@click.option(
    "--json",
    "json_file",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Write the result to this file and print plain lines instead of the live table.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(min=SHORTEST),
    help="Duration of the traffic; the feature breaks halfway. Default: "
    f"{INTERACTIVE.seconds:.0f}, and the feature breaks after {INTERACTIVE.healthy:.0f}.",
)
@click.option(
    "--scenario",
    "name",
    type=click.Choice(list(SCENARIOS)),
    default=DEFAULT,
    show_default=True,
    help="What breaks.",
)
@click.option(
    "--collector/--no-collector",
    "use_collector",
    default=True,
    help="Without it the server sends to the processor directly.",
)
def demo(json_file: Path | None, seconds: float | None, name: str, use_collector: bool) -> None:
    """Watch one feature drift on a live model server.

    Starts a FastAPI server with a scikit-learn model under opentelemetry-instrument, the OpenTelemetry Collector if
    there is one ($OTELCOL, .collector/otelcol or on the PATH) and driftline-processor, and sends traffic. Then one
    feature starts to arrive in another unit, or what --scenario names goes wrong. Exit status 0: an alarm was raised
    for that fault alone, and every row was counted; 1: otherwise. Ctrl-C stops it early; nothing is left running.
    """
    missing = [name for name in NEEDED if not _is_installed(name)]
    if missing:
        raise click.ClickException(f'the demo needs {", ".join(missing)}: pip install "driftline[demo]"')
    if json_file is not None:
        _check_writable(json_file)
    schedule = INTERACTIVE if seconds is None else Schedule.of(seconds)
    scenario = load(name)
    result = _run(schedule, use_collector, _display(json_file), scenario)
    if json_file is not None:
        json_file.write_text(json.dumps(result.as_json(), indent=2) + "\n")
    _conclude(result, scenario)
    if json_file is None:
        click.echo(next_steps(), err=True)


def _check_writable(file: Path) -> None:
    """Raises BadParameter before the demo rather than after it. click has checked a file that exists."""
    if not os.access(file.parent, os.W_OK | os.X_OK):
        raise click.BadParameter(f"must be in a folder that exists and is writable (got {file})", param_hint="--json")


def _run(schedule: Schedule, use_collector: bool, display: "Display", scenario: "Scenario") -> "DemoResult":
    from driftline.tools.demo.processes import ProcessError
    from driftline.tools.demo.runner import run
    from driftline.tools.demo.services import CollectorError, find_collector
    from driftline.tools.demo.traffic import TrafficError

    try:
        with _orderly_exit():
            return run(schedule, find_collector() if use_collector else None, display, scenario)
    except (CollectorError, ProcessError, TrafficError) as error:
        raise click.ClickException(str(error)) from error
    except KeyboardInterrupt:
        click.echo("Stopped. Nothing is left running.", err=True)
        sys.exit(128 + signal.SIGINT)


def _display(json_file: Path | None) -> "Display":
    from driftline.tools.demo.displays import LineDisplay, LiveDisplay

    console = Console()
    return LiveDisplay(console) if json_file is None and console.is_terminal else LineDisplay()


def _conclude(result: "DemoResult", scenario: "Scenario") -> None:
    """Prints the result in a sentence; exits with status 1 if it is not what was expected."""
    problems = list(result.problems())
    for problem in problems:
        click.echo(f"Unexpected: {problem}", err=True)
    if problems:
        sys.exit(1)
    others = [name for name in result.alarmed if name != result.expected.alarm.name]
    alone = f"and {', '.join(others)}" if others else "alone"
    click.echo(
        f"Alarm for {result.expected.alarm.name} {alone}, {result.first_alarm_seconds:.1f} s after {scenario.begun}. "
        f"All {result.rows_counted:,} rows counted.",
        err=True,
    )


def next_steps() -> str:
    """What to do after the demo, in three lines, with commands that can be pasted."""
    return (
        f"\n1. Profile your data:   {_command('driftline')} profile train.parquet --model churn -o churn.reference.json"
        f"\n2. Start your server:   {_command('opentelemetry-instrument')} uvicorn app:app"
        f"\n3. Read on:             {DOCS}"
    )


def _command(name: str) -> str:
    """How to call a command that was installed with this Python: by its name only if it is on the PATH."""
    return name if shutil.which(name) else os.path.relpath(Path(sysconfig.get_path("scripts"), name))


@contextmanager
def _orderly_exit() -> "Iterator[None]":
    """On SIGTERM and SIGHUP (a closed terminal) stop all processes first, as on Ctrl-C."""

    def leave(number: int, _frame: FrameType | None) -> None:
        sys.exit(128 + number)

    before = {number: signal.signal(number, leave) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _is_installed(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:  # of the package around it
        return False
