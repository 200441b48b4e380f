"""The keys of processor.yaml: type, default, bounds and meaning of each. Rules over several keys are in rules.py."""

from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from driftline.sketch.time_units import DAY, MINUTE, SECOND
from driftline_processor.config.durations import parse_duration

MIB: Final = 1 << 20

Duration = Annotated[int, BeforeValidator(parse_duration)]
"""Nanoseconds; written as `5m`, `1h30m`, or a number of seconds."""


def split_address(address: str) -> tuple[str, int]:
    """Host and port of `host:port` or `[v6]:port`; port 0 takes any free one. Raises ValueError."""
    host, _, port = address.rpartition(":")
    if not host or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise ValueError("must be host:port, such as 127.0.0.1:4327 or [::1]:4327")
    if ":" in host and not (host.startswith("[") and host.endswith("]")):
        raise ValueError("must have an IPv6 host in brackets, such as [::1]:4327")
    return host.strip("[]"), int(port)


def _address(value: str) -> str:
    split_address(value)
    return value


def _endpoint(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must be a URL that starts with http:// or https://")
    return value


def _database(value: str) -> str:
    try:
        make_url(value).get_dialect()
    except (NoSuchModuleError, ImportError) as error:
        raise ValueError(f"must name a kind of database that SQLAlchemy knows ({error})") from None
    except ArgumentError:
        raise ValueError("must be an SQLAlchemy URL, such as sqlite:///driftline.db") from None
    return value


def _readable(value: Path) -> Path:
    try:
        value.open("rb").close()
    except OSError as error:
        raise ValueError(f"must be a readable file ({error.strerror})") from None
    return value


def _protocol(value: object) -> object:
    return "http" if value == "http/protobuf" else value


File = Annotated[Path, AfterValidator(_readable)]


class Section(BaseModel):
    """A part of the file. Unknown keys are errors: a typing mistake must not become a default."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class WindowConfig(Section):
    size: Duration = Field(default=5 * MINUTE, gt=0, description="Length of the sliding window that is judged")
    step: Duration = Field(default=MINUTE, gt=0, description="How often it is judged; divides `size`")
    lateness: Duration = Field(
        default=MINUTE, ge=0, description="How much later than newer data rows may come and still count"
    )


class VerdictConfig(Section):
    tolerance: float = Field(
        default=0.05,
        gt=0,
        lt=1,
        description="Distance that does not matter, as a share of rows: 0.05 is 5 points of KS",
    )
    false_alarms: float = Field(default=1.0, gt=0, le=1000, description="False alarms that a model may raise in `per`")
    per: Duration = Field(default=30 * DAY, gt=0, description="The time that `false_alarms` is about")


class Export(Section):
    """Where results go. Keys that are not set follow OTEL_EXPORTER_OTLP_*, see environment.py."""

    endpoint: Annotated[str, AfterValidator(_endpoint)] = Field(
        default="http://127.0.0.1:4319",
        description="OTLP endpoint; https:// for TLS. For http, `/v1/metrics` and `/v1/logs` are appended",
    )
    protocol: Annotated[Literal["grpc", "http"], BeforeValidator(_protocol)] = Field(
        default="grpc", description="`grpc`, or `http` (protobuf)"
    )
    headers: dict[str, SecretStr] = Field(
        default={}, description="Headers of every request, such as an API key; never logged"
    )
    certificate: File | None = Field(default=None, description="CA certificates (PEM) to trust instead of the system's")
    client_key: File | None = Field(default=None, description="Private key (PEM) for mutual TLS")
    client_certificate: File | None = Field(default=None, description="Certificate (PEM) for mutual TLS")
    timeout: Duration = Field(default=10 * SECOND, gt=0, description="For one request, retries included")
    compression: Literal["gzip", "none"] = Field(default="gzip", description="`gzip` or `none`")
    retry_for: Duration = Field(
        default=5 * MINUTE, ge=0, description="How long a result waits for a backend that is down"
    )
    queue: int = Field(
        default=1000,
        ge=1,
        description="Result sets, and sets of alarm events, that wait at most; the oldest is dropped",
    )


class Queue(Section):
    requests: int = Field(
        default=256, ge=1, le=4096, description="Requests that wait to be stored; beyond, senders are told to retry"
    )
    bytes: int = Field(default=256 * MIB, ge=MIB, description="Their size together")


class Snapshot(Section):
    every: Duration = Field(default=MINUTE, gt=0, description="How often the state is saved and the journal cut")
    journal: int = Field(default=256 * MIB, ge=MIB, description="Bytes of journal that bring the next snapshot forward")


class Telemetry(Section):
    enabled: bool = Field(default=True, description="Send the processor's own counters to the same endpoint")
    every: Duration = Field(default=15 * SECOND, ge=SECOND, description="How often")


class Config(Section):
    """The whole file; `Config()` is what an empty one means."""

    listen: Annotated[str, AfterValidator(_address)] = Field(
        default="127.0.0.1:4327", description="Where OTLP/gRPC comes in, and the health service"
    )
    references: Path = Field(
        default=Path("references"), description="Folder of references (`*.json`, OTLP JSON); re-read when it changes"
    )
    store: Annotated[str, AfterValidator(_database)] = Field(
        default="sqlite:///driftline.db", description="SQLAlchemy URL of the database that holds the state"
    )
    window: WindowConfig = WindowConfig()
    verdict: VerdictConfig = VerdictConfig()
    export: Export = Export()
    queue: Queue = Queue()
    snapshot: Snapshot = Snapshot()
    telemetry: Telemetry = Telemetry()
    shutdown: Duration = Field(default=10 * SECOND, gt=0, description="How long the last results may take to leave")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Lowest level that is logged"
    )
