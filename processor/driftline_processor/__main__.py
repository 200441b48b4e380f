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
from driftline_processor.config import Config, ConfigError, config_warnings, effective_yaml, exposed, load_config
from driftline_processor.service.garbage import collect_rarely
from driftline_processor.service.receiver import BindError
from driftline_processor.service.sender_access import AccessError, SenderAccess, server_credentials
from driftline_processor.service.service import Service
from driftline_processor.service.store import StoreError
from driftline_processor.service.store.check import describe_store


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--config", "path", type=click.Path(path_type=Path), help="YAML file; every key has a default.")
@click.option("--check", is_flag=True, help="Validate the configuration, print it and what is stored, and exit.")
@click.version_option(__version__, prog_name="driftline-processor")
def main(path: Path | None, *, check: bool) -> None:
    """Receive model telemetry over OTLP and export drift metrics and alarm events over OTLP.

    Unset keys of `export` fall back to OTEL_EXPORTER_OTLP_*. SIGTERM and Ctrl-C shut down gracefully.
    """
    try:
        config = load_config(path, os.environ)
        if check:
            _show(config)
        else:
            _serve(config)
    except ConfigError as error:
        for problem in error.problems:
            click.echo(problem, err=True)
        sys.exit(2)
    except (AccessError, BindError, StoreError) as error:
        click.echo(str(error), err=True)
        sys.exit(1)


def _show(config: Config) -> None:
    click.echo(effective_yaml(config), nl=False)
    for warning in config_warnings(config):
        click.echo(f"warning: {warning}", err=True)
    click.echo(describe_store(config.store), err=True)
    SenderAccess(config.receive, config.tenants)
    server_credentials(config.receive)
    if (problem := exposed(config)) is not None:
        raise ConfigError((problem,))


def _serve(config: Config) -> None:
    logging.basicConfig(level=config.log_level.upper(), format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)  # we log export failures ourselves
    with _signals() as (stop, wakeup):
        service = Service(config, give_up=lambda: wakeup.sendall(b"\0"))
        try:
            service.start()
            collect_rarely()
            stop.recv(1)
        finally:
            service.stop()
    if service.failure:
        raise StoreError(service.failure)


@contextmanager
def _signals() -> Iterator[tuple[socket, socket]]:
    """A socket that becomes readable on SIGTERM or Ctrl-C, and the one that is written to then.

    Waiting on a lock, queue or event would hang if the signal arrived just before the wait.
    """
    readable, wakeup = socketpair()
    wakeup.setblocking(False)  # required by `set_wakeup_fd`
    with readable, wakeup:
        signal.set_wakeup_fd(wakeup.fileno())
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, _restore_default)
        try:
            yield readable, wakeup
        finally:
            signal.set_wakeup_fd(-1)


def _restore_default(number: int, _: FrameType | None) -> None:
    """Lets a second signal kill the process at once."""
    signal.signal(number, signal.SIG_DFL)


if __name__ == "__main__":
    main()
