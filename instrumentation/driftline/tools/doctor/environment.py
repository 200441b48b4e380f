"""Facts about the environment that a model server would run in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

FRAMEWORKS: Final = {
    "scikit-learn": "driftline_sklearn",
    "catboost": "driftline_sklearn",
    "xgboost": "driftline_boosters",
    "lightgbm": "driftline_boosters",
    "torch": "driftline_torch",
    "onnxruntime": "driftline_onnxruntime",
}
"""Distributions of the frameworks, and the entry point of the instrumentor of each."""

SERVERS: Final = ("fastapi", "flask", "django", "celery")
"""Frameworks of servers for which OpenTelemetry has an instrumentation of that name."""

OTEL_CORE: Final = (
    "opentelemetry-api",
    "opentelemetry-sdk",
    "opentelemetry-proto",
    "opentelemetry-exporter-otlp",
    "opentelemetry-exporter-otlp-proto-grpc",
    "opentelemetry-exporter-otlp-proto-http",
)
"""Released together, with one version."""

OTEL_CONTRIB: Final = (
    "opentelemetry-distro",
    "opentelemetry-instrumentation",
    "opentelemetry-semantic-conventions",
    "opentelemetry-configuration",
    *(f"opentelemetry-instrumentation-{server}" for server in SERVERS),
)
"""Released together, with a version of their own."""

DISTRIBUTIONS: Final = ("driftline", "numpy", "pyarrow", *FRAMEWORKS, *SERVERS, *OTEL_CORE, *OTEL_CONTRIB)


class Endpoint(NamedTuple):
    """Where telemetry of a kind is sent, and what answered there.

    Attributes:
        sends: what is sent there: `traces`, `metrics`, `sketches` or several.
        variable: the environment variable that says so, or "" for OpenTelemetry's default.
        url: the endpoint as configured.
        protocol: `grpc` or `http/protobuf`.
        answer: what answered with that protocol: `ok`, `refused` (with `detail`), `silent`, or `unreachable`.
        other: whether OTLP of the other protocol is answered there.
        detail: a status, for people.

    """

    sends: str
    variable: str
    url: str
    protocol: str
    answer: str
    other: bool = False
    detail: str = ""


class ReferenceFile(NamedTuple):
    """A file of DRIFTLINE_REFERENCE: its model and version, or why it cannot be read. An empty folder has no path."""

    path: str
    model: str = ""
    error: str = ""
    version: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """What the checks look at.

    Attributes:
        python: path of the interpreter.
        variables: environment variables.
        versions: of installed distributions, by name.
        components: names of installed parts of the SDK: exporters of `traces` and `metrics`, `distro`, `configurator`.
        auto_instrumented: whether processes started here load OpenTelemetry's auto-instrumentation.
        arrow_error: why pyarrow and numpy do not work together, "" if they do or are not installed.
        endpoints: where telemetry goes.
        config_file: whether the file that OTEL_CONFIG_FILE names is there.
        gunicorn_hook: whether the configuration of gunicorn speaks of OpenTelemetry or Driftline.
        references: files of DRIFTLINE_REFERENCE.
        importable: modules named by variables, and whether they can be found.
        requirements: of the MLflow model that the command serves, None if they cannot be read.
        command: the command line of the server, if one is given.
        command_python: its interpreter, if another than `python`.
        command_instrumented: whether OpenTelemetry's and Driftline's packages are beside that interpreter.

    """

    python: str = "python"
    variables: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    components: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    auto_instrumented: bool = False
    arrow_error: str = ""
    endpoints: tuple[Endpoint, ...] = ()
    config_file: bool = True
    gunicorn_hook: bool = False
    references: tuple[ReferenceFile, ...] = ()
    importable: Mapping[str, bool] = field(default_factory=dict)
    requirements: tuple[str, ...] | None = None
    command: tuple[str, ...] = ()
    command_python: str = ""
    command_instrumented: bool = True

    @property
    def declared(self) -> str:
        """The file that configures the SDK in place of its variables; "" without one."""
        return self.text("OTEL_CONFIG_FILE")

    def text(self, variable: str) -> str:
        """An environment variable, stripped; "" if unset."""
        return self.variables.get(variable, "").strip()
