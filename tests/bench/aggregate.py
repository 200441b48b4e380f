"""aggregate_vs_kll: counting rows in sketches, a value.

Measured: CPU time of the whole update, as the background does it with a batch of 10,000 rows x 30 floats that it takes
from the buffer in the caller's order (C): cut into columns, told apart by state, sketched with tails, and looked at for
a new layout. The columns are of ten kinds, three of each. Against: a KLL sketch of datasketches (k = 200, doubles) for
each column of the same array, updated by array. Layouts and sketches are warm on both sides.
"""

import time
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import numpy as np
from datasketches import kll_doubles_sketch
from numpy.typing import NDArray

from bench.harness import Figure, interleaved
from bench.rig import FEATURES
from driftline.export.aggregator import Aggregator
from driftline.records import Capture, ModelFacts, Prediction
from driftline.settings import Settings

ROWS: Final = 10_000
UPDATES: Final = 10
"""Batches in a block."""

_KINDS: Final[tuple[Callable[[np.random.Generator, int], Any], ...]] = (
    lambda rng, n: rng.normal(size=n),
    lambda rng, n: rng.normal(1000, 1, n),
    lambda rng, n: rng.normal(-300, 2, n),
    lambda rng, n: rng.lognormal(size=n),
    lambda rng, n: rng.uniform(size=n),
    lambda rng, n: rng.integers(18, 90, n),
    lambda rng, n: rng.poisson(3, n),
    lambda rng, n: rng.exponential(size=n) * (rng.random(n) < 0.3),
    lambda rng, n: 1 + rng.pareto(3, n),
    lambda rng, n: 1.7e9 + rng.uniform(0, 86_400, n),
)


def columns(rng: np.random.Generator, rows: int) -> NDArray[np.float64]:
    """Features as models have them, [rows, 30], C order."""
    kinds = [_KINDS[position % len(_KINDS)] for position in range(FEATURES)]
    return np.column_stack([kind(rng, rows) for kind in kinds]).astype(np.float64)


def measure() -> NDArray[np.float64]:
    X = columns(np.random.default_rng(0), ROWS)
    aggregate, prediction = Aggregator(Settings()), _prediction(X)
    sketches = [kll_doubles_sketch(200) for _ in range(FEATURES)]
    for _ in range(5):  # streams begin anew until their layouts fit
        aggregate.add([prediction])
        for _, acknowledge in list(aggregate.packets()):
            acknowledge()
    cpu = interleaved(
        {
            "driftline": lambda: _cpu(partial(aggregate.add, [prediction])),
            "kll": lambda: _cpu(lambda: [sketch.update(X[:, i]) for i, sketch in enumerate(sketches)]),
        }
    )
    return cpu["driftline"] / cpu["kll"]


def _cpu(update: Callable[[], object]) -> float:
    start = time.process_time()
    for _ in range(UPDATES):
        update()
    return time.process_time() - start


def _prediction(X: NDArray[np.float64]) -> Prediction:
    """What the buffer holds of a call: its inputs; outputs would be further columns."""
    model = ModelFacts("model", None, "ModelFacts", "scikit_learn", None, None, FEATURES, lambda *_: [])
    taken = Capture("objects", X, len(X), X.shape[1:], None, X.nbytes)  # a pooled buffer is read in the same way
    return Prediction(model, "predict", len(X), taken, None, 0.001, None, None)


FIGURE: Final = Figure("aggregate_vs_kll", "datasketches' KLL on the same arrays", 0.4, 0.15, measure)
