"""The processor behind the OpenTelemetry Collector that turns model telemetry into drift verdicts."""

from importlib.metadata import version

__version__ = version("driftline")
