"""The rules that span several keys, as a table: the key at fault, the keys read, and the check."""

import ipaddress
import socket
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from driftline_processor.config.durations import format_duration
from driftline_processor.config.models import Config, ExportConfig, split_address
from driftline_processor.config.secrets import masked_url

MAX_PANES: Final = 1440
"""Panes of a window, all kept in memory; with a step of a minute a window may span a day.

As many are kept for late rows."""


class CrossKeyRule(NamedTuple):
    """`check` returns the error of `key`, or None. `reads`: the other keys that must be valid for the check."""

    key: str
    reads: tuple[str, ...]
    check: Callable[[Config], str | None]


def _step_divides(config: Config) -> str | None:
    window = config.window
    if window.size % window.step == 0:
        return None
    return f"must divide window.size (got {format_duration(window.step)}, size {format_duration(window.size)})"


def _step_coarse(config: Config) -> str | None:
    window = config.window
    if window.size <= MAX_PANES * window.step:
        return None
    least = format_duration(-(-window.size // MAX_PANES))
    return f"must be at least {least}, a {MAX_PANES}th of window.size (got {format_duration(window.step)})"


def _retention_fits(config: Config) -> str | None:
    """The default is shortened instead."""
    window = config.window
    if "retention" not in window.model_fields_set or window.retention <= MAX_PANES * window.step:
        return None
    most = format_duration(MAX_PANES * window.step)
    return f"must be at most {most}, {MAX_PANES} times window.step (got {format_duration(window.retention)})"


def _budget_covers(config: Config) -> str | None:
    if config.verdict.per >= config.window.size:
        return None
    per, size = format_duration(config.verdict.per), format_duration(config.window.size)
    return f"must be at least window.size (got {per}, size {size})"


def _both_or_none(key: object, certificate: object, name: str) -> str | None:
    return None if (key is None) == (certificate is None) else f"must be set together with {name}"


def _exports_by_mutual_tls(config: Config) -> str | None:
    export = config.export
    return _both_or_none(export.client_key, export.client_certificate, "export.client_certificate")


def _receives_by_tls(config: Config) -> str | None:
    return _both_or_none(config.receive.key, config.receive.certificate, "receive.certificate")


def _client_ca_needs_tls(config: Config) -> str | None:
    if config.receive.client_ca is None or config.receive.certificate is not None:
        return None
    return "needs receive.certificate and receive.key"


def _tenants_are_known(config: Config) -> str | None:
    for name, tenant in config.tenants.items():
        if tenant.tokens is None and not tenant.certificates:
            return f"{name} must have tokens or certificates, by which its senders are known"
    return None


def _certificates_are_checked(config: Config) -> str | None:
    named = [name for name, tenant in config.tenants.items() if tenant.certificates]
    return f"certificates of {named[0]} need receive.client_ca" if named and config.receive.client_ca is None else None


def _one_tenant_a_certificate(config: Config) -> str | None:
    owners: dict[str, str] = {}
    for name, tenant in config.tenants.items():
        for certificate in tenant.certificates:
            if owners.setdefault(certificate, name) != name:
                return f"{certificate!r} must be a certificate of one tenant (got {owners[certificate]} and {name})"
    return None


def _tenants_export_by_mutual_tls(config: Config) -> str | None:
    for name in config.tenants:
        export = config.export_of(name)
        if (export.client_key is None) != (export.client_certificate is None):
            return f"{name} must set export.client_key together with export.client_certificate"
    return None


def _no_loop(config: Config) -> str | None:
    return next(filter(None, (_loop(config, config.export_of(name)) for name in ("", *config.tenants))), None)


def _loop(config: Config, export: ExportConfig) -> str | None:
    url = urlsplit(export.endpoint)
    host, port = split_address(config.listen)
    if port == 0 or url.port != port or not (_loopback(url.hostname or "") and (_loopback(host) or _anywhere(host))):
        return None
    return f"must not be the processor's own address (got {masked_url(export.endpoint)}, listen {config.listen})"


RULES: Final = (
    CrossKeyRule("window.step", ("window.size",), _step_divides),
    CrossKeyRule("window.step", ("window.size",), _step_coarse),
    CrossKeyRule("window.retention", ("window.step",), _retention_fits),
    CrossKeyRule("verdict.per", ("window.size",), _budget_covers),
    CrossKeyRule("export.client_key", ("export.client_certificate",), _exports_by_mutual_tls),
    CrossKeyRule("receive.key", ("receive.certificate",), _receives_by_tls),
    CrossKeyRule("receive.client_ca", ("receive.certificate",), _client_ca_needs_tls),
    CrossKeyRule("tenants", (), _tenants_are_known),
    CrossKeyRule("tenants", ("receive.client_ca",), _certificates_are_checked),
    CrossKeyRule("tenants", (), _one_tenant_a_certificate),
    CrossKeyRule("tenants", ("export.client_key", "export.client_certificate"), _tenants_export_by_mutual_tls),
    CrossKeyRule("export.endpoint", ("listen",), _no_loop),
)


def broken_rules(config: Config, invalid: frozenset[str]) -> Iterator[str]:
    """The errors of cross-key rules, except those that read a key in `invalid`."""
    for rule in RULES:
        read = (rule.key, *rule.reads)
        unusable = any(key == each or key.startswith(f"{each}.") for key in invalid for each in read)
        if not unusable and (wrong := rule.check(config)):
            yield f"{rule.key}: {wrong}"


def config_warnings(config: Config) -> tuple[str, ...]:
    """Settings that are valid but risky."""
    receive = config.receive
    if exposed(config) or _loopback(split_address(config.listen)[0]):
        return ()
    if receive.client_ca is None and receive.tokens is None and not config.tenants:
        return (f"listen: anybody who reaches {config.listen} may send: set receive.tokens or receive.client_ca",)
    if receive.certificate is None:
        return (f"listen: {config.listen} gets tokens and values in the clear: set receive.certificate",)
    return ()


def exposed(config: Config) -> str | None:
    """What is wrong with an address that other machines reach without TLS or tokens; `receive.insecure` accepts it."""
    receive = config.receive
    if _loopback(split_address(config.listen)[0]) or receive.insecure:
        return None
    if receive.certificate or receive.tokens or config.tenants:
        return None
    return (
        f"listen: {config.listen} is reachable from other machines, without TLS or tokens: "
        "set receive.certificate or receive.tokens, or receive.insecure: true"
    )


def page_exposed(config: Config) -> str | None:
    """What is wrong with an address of the status page that others reach without a token or a certificate."""
    listen, receive = config.http.listen, config.receive
    if listen == "off" or is_local(listen) or receive.insecure:
        return None
    if receive.tokens or receive.client_ca or config.tenants:
        return None
    return (
        f"http.listen: {listen} is reachable from other machines, without tokens: set receive.tokens or "
        "receive.client_ca, or receive.insecure: true"
    )


def is_local(address: str) -> bool:
    """Whether only this machine reaches an address."""
    return _loopback(split_address(address)[0])


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _anywhere(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return host in ("", socket.gethostname())
