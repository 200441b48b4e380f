"""The service behind the OpenTelemetry Collector that turns model telemetry into verdicts."""
