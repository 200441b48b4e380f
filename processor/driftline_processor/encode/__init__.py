"""Results → OTLP metrics and log records; pure. Imports `engine` records, never its state."""
