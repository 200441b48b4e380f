"""Columns aggregated in the background, and sent as OTLP. Imports `features`, `capture` and `sketch`."""
