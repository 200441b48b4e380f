"""Rows that come again: retries, replays, health checks. They say less than their number, and are one finding.

Imports no other monitor.
"""
