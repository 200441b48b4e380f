"""Garbage collection in a process whose requests leave none: what they make is freed when nothing refers to it."""

import gc
from typing import Final

THRESHOLDS: Final = (20_000, 20, 50)
"""Python's own are (700, 10, 10): a collection in each request, of objects that all are in use."""


def collect_rarely() -> None:
    """Leaves what is there for good out of collections, and looks for cycles more rarely."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
