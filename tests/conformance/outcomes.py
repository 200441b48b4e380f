"""A pytest plugin: writes the outcome of every test to the file that CONFORMANCE_OUTCOMES names.

With CONFORMANCE_INSTRUMENTED=1 Driftline records all model calls meanwhile, as it would in a server.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

_FLUSH_SECONDS = 600.0

outcomes: dict[str, str] = {}


@pytest.fixture(scope="session", autouse=True)
def instrumented() -> Iterator[None]:
    """Instrumentation for the whole run; its sketches go to the file that CONFORMANCE_METRICS names."""
    if os.environ.get("CONFORMANCE_INSTRUMENTED") != "1":
        yield
        return
    from opentelemetry.sdk.metrics.export import ConsoleMetricExporter
    from opentelemetry.sdk.trace import TracerProvider

    import driftline

    with Path(os.environ["CONFORMANCE_METRICS"]).open("w") as file:
        exporter = ConsoleMetricExporter(out=file)
        driftline.instrument(tracer_provider=TracerProvider(), metric_exporter=exporter, export_interval=600_000)
        yield
        driftline.flush(timeout=_FLUSH_SECONDS)  # at the end of a process it would be given up after two seconds
        driftline.uninstrument()


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """A test is what its worst phase is."""
    if report.when == "call" or report.outcome != "passed":
        marked = hasattr(report, "wasxfail")
        outcomes[report.nodeid] = f"x{report.outcome}" if marked else report.outcome


def pytest_sessionfinish() -> None:
    Path(os.environ["CONFORMANCE_OUTCOMES"]).write_text(json.dumps(outcomes))
