"""growth_models, growth_columns: what a point costs among many models, and among many columns.

Measured: the CPU time of a point, decoded and counted, with 1,000 models of 30 columns, and with one of 1,000 columns.
Against: one model of 30 columns. The table that is printed beside it has the memory that the engine holds then.
"""

import gc
import time
import tracemalloc
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from bench.harness import Figure
from bench.ingest_points import REQUESTS, SETTINGS, START, STEP, requests
from driftline_processor.decode import decode_request
from driftline_processor.engine.engine import Engine
from driftline_processor.limits import LIMITS

_EXPORTS: Final = 4
_ROUNDS: Final = 5
_AT_ONCE: Final = 600
"""Points of a request."""

_MODELS: Final = ((1, 30), (10, 30), (100, 30), (1_000, 30))
_COLUMNS: Final = ((1, 10), (1, 30), (1, 100), (1, 1_000))


def measure(sizes: tuple[tuple[int, int], ...]) -> NDArray[np.float64]:
    """The ratio of the last size to that of one model with 30 columns, in every round; prints the table."""
    bodies = [_bodies(*size) for size in sizes]
    for each in bodies:
        _seconds(each)
    seconds = np.array([[_seconds(each) for each in bodies] for _ in range(_ROUNDS)])
    cost = seconds / [models * (columns + 1) * _EXPORTS for models, columns in sizes]
    _show(sizes, np.median(cost, axis=0), [_memory(each) for each in bodies])
    return cost[:, -1] / cost[:, sizes.index((1, 30))]


def _bodies(models: int, columns: int) -> list[list[bytes]]:
    """The requests of each export."""
    part = max(_AT_ONCE // columns, 1)
    parts = [requests(min(part, models - first), columns, _EXPORTS, first) for first in range(0, models, part)]
    return [list(each) for each in zip(*parts, strict=True)]


def _counted(bodies: list[list[bytes]]) -> Engine:
    engine = Engine(SETTINGS)
    for body in (body for export in bodies for body in export):
        engine.observe(decode_request("metrics", body, LIMITS).batch.records, START + REQUESTS * STEP)
    return engine


def _seconds(bodies: list[list[bytes]]) -> float:
    """Of CPU, of the fastest of some engines where one is done soon."""
    times = []
    for _ in range(_ROUNDS if len(bodies[0]) == 1 else 1):
        start = time.process_time()
        _counted(bodies)
        times.append(time.process_time() - start)
    return min(times)


def _memory(bodies: list[list[bytes]]) -> int:
    """Bytes that the engine holds, before a window is judged."""
    gc.collect()
    tracemalloc.start()
    engine = _counted(bodies)
    gc.collect()
    held = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    del engine
    return held


def _show(sizes: tuple[tuple[int, int], ...], cost: NDArray[np.float64], memory: list[int]) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("models", "columns", "µs a point", "KiB a model", "bytes a column"):
        table.add_column(heading, justify="right")
    for (models, columns), seconds, held in zip(sizes, cost, memory, strict=True):
        kib, each = held / models / 1024, held / models / columns
        table.add_row(f"{models:,}", f"{columns:,}", f"{seconds * 1e6:.1f}", f"{kib:,.0f}", f"{each:,.0f}")
    Console().print(table)


FIGURES: Final = (
    Figure("growth_models", "one model of 30 columns", 2.0, 1.2, partial(measure, _MODELS)),
    Figure("growth_columns", "one model of 30 columns", 2.0, 1.0, partial(measure, _COLUMNS)),
)
