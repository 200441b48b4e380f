"""What is judged, one folder each: a window, and what is remembered, in; findings out. Pure.

Imports `reference`, `records` and `verdicts`.
"""
