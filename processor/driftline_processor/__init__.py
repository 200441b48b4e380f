"""The service behind the OpenTelemetry Collector that turns model telemetry into verdicts."""

from importlib.metadata import version

__version__ = version("driftline")
