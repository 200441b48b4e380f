"""Inputs that tell the time, held against the time of the rows: an epoch that stops, a clock in another zone, a reset.

Imports no other monitor.
"""
