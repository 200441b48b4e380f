"""Checks of environment variables: Driftline's settings, the SDK's exporters and sampler, names, references."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from difflib import get_close_matches
from typing import Any, Final

from driftline.settings import Settings
from driftline.tools.doctor.environment import Environment
from driftline.tools.doctor.finding import Finding, listed, note, ok, problem
from driftline.tools.doctor.targets import SKETCH_ENDPOINT, exporter_names

_SETTINGS: Final[Mapping[str, Any]] = {each.metadata["variable"]: each for each in fields(Settings)}
_SAMPLERS: Final = ("always_on", "always_off", "traceidratio")
_SPANS_OFF: Final = ("always_off", "parentbased_always_off")
_NUMBERS: Final = (
    "OTEL_BSP_SCHEDULE_DELAY",
    "OTEL_BSP_EXPORT_TIMEOUT",
    "OTEL_BSP_MAX_QUEUE_SIZE",
    "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
    "OTEL_METRIC_EXPORT_INTERVAL",
    "OTEL_METRIC_EXPORT_TIMEOUT",
    "OTEL_EXPORTER_OTLP_TIMEOUT",
)
_SENDS_ELSEWHERE: Final = {"traces": "spans", "metrics": "sketches and metrics"}


def settings(environment: Environment) -> Iterator[Finding]:
    """Driftline's own variables: unknown ones, and values that are replaced by the default."""
    given = sorted(name for name in environment.variables if name.startswith("DRIFTLINE_"))
    for name in given:
        if name not in _SETTINGS:
            near = get_close_matches(name, _SETTINGS, 1, 0.0)[0]
            yield problem("settings", f"{name} is no setting of Driftline, and does nothing", f"did you mean {near}?")
        elif error := _error(name, environment):
            yield problem("settings", f"{name}: {error} (got {environment.text(name)!r})", f"correct or unset {name}")
    known = [name for name in given if name in _SETTINGS and environment.text(name) and not _error(name, environment)]
    if known:
        yield ok("settings", f"set: {listed(known, 20)}")


def _error(name: str, environment: Environment) -> str:
    """Why a setting cannot be used, or ""."""
    if not environment.text(name):
        return ""
    try:
        _SETTINGS[name].metadata["parse"](environment.variables[name])
    except (TypeError, ValueError) as error:
        return str(error)
    return ""


def sdk(environment: Environment) -> Iterator[Finding]:
    """Whether the SDK is on."""
    value = environment.text("OTEL_SDK_DISABLED").lower()
    if value == "true":
        yield problem("sdk", "OTEL_SDK_DISABLED=true: nothing is recorded", "unset OTEL_SDK_DISABLED")
    elif value not in ("", "false"):
        yield problem(
            "sdk", f"OTEL_SDK_DISABLED={value} means nothing: the SDK is on", "set it to true or false, or unset it"
        )


def declaration(environment: Environment) -> Iterator[Finding]:
    """The file that configures the SDK."""
    file = environment.declared
    if not file:
        return
    if not environment.config_file:
        yield problem("sdk", f"OTEL_CONFIG_FILE={file} is not there: the SDK stays off", "correct the path")
    if "opentelemetry-configuration" not in environment.versions:
        yield problem(
            "sdk",
            "OTEL_CONFIG_FILE is set without opentelemetry-configuration: the SDK stays off",
            "pip install opentelemetry-configuration",
        )
    where = ", and a doctor's server sends to its endpoints" if environment.command else ""
    yield note("sdk", f"{file} configures the SDK: variables of its exporters and sampler do not apply{where}")


def exporters(environment: Environment) -> Iterator[Finding]:
    """Whether spans and sketches are exported at all."""
    if environment.declared:
        return
    traces, metrics = (exporter_names(environment.variables, signal) for signal in ("traces", "metrics"))
    if "none" in traces:
        yield problem("exporters", "OTEL_TRACES_EXPORTER=none: no spans", "unset OTEL_TRACES_EXPORTER")
    if not environment.text(SKETCH_ENDPOINT):
        if metrics == ["none"]:
            yield problem(
                "exporters",
                "OTEL_METRICS_EXPORTER=none: no sketches, so no column is judged by all of its rows",
                f"unset OTEL_METRICS_EXPORTER, or set {SKETCH_ENDPOINT}",
            )
        elif metrics[0] == "prometheus" and "otlp" not in metrics and not _has_endpoint(environment):
            yield problem(
                "exporters", "OTEL_METRICS_EXPORTER=prometheus: sketches are not exported", f"set {SKETCH_ENDPOINT}"
            )
    for signal, names in (("traces", traces), ("metrics", metrics)):
        yield from _missing_exporters(signal, names, environment.components.get(signal, ()))
        if not any(name.startswith("otlp") or name in ("none", "prometheus") for name in names):
            what = _SENDS_ELSEWHERE[signal]
            yield note("exporters", f"OTEL_{signal.upper()}_EXPORTER={','.join(names)}: no {what} leave by OTLP")


def _has_endpoint(environment: Environment) -> bool:
    names = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT")
    return any(environment.text(name) for name in names)


def _missing_exporters(signal: str, names: list[str], installed: tuple[str, ...]) -> Iterator[Finding]:
    known = {*installed, "otlp", "none"}
    for name in names:
        if installed and name not in known:
            yield problem(
                "exporters",
                f"OTEL_{signal.upper()}_EXPORTER={name}: no exporter of this name is installed, and the SDK stays off",
                f"install it, or choose from {listed(sorted(known))}",
            )


