"""Outputs against the stream's own recent past: a bucket that takes over, a class that vanishes, no values.

Works without a reference. Imports no other monitor.
"""
