"""The command `driftline doctor`: its options, its lines and its exit status."""

import json
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import click

from driftline.tools.doctor.finding import Finding, as_json, as_line, problems

SECONDS: Final = 60.0

_FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command(
    short_help="Say whether a server, a processor or a Collector is set up right.",
    context_settings={"allow_interspersed_args": False},
)
@click.argument("command", nargs=-1, type=click.UNPROCESSED, metavar="[-- COMMAND…]")
@click.option(
    "--reference",
    type=click.Path(exists=True, path_type=Path),
    help="Training profile, or a folder of them, that the names must fit.  [default: $DRIFTLINE_REFERENCE]",
)
@click.option(
    "--seconds",
    type=click.FloatRange(min=0.1),
    default=SECONDS,
    show_default=True,
    help="How long COMMAND may run. Ctrl-C ends it earlier.",
)
@click.option("--request", "url", metavar="URL", help="Send a few requests to this URL of COMMAND, then end it.")
@click.option("--data", metavar="JSON", help="Body of these requests, which makes them POST; @FILE reads it.")
@click.option("--processor", metavar="HOST:PORT", help="Ask a running driftline-processor; https://HOST:PORT by TLS.")
@click.option(
    "--certificate",
    type=_FILE,
    help="CA certificates (PEM) for --processor, by TLS.  [default: $OTEL_EXPORTER_OTLP_CERTIFICATE]",
)
@click.option("--client-key", type=_FILE, help="Key (PEM) for --processor.  [default: $OTEL_EXPORTER_OTLP_CLIENT_KEY]")
@click.option(
    "--client-certificate",
    type=_FILE,
    help="Certificate (PEM) for --processor.  [default: $OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE]",
)
@click.option(
    "--header",
    "headers",
    multiple=True,
    metavar="NAME=VALUE",
    help="Header for --processor, such as authorization='Bearer TOKEN'.  [default: $OTEL_EXPORTER_OTLP_HEADERS]",
)
@click.option(
    "--collector",
    "configs",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Check the Collector's configuration; again for each overlay. Also takes a prometheus.yml.",
)
@click.option("--json", "as_json_", is_flag=True, help="Print the findings as JSON.")
def doctor(
    *,
    command: tuple[str, ...],
    reference: Path | None,
    seconds: float,
    url: str | None,
    data: str | None,
    processor: str | None,
    certificate: Path | None,
    client_key: Path | None,
    client_certificate: Path | None,
    headers: tuple[str, ...],
    configs: tuple[Path, ...],
    as_json_: bool,
) -> None:
    """Say whether a server, a processor or a Collector is set up right: a line for each finding, with its remedy.

    Without arguments it looks at this environment. With a COMMAND that starts a server, as `-- python serve.py`, it
    starts it under opentelemetry-instrument, listens for its telemetry in place of the Collector, and tells what came
    of which models. Exit status: 0 if there is no problem, 1 if there is one.
    """
    _check_usage(command, url, data, processor, configs)
    found: list[Finding] = []
    if configs:
        found += _of_collector(configs)
    if processor:
        found += _of_processor(processor, (certificate, client_key, client_certificate), headers)
    if command or not (configs or processor):
        found += _of_environment(command)
    if command:
        if not as_json_:
            _print(found)
        live = _of_server(command, seconds, _references(reference), url, _body(data))
        if not as_json_:
            _print(live)
        found += live
    elif not as_json_:
        _print(found)
    _conclude(found, as_json_)


def _check_usage(
    command: Sequence[str], url: str | None, data: str | None, processor: str | None, configs: Sequence[Path]
) -> None:
    if not command and url:
        raise click.UsageError("--request needs a COMMAND that starts the server: -- python serve.py")
    if data is not None and not url:
        raise click.UsageError("--data needs --request URL")
    if command and (processor or configs):
        raise click.UsageError("--processor and --collector take no COMMAND")


def _of_environment(command: Sequence[str]) -> list[Finding]:
    from driftline.tools.doctor.checks import environment_findings
    from driftline.tools.doctor.environment_probe import look

    return list(environment_findings(look(os.environ, command)))


def _of_server(
    command: Sequence[str], seconds: float, references: Sequence[Path], url: str | None, data: bytes | None
) -> list[Finding]:
    from driftline.tools.doctor.diagnosis import NotStarted, Visit, watch

    try:
        return watch(Visit(command, seconds, url, data), references)
    except NotStarted as error:
        raise click.ClickException(str(error)) from None


def _of_processor(address: str, files: Sequence[Path | None], headers: Sequence[str]) -> list[Finding]:
    from driftline.tools.doctor.credentials import Certificates, certificates_of, headers_of
    from driftline.tools.doctor.processor_checks import findings
    from driftline.tools.doctor.processor_status import Credentials, ask

    named = zip(files, certificates_of(os.environ), strict=True)
    certificates = Certificates(*(variable if file is None else str(file) for file, variable in named))
    sent = {**headers_of(os.environ), **dict(_header(text) for text in headers)}
    return list(findings(ask(address, shown=Credentials(certificates, sent, secure=any(files)))))


def _header(text: str) -> tuple[str, str]:
    name, found, value = text.partition("=")
    if not found or not name.strip():
        raise click.BadParameter("must be NAME=VALUE", param_hint="--header")  # without what may be a secret
    return name.strip(), value.strip()


def _of_collector(configs: Sequence[Path]) -> list[Finding]:
    from driftline.tools.doctor.collector_files import findings_of

    return findings_of(configs)


def _references(given: Path | None) -> list[Path]:
    """Files of the option, else of the environment, where a missing one is a finding already."""
    variable = os.environ.get("DRIFTLINE_REFERENCE", "").strip()
    path = given or (Path(variable) if variable else None)
    if path is None or not path.exists():
        return []
    return sorted(path.glob("*.json")) if path.is_dir() else [path]


def _body(data: str | None) -> bytes | None:
    if data is None or not data.startswith("@"):
        return None if data is None else data.encode()
    try:
        return Path(data[1:]).read_bytes()
    except OSError as error:
        raise click.BadParameter(f"{data[1:]}: {error.strerror}", param_hint="--data") from None


def _print(findings: Iterable[Finding]) -> None:
    for finding in findings:
        click.echo(as_line(finding))


def _conclude(findings: Sequence[Finding], as_json_: bool) -> None:
    """Ends with the exit status."""
    number = problems(findings)
    if as_json_:
        click.echo(json.dumps({"problems": number, "findings": as_json(findings)}, indent=2, ensure_ascii=False))
    else:
        click.echo(f"{number} problem{'' if number == 1 else 's'} found." if number else "No problem found.")
    sys.exit(1 if number else 0)
