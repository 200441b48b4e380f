"""The keys of processor.yaml: type, default, bounds and meaning. Rules that span several keys are in rules.py."""

import re
from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from driftline.reference.column_blocks import checked_blocks
from driftline.reference.errors import ProfileError
from driftline.segments.declared import checked_segments
from driftline.sketch.time_units import DAY, HOUR, MINUTE, SECOND
from driftline_processor.config.durations import parse_duration
from driftline_processor.limits import LIMITS, Limits

KIB: Final = 1 << 10
MIB: Final = 1 << 20

_TENANT: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}", re.ASCII)

DurationField = Annotated[int, BeforeValidator(parse_duration)]
"""Nanoseconds; written as `5m`, `1h30m`, or a number of seconds."""


def split_address(address: str) -> tuple[str, int]:
    """Host and port of `host:port` or `[v6]:port`; port 0 means any free one. Raises ValueError."""
    host, _, port = address.rpartition(":")
    if not host or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise ValueError("must be host:port, such as 127.0.0.1:4327 or [::1]:4327")
    if ":" in host and not (host.startswith("[") and host.endswith("]")):
        raise ValueError("must have an IPv6 host in brackets, such as [::1]:4327")
    return host.strip("[]"), int(port)


def _address(value: str) -> str:
    split_address(value)
    return value


def _off(value: object) -> object:
    """`off` is false in YAML."""
    return "off" if value in (False, "") else value


def _address_or_off(value: str) -> str:
    if value == "off":
        return value
    try:
        return _address(value)
    except ValueError as error:
        raise ValueError(f"{error}, or off") from None


def _trace_url(value: str) -> str:
    if value and (urlsplit(value).scheme not in ("http", "https") or "{trace_id}" not in value):
        raise ValueError("must be a URL starting with http:// or https://, with {trace_id} in it")
    return value


