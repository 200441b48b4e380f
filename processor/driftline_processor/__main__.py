"""The command `driftline-processor`."""

import logging
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from socket import socket, socketpair
from types import FrameType

import click

from driftline_processor import __version__
from driftline_processor.config import Config, ConfigError, effective, load, warnings
from driftline_processor.service.receiver import BindError
from driftline_processor.service.service import Service
from driftline_processor.service.store import StoreError


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--config", "path", type=click.Path(path_type=Path), help="YAML file; every key has a default.")
@click.option("--check", is_flag=True, help="Name every mistake in the configuration, print what is in force, and end.")
@click.version_option(__version__, prog_name="driftline-processor")
def main(path: Path | None, *, check: bool) -> None:
    """Turn what model servers send into drift metrics: OTLP in, OTLP out.

    What the file leaves open of `export` comes from OTEL_EXPORTER_OTLP_*. Ends in order on SIGTERM and Ctrl-C.
    """
    try:
        config = load(path, os.environ)
        if check:
            _show(config)
        else:
            _serve(config)
    except ConfigError as error:
        for problem in error.problems:
            click.echo(problem, err=True)
        sys.exit(2)
    except (BindError, StoreError) as error:
        click.echo(str(error), err=True)
        sys.exit(1)


def _show(config: Config) -> None:
    click.echo(effective(config), nl=False)
    for warning in warnings(config):
        click.echo(f"warning: {warning}", err=True)


def _serve(config: Config) -> None:
    logging.basicConfig(level=config.log_level.upper(), format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)  # the exporter's state is told in lines of our own
    with _signals() as asked:
        service = Service(config)
        try:
            service.start()
            asked.recv(1)
        finally:
            service.stop()


@contextmanager
def _signals() -> Iterator[socket]:
    """A byte can be read as soon as SIGTERM or Ctrl-C has come.

    A lock, a queue or an event would wait for ever if the signal came just as they begin to.
    """
    asked, wakes = socketpair()
    wakes.setblocking(False)  # as `set_wakeup_fd` requires
    with asked, wakes:
        signal.set_wakeup_fd(wakes.fileno())
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, _let_the_next_one_kill)
        try:
            yield asked
        finally:
            signal.set_wakeup_fd(-1)


def _let_the_next_one_kill(number: int, _: FrameType | None) -> None:
    """Who asks twice does not want to wait."""
    signal.signal(number, signal.SIG_DFL)


if __name__ == "__main__":
    main()
