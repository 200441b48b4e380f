"""The standard OTLP exporter environment variables, for keys of `export` that the file does not set."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from opentelemetry.util.re import parse_env_headers

PREFIXES: Final = ("OTEL_EXPORTER_OTLP_METRICS_", "OTEL_EXPORTER_OTLP_")
"""The variable for metrics takes precedence over the one for all signals, as in every OpenTelemetry SDK."""


def _text(value: str) -> str:
    return value.strip()


def _seconds(value: str) -> float | str:
    """Seconds, as in the Python SDK (the specification says milliseconds)."""
    try:
        return float(value)
    except ValueError:
        return value


def _headers(value: str) -> dict[str, str]:
    return dict(parse_env_headers(value, liberal=True))


KEYS: Final[Mapping[str, tuple[str, Callable[[str], Any]]]] = {
    "endpoint": ("ENDPOINT", _text),
    "protocol": ("PROTOCOL", _text),
    "headers": ("HEADERS", _headers),
    "certificate": ("CERTIFICATE", _text),
    "client_key": ("CLIENT_KEY", _text),
    "client_certificate": ("CLIENT_CERTIFICATE", _text),
    "timeout": ("TIMEOUT", _seconds),
    "compression": ("COMPRESSION", _text),
}


def from_environment(written: Mapping[str, Any], environ: Mapping[str, str]) -> dict[str, tuple[str, Any]]:
    """The variable's name and value for each key of `export` that is set in the environment but not in the file.

    Args:
        written: The keys of `export` in the file.
        environ: The environment variables.

    """
    found = {}
    for key, (suffix, read) in KEYS.items():
        names = [prefix + suffix for prefix in PREFIXES if environ.get(prefix + suffix, "").strip()]
        if key not in written and names:
            found[key] = (names[0], read(environ[names[0]]))
    return found