def _endpoint(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must be a URL starting with http:// or https://")
    try:
        parts.port  # noqa: B018  (looks whether it is a number)
    except ValueError:
        raise ValueError("must have a port from 0 to 65535") from None
    return value


def _database(value: str) -> str:
    try:
        dialect = make_url(value).get_dialect()
    except (NoSuchModuleError, ImportError) as error:
        raise ValueError(f"must name a database dialect known to SQLAlchemy ({error})") from None
    except ArgumentError:
        raise ValueError("must be an SQLAlchemy URL, such as sqlite:///driftline.db") from None
    if dialect.name not in ("postgresql", "sqlite") or dialect.is_async:
        raise ValueError("must be SQLite or PostgreSQL, by a driver that is not asynchronous")
    return value


def _readable(value: Path) -> Path:
    try:
        value.open("rb").close()
    except OSError as error:
        raise ValueError(f"must be a readable file ({error.strerror})") from None
    return value


def _protocol(value: object) -> object:
    return "http" if value == "http/protobuf" else value


def _sections(value: object) -> object:
    """Empty sections are none, or hold their defaults."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ValueError("must be by names of tenants")  # noqa: TRY004  (pydantic reports a ValueError)
    return {str(name): {} if each is None else each for name, each in value.items()}


def _by_name(value: object) -> object:
    """An empty section is none; a column that is called 7 is a number in YAML."""
    if not isinstance(value, dict):
        return {} if value is None else value
    named = {str(name) if type(name) in (int, float) else name: each for name, each in value.items()}
    if not all(isinstance(name, str) and name for name in named):
        raise ValueError("must be by names of columns, or patterns of names")
    return named


def _tenant(value: str) -> str:
    if not _TENANT.fullmatch(value):
        raise ValueError("must be a name of letters, digits, `_`, `.` and `-`, 63 at most")
    return value


def _listed(value: object) -> object:
    if not isinstance(value, list | tuple):
        raise ValueError("must be a list of names")  # noqa: TRY004  (pydantic reports a ValueError)
    return value


def _by_block(value: object) -> object:
    """An empty section is none; one pattern is a list of one."""
    if not isinstance(value, dict):
        return {} if value is None else value
    try:
        return checked_blocks(value)
    except ProfileError as error:
        raise ValueError(str(error)) from None


def _declared(value: object) -> object:
    """An empty section is none; one segment is a list of one."""
    if not isinstance(value, dict):
        return {} if value is None else value
    listed = {name: [each] if isinstance(each, str) else each for name, each in value.items()}
    if not all(isinstance(name, str) and isinstance(each, list | tuple) for name, each in listed.items()):
        raise ValueError("must be lists of columns and conditions, by names or patterns of models")
    return {name: checked_segments(map(str, each)) for name, each in listed.items()}


Tolerance = Annotated[float, Field(gt=0, lt=1)]

Tenant = Annotated[str, AfterValidator(_tenant)]

ReadableFile = Annotated[Path, AfterValidator(_readable)]


class Section(BaseModel):
    """A section of the file. Unknown keys are errors, so that a typo never silently becomes a default."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class WindowConfig(Section):
    size: DurationField = Field(default=5 * MINUTE, gt=0, description="Length of the sliding window")
    step: DurationField = Field(default=MINUTE, gt=0, description="How often a window is judged; must divide `size`")
    lateness: DurationField = Field(
        default=MINUTE, ge=0, description="How far rows may lag behind the newest ones before their window is judged"
    )
    retention: DurationField = Field(
        default=2 * HOUR,
        ge=0,
        description="How far rows may lag and still be counted: their windows are judged again. Costs memory",
    )


class VerdictConfig(Section):
    tolerance: Tolerance = Field(
        default=0.05,
        description="Drift distance to ignore, as a share of rows: 0.05 equals a KS distance of 0.05",
    )
    tolerances: Annotated[dict[str, Tolerance], BeforeValidator(_by_name)] = Field(
        default={},
        description="Tolerances of columns, by name or pattern: `{fraud*: 0.001}`; the column's own name counts, else "
        "the first pattern that matches. They override those of a reference; all others have `tolerance`",
    )
    blocks: Annotated[dict[str, list[str]], BeforeValidator(_by_block)] = Field(
        default={},
        description="Columns that are judged together, by names or patterns: `{address: [street*, zip]}`, four at "
        "least. They override those of a reference; of all others, those that are numbered alike are blocks",
    )
    false_alarms: float = Field(
        default=1.0, gt=0, le=1000, description="False alarm budget of a model: expected false alarms in `per`"
    )
    per: DurationField = Field(default=30 * DAY, gt=0, description="Period of the `false_alarms` budget")


class SegmentsConfig(Section):
    """Segments that stand out, found in row batches."""

    min_rows: float = Field(
        default=0.0, ge=0, description="Rows below which no segment is told, for privacy; never below 30 effective ones"
    )
    most: int = Field(default=20, ge=0, le=1000, description="Segments of a model that are told at once")
    series: int = Field(
        default=20,
        ge=0,
        le=1000,
        description="Segments of a model with series in `ml.segment.*`, declared ones first; the rest is summed as "
        "`other`",
    )
    declared: Annotated[dict[str, tuple[str, ...]], BeforeValidator(_declared)] = Field(
        default={},
        description="Segments that are always told of, by names or patterns of models: columns, of which every bin or "
        'category is one, and conditions: `{churn*: [region, age >= 65 and plan == "gold"]}`. They add to those of '
        "a reference",
    )


class ExportConfig(Section):
    """Where results go. Unset keys follow OTEL_EXPORTER_OTLP_*, see environment.py."""

    endpoint: Annotated[str, AfterValidator(_endpoint)] = Field(
        default="http://127.0.0.1:4319",
        description="OTLP endpoint; https:// for TLS. With `http`, `/v1/metrics` and `/v1/logs` are appended",
    )
    protocol: Annotated[Literal["grpc", "http"], BeforeValidator(_protocol)] = Field(
        default="grpc", description="`grpc`, or `http` (protobuf)"
    )
    headers: dict[str, SecretStr] = Field(
        default={}, description="Headers sent with every request, such as an API key; never logged"
    )
    certificate: ReadableFile | None = Field(
        default=None, description="CA certificates (PEM) to trust instead of the system's"
    )
    client_key: ReadableFile | None = Field(default=None, description="Private key (PEM) for mutual TLS")
    client_certificate: ReadableFile | None = Field(default=None, description="Certificate (PEM) for mutual TLS")
    timeout: DurationField = Field(default=10 * SECOND, gt=0, description="Timeout of a request, including retries")
    compression: Literal["gzip", "none"] = Field(default="gzip", description="`gzip` or `none`")
    retry_for: DurationField = Field(
        default=5 * MINUTE,
        ge=0,
        description="How old results become that the backend does not take, from when they were queued; then they are "
        "dropped",
    )
    queue: int = Field(
        default=1000,
        ge=1,
        description="Batches queued for export, for results and for alarm events each; the oldest is dropped when full",
    )
    bytes: int = Field(
        default=128 * MIB,
        ge=MIB,
        description="Memory for queued batches, about, for results and for alarm events each; the oldest is dropped "
        "when full",
    )


CREDENTIALS: Final = ("headers", "client_key", "client_certificate")
"""Keys of `export` that are meant for its endpoint and for no other."""


class ReceiveConfig(Section):
    """Who may send. Files are read again when they change."""

    certificate: ReadableFile | None = Field(
        default=None, description="Certificate chain (PEM) of the receiver: senders must use TLS"
    )
    key: ReadableFile | None = Field(default=None, description="Private key (PEM) of `receive.certificate`")
    client_ca: ReadableFile | None = Field(
        default=None, description="CA certificates (PEM): senders must have a certificate of one of these (mutual TLS)"
    )
    tokens: ReadableFile | None = Field(
        default=None,
        description="File of bearer tokens, one a line: senders must send one of them, as the Collector's "
        "`bearertokenauth` does; health checks need none",
    )
    references_from: tuple[str, ...] = Field(
        default=(),
        description="Services (`service.namespace/service.name`, or the name alone where there is no namespace) whose "
        "references replace those that others sent or that lie in the folder; `*`: anybody's do",
    )
    insecure: bool = Field(
        default=False,
        description="Accept that anybody who reaches `listen` may send, where it is no loopback address",
    )


class TenantConfig(Section):
    """One of several parties that share the processor. What it sends, and nothing else, is its own."""

    tokens: ReadableFile | None = Field(
        default=None, description="File of the tenant's bearer tokens, one a line; no other tenant's"
    )
    certificates: Annotated[tuple[Annotated[str, Field(min_length=1)], ...], BeforeValidator(_listed)] = Field(
        default=(),
        description="Names, common or alternative, in the tenant's client certificates of a CA in `receive.client_ca`",
    )
    references: Path | None = Field(
        default=None, description="Folder of the tenant's references; by default the one of its name in `references`"
    )
    export: ExportConfig | None = Field(
        default=None,
        description="Where the tenant's results go, by the keys of `export`; those not set are as in `export`, except "
        "that no headers and no client certificate go to an `endpoint` of the tenant's own",
    )


class HttpConfig(Section):
    """The status page and its API. TLS, tokens and tenants are those of `receive` and `tenants`."""

    listen: Annotated[str, BeforeValidator(_off), AfterValidator(_address_or_off)] = Field(
        default="127.0.0.1:4328",
        description="Address of the status page and of its JSON API, read-only; `off` for none. With tokens, browsers "
        "ask for a password: that is a token",
    )
    trace_url: Annotated[str, AfterValidator(_trace_url)] = Field(
        default="",
        description="Where traces are looked at, with `{trace_id}`, such as `https://tempo.example/trace/{trace_id}`",
    )


class HistoryConfig(Section):
    size: int = Field(
        default=128 * MIB,
        ge=MIB,
        description="Bytes that the timelines of the status page may take, about, of all models; the oldest steps go "
        "first. One step a window for 7 days, then one in 6 hours, after 90 days one a day",
    )


class QueueConfig(Section):
    requests: int = Field(
        default=256,
        ge=1,
        le=4096,
        description="Requests waiting to be stored; when full, senders must retry",
    )
    bytes: int = Field(default=256 * MIB, ge=MIB, description="Total size of the waiting requests, in bytes")


class LimitsConfig(Section):
    """What is accepted of one sender; sizes in bytes are of OTLP's encoding, without compression."""

    request: int = Field(default=LIMITS.request, ge=MIB, description="Bytes of a request, after decompression")
    groups: int = Field(default=LIMITS.groups, ge=1, description="Resources, scopes and metrics of a request")
    items: int = Field(default=LIMITS.items, ge=1, description="Spans, data points or log records of a request")
    item: int = Field(default=LIMITS.item, ge=KIB, description="Bytes of a span, data point or log record")
    fields: int = Field(
        default=LIMITS.fields,
        ge=100,
        description="Attributes, exemplars and other fields of a span, data point or record",
    )
    attributes: int = Field(
        default=LIMITS.attributes,
        ge=KIB,
        description="Bytes of a resource, of a scope, and of the attributes of a data point",
    )
    buckets: int = Field(
        default=LIMITS.buckets, ge=320, description="Buckets of an exponential histogram, empty ones included"
    )
    name: int = Field(
        default=LIMITS.name,
        ge=16,
        description="Characters of a name: of a model, version, operation, column or service, or of a category that "
        "a data point counts",
    )
    value: int = Field(
        default=LIMITS.value, ge=16, description="Characters of a text in a span; past 128 its hash is its name"
    )

    references: int = Field(
        default=LIMITS.references,
        ge=MIB,
        description="Bytes of all references that are received over OTLP; one service may take as many as are left",
    )

    models: int = Field(
        default=LIMITS.models,
        ge=2,
        le=LIMITS.models,
        description="Models, by name, version and service; one service may have as many as are left for all others",
    )
    columns: int = Field(
        default=LIMITS.columns,
        ge=2,
        description="Columns of all models; one service may have as many as are left for all others",
    )

    @property
    def table(self) -> Limits:
        """The limits as the decoder has them."""
        return Limits(**self.model_dump())


class OutcomesConfig(Section):
    """What became of predictions: how long their rows wait for it."""

    wait: DurationField = Field(
        default=30 * DAY, gt=0, description="How long rows wait for their outcomes, and outcomes for their rows"
    )
    bytes: int = Field(
        default=KIB * MIB,
        ge=MIB,
        description="Bytes in the store of what waits, of each tenant; beyond, the oldest rows are given up",
    )
    window: DurationField = Field(
        default=DAY,
        gt=0,
        description="Predictions that performance is told of: those of so long before the newest with a label",
    )


class SnapshotConfig(Section):
    every: DurationField = Field(
        default=MINUTE, gt=0, description="How often the state is saved and the journal truncated"
    )
    journal: int = Field(default=256 * MIB, ge=MIB, description="Journal size in bytes that forces a snapshot")


class TelemetryConfig(Section):
    enabled: bool = Field(default=True, description="Export the processor's internal metrics to the same endpoint")
    every: DurationField = Field(default=15 * SECOND, ge=SECOND, description="Export interval of the internal metrics")


class Config(Section):
    """The whole file; `Config()` holds the defaults."""

    listen: Annotated[str, AfterValidator(_address)] = Field(
        default="127.0.0.1:4327", description="Address of the OTLP/gRPC receiver and the health service"
    )
    receive: ReceiveConfig = ReceiveConfig()
    http: HttpConfig = HttpConfig()
    history: HistoryConfig = HistoryConfig()
    references: Path = Field(
        default=Path("references"),
        description="Folder of references (`*.json`, OTLP JSON); reloaded when it changes",
    )
    store: Annotated[str, AfterValidator(_database)] = Field(
        default="sqlite:///driftline.db",
        description="SQLAlchemy URL of the database that holds the state: SQLite, or `postgresql://user@host/database`",
    )
    tenants: Annotated[dict[Tenant, TenantConfig], BeforeValidator(_sections)] = Field(
        default={}, description="By name, those who share the processor, each with what is theirs"
    )
    window: WindowConfig = WindowConfig()
    verdict: VerdictConfig = VerdictConfig()
    segments: SegmentsConfig = SegmentsConfig()
    export: ExportConfig = ExportConfig()
    queue: QueueConfig = QueueConfig()
    limits: LimitsConfig = LimitsConfig()
    outcomes: OutcomesConfig = OutcomesConfig()
    snapshot: SnapshotConfig = SnapshotConfig()
    telemetry: TelemetryConfig = TelemetryConfig()
    shutdown: DurationField = Field(
        default=10 * SECOND, gt=0, description="How long shutdown waits for the queue and the last exports"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="Minimum log level")

    def references_of(self, tenant: str) -> Path:
        """The folder of references of a tenant; "": of nobody in particular."""
        if not tenant:
            return self.references
        return self.tenants[tenant].references or self.references / tenant

    def export_of(self, tenant: str) -> ExportConfig:
        """Where results of a tenant go; "": of nobody in particular."""
        own = self.tenants[tenant].export if tenant else None
        if own is None:
            return self.export
        written = {key: getattr(own, key) for key in own.model_fields_set}
        secrets = {key: ExportConfig.model_fields[key].default for key in CREDENTIALS} if "endpoint" in written else {}
        return self.export.model_copy(update={**secrets, **written})
