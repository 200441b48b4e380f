"""Time of day and of week: what the reference knows of them, and what the stream shows where it knows nothing.

Imports `detection` and the folders below it.
"""