def components(environment: Environment) -> Iterator[Finding]:
    """Parts of the SDK that a variable chooses: with an unknown one nothing is set up."""
    for kind in ("distro", "configurator"):
        name, installed = environment.text(f"OTEL_PYTHON_{kind.upper()}"), environment.components.get(kind, ())
        if name and installed and name not in installed:
            yield problem(
                "sdk",
                f"OTEL_PYTHON_{kind.upper()}={name} is not installed: the SDK stays off",
                f"unset it, or choose from {listed(sorted(installed))}",
            )


def sampler(environment: Environment) -> Iterator[Finding]:
    """How many calls get a span. Sketches count every row, whatever it says."""
    if environment.declared:
        return
    name, share = environment.text("OTEL_TRACES_SAMPLER").lower(), environment.text("OTEL_TRACES_SAMPLER_ARG")
    known = {*_SAMPLERS, *(f"parentbased_{each}" for each in _SAMPLERS)}
    if name in _SPANS_OFF:
        yield problem("sampler", f"OTEL_TRACES_SAMPLER={name}: no model call has a span", "unset OTEL_TRACES_SAMPLER")
    elif name.endswith("traceidratio") and share and not (_is_number(share) and 0 < float(share) <= 1):
        yield problem(
            "sampler",
            f"{name} with OTEL_TRACES_SAMPLER_ARG={share}: not a share of spans",
            "set it above 0, to 1 at most",
        )
    elif name.endswith("traceidratio"):
        yield note("sampler", f"{name} keeps {share or '1.0'} of the spans; sketches count every row all the same")
    elif name and name not in known:
        yield note("sampler", f"OTEL_TRACES_SAMPLER={name} is no sampler of OpenTelemetry's own")


def numbers(environment: Environment) -> Iterator[Finding]:
    """Variables of the SDK that must be numbers: a wrong one switches it off with a traceback."""
    for name in _NUMBERS:
        text = environment.text(name)
        if text and not _is_number(text):
            yield problem("sdk", f"{name} must be a number (got {text!r})", f"correct or unset {name}")


def _is_number(text: str) -> bool:
    try:
        return float(text) >= 0
    except ValueError:
        return False


def resource(environment: Environment) -> Iterator[Finding]:
    """What tells the telemetry of this service from that of others."""
    if environment.declared:
        return
    attributes = dict(
        pair.partition("=")[::2] for pair in environment.text("OTEL_RESOURCE_ATTRIBUTES").replace(" ", "").split(",")
    )
    name = environment.text("OTEL_SERVICE_NAME") or attributes.get("service.name", "")
    if name:
        yield ok("resource", f"service.name is {name}")
    else:
        yield problem(
            "resource",
            "service.name is not set: all such services share the series of `unknown_service` in a backend",
            "set OTEL_SERVICE_NAME",
        )
    if not attributes.get("deployment.environment.name"):
        yield note(
            "resource",
            "deployment.environment.name is not set: production and staging of one model would share its series",
            "set OTEL_RESOURCE_ATTRIBUTES=deployment.environment.name=…",
        )


def references(environment: Environment) -> Iterator[Finding]:
    """DRIFTLINE_REFERENCE: readable, and of the model that is served."""
    model = environment.text("DRIFTLINE_MODEL_NAME")
    for file in environment.references:
        if not file.path:
            where = environment.text("DRIFTLINE_REFERENCE")
            yield problem("reference", f"DRIFTLINE_REFERENCE={where} holds no *.json", "driftline profile … -o there")
        elif file.error:
            yield problem(
                "reference",
                f"DRIFTLINE_REFERENCE: {file.path} cannot be used: {file.error}",
                "correct the path, or make the file again by `driftline profile`",
            )
        else:
            yield ok("reference", f"{file.path} is of model {file.model!r}")
    names = [file.model for file in environment.references if file.model]
    if model and names and model not in names:
        yield problem(
            "reference",
            f"DRIFTLINE_MODEL_NAME={model}, but DRIFTLINE_REFERENCE is of {listed(list(map(repr, names)))}",
            f"set DRIFTLINE_MODEL_NAME={names[0]}, or profile with --model {model}",
        )
    else:
        yield from _versions(environment, model)


def _versions(environment: Environment, model: str) -> Iterator[Finding]:
    """References of other versions only do not serve the one that the environment names."""
    version = environment.text("DRIFTLINE_MODEL_VERSION")
    versions = {file.version for file in environment.references if file.path and model in ("", file.model)}
    if version and versions and not versions & {"", version}:
        yield problem(
            "reference",
            f"DRIFTLINE_MODEL_VERSION={version}, but DRIFTLINE_REFERENCE is of {listed(sorted(versions))}",
            "profile the training data of this version, or without --version for all",
        )


def models(environment: Environment) -> Iterator[Finding]:
    """One name in the environment, while references are of several models."""
    names = sorted({file.model for file in environment.references if file.model})
    if environment.text("DRIFTLINE_MODEL_NAME") and len(names) > 1:
        yield note(
            "models",
            f"DRIFTLINE_MODEL_NAME names one model, and there are references of {len(names)}: {listed(names)}",
            "where one process serves several, name each by driftline.describe(model, name=…)",
        )


CHECKS: Final[tuple[Callable[[Environment], Iterator[Finding]], ...]] = (
    sdk,
    declaration,
    exporters,
    components,
    sampler,
    numbers,
    settings,
    resource,
    references,
    models,
)
