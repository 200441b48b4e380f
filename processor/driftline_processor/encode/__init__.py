"""Results → OTLP metrics and log records; pure. Imports `monitors` (names of statistics) and `records` only."""
