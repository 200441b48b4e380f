"""verdict_vs_scipy: from two samples to verdicts.

Measured: CPU time from 30 x (100,000 + 100,000) raw rows to 30 verdicts: both sides sketched block by block, as a
server does it, each with layouts of its own; the first made a reference, the second compared with it, statistics,
quantiles and all. Against: `scipy.stats.ks_2samp` in a loop over the same columns. Features are normal, of mean 0 in
every other round and of mean 1000 in those between; 10 of 30 are shifted by 0.1 sigma. Both must flag the same columns,
at 0.05 over 30 columns; ours by the Kolmogorov-Smirnov distance that is surely exceeded.
"""

import time
from collections.abc import Callable
from functools import partial
from itertools import cycle
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import ks_2samp, kstwobign

from bench.harness import Figure, interleaved
from bench.rig import FEATURES
from driftline.features.blocks import BLOCK_ROWS, TableColumns
from driftline.sketch import NumericStream
from driftline_processor.engine.provisional_reference import provisional_reference
from driftline_processor.monitors.drift.comparison import Comparison
from driftline_processor.records import ColumnKey, ColumnResult, ColumnSummary, ModelKey

ROWS: Final = 100_000
SHIFTED: Final = 10
SHIFT: Final = 0.1
LEVEL: Final = 0.05 / FEATURES

_TOLERANCE: Final = 0.05
_BUDGET: Final = 0.001
_HOUR: Final = 3_600 * 10**9

Samples = tuple[NDArray[np.float64], NDArray[np.float64]]  # reference and window, [rows, features]


def samples(mean: float) -> Samples:
    rng = np.random.default_rng(0)
    reference, window = (rng.normal(mean, 1.0, (ROWS, FEATURES)) for _ in range(2))
    window[:, :SHIFTED] += SHIFT
    return reference, window


def measure() -> NDArray[np.float64]:
    both = samples(0.0), samples(1000.0)
    for each in both:
        assert flags(verdicts(*each)) == scipy_flags(*each), "it is the same question, so it must be the same answer"
    turns = {"driftline": cycle(both), "scipy": cycle(both)}
    cpu = interleaved(
        {
            "driftline": lambda: _cpu(partial(verdicts, *next(turns["driftline"]))),
            "scipy": lambda: _cpu(partial(scipy_flags, *next(turns["scipy"]))),
        }
    )
    return cpu["scipy"] / cpu["driftline"]


def verdicts(reference: NDArray[np.float64], window: NDArray[np.float64]) -> tuple[ColumnResult, ...]:
    """The window judged against the reference."""
    known = provisional_reference(ModelKey("model"), {0: summaries(reference)}, _HOUR)
    return Comparison.of(known, _TOLERANCE).window(summaries(window), _BUDGET, _HOUR)


def summaries(rows: NDArray[np.float64]) -> dict[ColumnKey, ColumnSummary]:
    """The columns of [rows, features], sketched."""
    streams = [NumericStream(0) for _ in range(rows.shape[1])]
    for start in range(0, len(rows), BLOCK_ROWS):
        for stream, column in zip(streams, TableColumns(rows[start : start + BLOCK_ROWS]), strict=True):
            stream.observe(column, start)
    return {ColumnKey("input", f"x{i}"): _summary(stream, len(rows)) for i, stream in enumerate(streams)}


def _summary(stream: NumericStream, rows: int) -> ColumnSummary:
    (only,) = stream.collect(rows)
    return ColumnSummary(intervals=only.points.intervals(), rows=rows, squares=rows)


def flags(results: tuple[ColumnResult, ...]) -> set[str]:
    """Columns whose distance is significant, by the asymptotic distribution that scipy takes at this size too."""
    critical = float(kstwobign.isf(LEVEL)) * (2 / ROWS) ** 0.5
    return {result.column.name for result in results if result.statistics["ks"] > critical}


def scipy_flags(reference: NDArray[np.float64], window: NDArray[np.float64]) -> set[str]:
    return {f"x{i}" for i in range(FEATURES) if ks_2samp(reference[:, i], window[:, i]).pvalue < LEVEL}


def _cpu(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


FIGURE: Final = Figure("verdict_vs_scipy", "scipy.stats.ks_2samp in a loop", 15, 30, measure, at_least=True)
