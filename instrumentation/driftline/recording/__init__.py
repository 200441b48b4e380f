"""Turns each model call into a span and a duration, and hands its rows to `export`.

May import everything but `frameworks`, `profiling`, `demo` and `cli`.
"""
