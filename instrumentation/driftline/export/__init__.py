"""Aggregates predictions into sketches in the background, and exports them as OTLP.

Imports `features`, `capture`, `sketch` and what lies below them.
"""
