"""The command `driftline-processor`."""

import logging
import os
import signal
import sys
from pathlib import Path
from queue import SimpleQueue
from types import FrameType

import click

from driftline_processor import __version__
from driftline_processor.config import Config, ConfigError, effective, load, warnings
from driftline_processor.receiver import BindError
from driftline_processor.service import Service
from driftline_processor.store import StoreError


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
    asked: SimpleQueue[int] = SimpleQueue()  # an Event would deadlock if the signal came while it begins to wait

    def ask(number: int, _: FrameType | None) -> None:
        asked.put(number)
        signal.signal(number, signal.SIG_DFL)  # who asks twice does not want to wait

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, ask)
    service = Service(config)
    try:
        service.start()
        asked.get()
    finally:
        service.stop()


if __name__ == "__main__":
    main()
