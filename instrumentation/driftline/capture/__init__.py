"""Copies inputs and outputs on the caller's thread, and queues them for the background.

Imports `records` and `runtime`.
"""
