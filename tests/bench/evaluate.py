"""evaluate_vs_ks: the verdict on one column in one window.

Measured: CPU time, a column, of judging a window of 30 numeric columns of ten kinds (see aggregate_vs_kll) against a
profile of 50,000 rows in row chunks, without its pairs, as no server counts them: aligned with its cells, statistics,
quantiles and the verdict. The window's sketches are of 10,000 rows and of another layout than the profile's; they have
been merged, and the reference has been prepared. Against: `scipy.stats.ks_2samp` on 1,000 + 1,000 raw values of the
same columns, a column.
"""

import time
from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import ks_2samp

import driftline
from bench.aggregate import columns
from bench.harness import Figure, interleaved
from bench.rig import FEATURES
from bench.verdict import summaries
from driftline.semconv import TARGET_INPUT
from driftline_processor.monitors.drift.comparison import Comparison
from driftline_processor.reference.read import read_reference
from driftline_processor.reference.selection import without_pairs

REFERENCE_ROWS: Final = 50_000
WINDOW_ROWS: Final = 10_000
KS_ROWS: Final = 1000

_TOLERANCE: Final = 0.05
_BUDGET: Final = 0.001
_HOUR: Final = 3_600 * 10**9


def measure() -> NDArray[np.float64]:
    rng = np.random.default_rng(0)
    trained, window = columns(rng, REFERENCE_ROWS), columns(rng, WINDOW_ROWS)
    reference = read_reference(driftline.profile(trained, model="model").to_request())
    comparison, merged = Comparison.of(without_pairs(reference), _TOLERANCE), summaries(window)
    assert sum(key.target == TARGET_INPUT for key in reference.columns) == FEATURES
    pairs = [(trained[:KS_ROWS, i].copy(), window[:KS_ROWS, i].copy()) for i in range(FEATURES)]
    cpu = interleaved(
        {
            "driftline": lambda: _cpu(lambda: comparison.window(merged, _BUDGET, _HOUR)),
            "scipy": lambda: _cpu(lambda: [ks_2samp(before, after) for before, after in pairs]),
        }
    )
    return cpu["driftline"] / cpu["scipy"]


def _cpu(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


FIGURE: Final = Figure("evaluate_vs_ks", "scipy.stats.ks_2samp on 1,000 + 1,000 values", 1.0, 0.2, measure)
