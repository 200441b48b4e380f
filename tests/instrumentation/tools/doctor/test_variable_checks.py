"""Environment variables: each that is wrong, unknown or switches something off is told, with its remedy."""

import pytest

from driftline.tools.doctor import variable_checks
from driftline.tools.doctor.environment import Environment, ReferenceFile
from driftline.tools.doctor.finding import Finding, Severity


def problems(*references: ReferenceFile, exporters: tuple[str, ...] = (), **variables: str) -> list[Finding]:
    """Of a service with a name."""
    environment = Environment(
        variables={"OTEL_SERVICE_NAME": "api", **variables},
        references=references,
        components={
            "traces": exporters,
            "metrics": exporters,
            "distro": ("distro",),
            "configurator": ("configurator",),
        },
    )
    every = (finding for check in variable_checks.CHECKS for finding in check(environment))
    return [finding for finding in every if finding.severity is Severity.PROBLEM]


def test_a_plain_environment_has_no_problem() -> None:
    """Settings that are right are said to be set."""
    given = {"DRIFTLINE_MODEL_NAME": "churn", "DRIFTLINE_CAPTURE": "Outputs", "DRIFTLINE_SPAN_ROWS": "4"}
    environment = Environment(variables=given)

    assert problems(**given) == []
    assert [each.message for each in variable_checks.settings(environment)] == [
        "set: DRIFTLINE_CAPTURE, DRIFTLINE_MODEL_NAME, DRIFTLINE_SPAN_ROWS"
    ]


@pytest.mark.parametrize(
    ("name", "meant"),
    [("DRIFTLINE_MODELNAME", "DRIFTLINE_MODEL_NAME"), ("DRIFTLINE_REFERENCES", "DRIFTLINE_REFERENCE")],
)
def test_an_unknown_setting_is_told_with_the_nearest_one(name: str, meant: str) -> None:
    """It would do nothing, silently."""
    (finding,) = problems(**{name: "x"})

    assert name in finding.message
    assert finding.remedy == f"did you mean {meant}?"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DRIFTLINE_CAPTURE", "input"),
        ("DRIFTLINE_SKETCH", "yes"),
        ("DRIFTLINE_SPAN_ROWS", "0"),
        ("DRIFTLINE_BUFFER_BYTES", "64MB"),
        ("DRIFTLINE_EXPORT_INTERVAL", "-5"),
    ],
)
def test_a_wrong_value_is_told(name: str, value: str) -> None:
    """A server would log it and go on with the default."""
    (finding,) = problems(**{name: value})

    assert name in finding.message
    assert repr(value) in finding.message


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({"OTEL_SDK_DISABLED": "true"}, "OTEL_SDK_DISABLED"),
        ({"OTEL_SDK_DISABLED": "TRUE "}, "OTEL_SDK_DISABLED"),
        ({"OTEL_SDK_DISABLED": "yes"}, "OTEL_SDK_DISABLED"),
        ({"OTEL_TRACES_EXPORTER": "none"}, "OTEL_TRACES_EXPORTER"),
        ({"OTEL_METRICS_EXPORTER": "none"}, "OTEL_METRICS_EXPORTER"),
        ({"OTEL_METRICS_EXPORTER": "prometheus"}, "OTEL_METRICS_EXPORTER"),
        ({"OTEL_TRACES_SAMPLER": "always_off"}, "OTEL_TRACES_SAMPLER"),
        ({"OTEL_TRACES_SAMPLER": "parentbased_always_off"}, "OTEL_TRACES_SAMPLER"),
        ({"OTEL_BSP_SCHEDULE_DELAY": "5s"}, "OTEL_BSP_SCHEDULE_DELAY"),
        ({"OTEL_METRIC_EXPORT_INTERVAL": "soon"}, "OTEL_METRIC_EXPORT_INTERVAL"),
        ({"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0"}, "OTEL_TRACES_SAMPLER_ARG"),
        ({"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "10%"}, "10%"),
        ({"OTEL_PYTHON_DISTRO": "mine"}, "OTEL_PYTHON_DISTRO"),
        ({"OTEL_PYTHON_CONFIGURATOR": "mine"}, "OTEL_PYTHON_CONFIGURATOR"),
    ],
)
def test_what_switches_the_sdk_off_is_told(variables: dict[str, str], named: str) -> None:
    """Spans, sketches or everything."""
    (finding,) = problems(**variables)

    assert named in finding.message
    assert finding.remedy


@pytest.mark.parametrize("variables", [{"OTEL_METRICS_EXPORTER": "none"}, {"OTEL_METRICS_EXPORTER": "prometheus"}])
def test_sketches_may_have_an_endpoint_of_their_own(variables: dict[str, str]) -> None:
    """Then the application's metrics may go elsewhere."""
    assert problems(DRIFTLINE_OTLP_ENDPOINT="http://127.0.0.1:4327", **variables) == []


