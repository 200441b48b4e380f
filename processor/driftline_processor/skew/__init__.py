"""Skew: how a feature that the model got differs from the same feature as another pipeline makes it, row by row.

Pure functions on arrays of joined rows; they know no files, no names on the wire, and no clock.
"""