def test_an_exporter_must_be_installed() -> None:
    """With an unknown one the SDK does not start."""
    (finding,) = problems(exporters=("console", "otlp"), OTEL_TRACES_EXPORTER="otlp,jaeger")

    assert "OTEL_TRACES_EXPORTER=jaeger" in finding.message
    assert "console" in finding.remedy


@pytest.mark.parametrize(
    ("there", "versions", "said"),
    [
        (True, {"opentelemetry-configuration": "0.66b2"}, []),
        (False, {"opentelemetry-configuration": "0.66b2"}, ["otel.yaml is not there"]),
        (True, {}, ["without opentelemetry-configuration"]),
    ],
)
def test_a_file_takes_the_place_of_variables(there: bool, versions: dict[str, str], said: list[str]) -> None:
    """It must be there, and so must what reads it; exporters, sampler and names are its own."""
    variables = {"OTEL_CONFIG_FILE": "otel.yaml", "OTEL_TRACES_EXPORTER": "none", "OTEL_TRACES_SAMPLER": "always_off"}
    environment = Environment(variables=variables, versions=versions, config_file=there)
    every = [finding for check in variable_checks.CHECKS for finding in check(environment)]
    found = [finding.message for finding in every if finding.severity is Severity.PROBLEM]

    assert len(found) == len(said)
    assert all(part in message for part, message in zip(said, found, strict=True))
    assert "otel.yaml configures the SDK" in every[-1].message


def test_a_share_of_traces_is_no_problem() -> None:
    """Sketches count every row: a note says so."""
    environment = Environment(
        variables={"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.01"}
    )
    (finding,) = variable_checks.sampler(environment)

    assert finding.severity is Severity.NOTE
    assert "0.01" in finding.message


def test_a_service_has_a_name() -> None:
    """All that have none share their series in Prometheus."""
    findings = list(variable_checks.resource(Environment()))

    assert [(each.severity, each.remedy) for each in findings] == [
        (Severity.PROBLEM, "set OTEL_SERVICE_NAME"),
        (Severity.NOTE, "set OTEL_RESOURCE_ATTRIBUTES=deployment.environment.name=…"),
    ]


def test_names_may_come_as_resource_attributes() -> None:
    """In one variable, with blanks."""
    given = {"OTEL_RESOURCE_ATTRIBUTES": "service.name=api, deployment.environment.name=prod"}

    assert [each.severity for each in variable_checks.resource(Environment(variables=given))] == [Severity.OK]


@pytest.mark.parametrize(
    ("file", "said"),
    [
        (ReferenceFile("r.json", error="cannot be read: No such file or directory"), "No such file"),
        (ReferenceFile("r.json", error="must be OTLP JSON"), "must be OTLP JSON"),
        (ReferenceFile(""), "holds no *.json"),
    ],
)
def test_a_reference_that_cannot_be_used_is_told(file: ReferenceFile, said: str) -> None:
    """Missing, no profile, or an empty folder."""
    (finding,) = problems(file, DRIFTLINE_REFERENCE="r.json")

    assert said in finding.message
    assert "driftline profile" in finding.remedy


def test_the_reference_is_of_the_model_that_is_served() -> None:
    """A name that differs by a letter matches nothing."""
    (finding,) = problems(ReferenceFile("r.json", "churn"), DRIFTLINE_MODEL_NAME="churm")

    assert "DRIFTLINE_MODEL_NAME=churm" in finding.message
    assert "'churn'" in finding.message
    assert "DRIFTLINE_MODEL_NAME=churn" in finding.remedy
    assert problems(ReferenceFile("r.json", "churn"), DRIFTLINE_MODEL_NAME="churn") == []


def test_the_reference_is_of_the_version_that_is_served() -> None:
    """One without a version serves all."""
    old, every = ReferenceFile("a", "churn", version="1"), ReferenceFile("b", "churn")
    (finding,) = problems(old, DRIFTLINE_MODEL_VERSION="2")

    assert "DRIFTLINE_MODEL_VERSION=2, but DRIFTLINE_REFERENCE is of 1" in finding.message
    assert problems(old, every, DRIFTLINE_MODEL_VERSION="2") == []
    assert problems(old, DRIFTLINE_MODEL_VERSION="1") == []


@pytest.mark.parametrize("variable", ["OTEL_TRACES_EXPORTER", "OTEL_METRICS_EXPORTER"])
def test_telemetry_that_goes_elsewhere_is_noted(variable: str) -> None:
    """As to the console alone, while somebody looks for it."""
    (finding,) = variable_checks.exporters(Environment(variables={variable: "console"}))

    assert finding.severity is Severity.NOTE
    assert f"{variable}=console" in finding.message


def test_one_name_cannot_serve_references_of_several_models() -> None:
    """Two models under one DRIFTLINE_MODEL_NAME would be mixed: each needs a name of its own."""
    environment = Environment(
        variables={"DRIFTLINE_MODEL_NAME": "churn"},
        references=(ReferenceFile("a", "churn"), ReferenceFile("b", "fraud")),
    )
    (finding,) = variable_checks.models(environment)

    assert "churn, fraud" in finding.message
    assert "describe" in finding.remedy
