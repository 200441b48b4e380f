"""Our statistics, through real sketches and the real engine, beside scipy's of the raw rows behind them.

Real columns are those of the car loan and of bike sharing. On shorter windows that leave their reference altogether our
KS, a certain bound, may be lower than stated: by .018 in weeks of elec2, where one bucket holds six of 336 rows.
"""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Final

import numpy as np

from bench.verdicts import real
from bench.verdicts.made import Draw, categories, changing, lognormal, missing, moved, normal, uniform, zipf
from bench.verdicts.oracles import ORACLES, Compared, Raw
from bench.verdicts.ours import Driftline
from bench.verdicts.stream import Column, Stream
from driftline.semconv import TARGET_INPUT
from driftline_processor.records import ColumnKey

AGREEMENT: Final = "agreement with scipy"
"""What `--streams` asks for it by."""


def poisson(mean: float) -> Draw:
    return lambda random, n: random.poisson(mean, n).astype(np.float64)


def amounts(zeros: float, scale: float) -> Draw:
    """Zero in a share of the rows."""
    return lambda random, n: np.where(random.random(n) < zeros, 0.0, lognormal(scale)(random, n))


def constant(value: float) -> Draw:
    return lambda random, n: np.full(n, value)


MADE: Final[Mapping[str, tuple[Draw, Draw]]] = {
    "normal": (normal(), normal(0.1)),
    "normal, far": (normal(), normal(3.0)),
    "normal around 1,000": (normal(1000.0), normal(1000.5)),
    "wider": (normal(), normal(0.0, 1.5)),
    "with gaps": (missing(0.1), missing(0.3)),
    "lognormal": (lognormal(), lognormal(1.5)),
    "lognormal, other units": (lognormal(), lognormal(1000.0)),
    "amounts": (amounts(0.6, 1.0), amounts(0.5, 2.0)),
    "mostly zeros": (amounts(0.9, 1.0), amounts(0.95, 1.0)),
    "few counts": (poisson(3.0), poisson(4.0)),
    "many counts": (poisson(100.0), poisson(120.0)),
    "constant": (constant(42.0), constant(43.0)),
    "two": (categories(np.array([0.7, 0.3])), categories(np.array([0.6, 0.4]))),
    "five and one more": (categories(uniform(5)), categories(uniform(6))),
    "50, falling": (categories(zipf(50)), categories(zipf(50)[::-1])),
    "200, even": (categories(uniform(200)), categories(moved(200, 0.05))),
    "200, falling": (categories(zipf(200)), categories(uniform(200))),
}
"""What a column is in training and in the first window, and what it becomes in the second."""

SIZES: Final = (1_000, 20_000)
"""Rows of made windows."""

REAL: Final = {"car loan": 5, "car loan, faulty": 5, "bike, weeks": 7}
"""Every how many windows one is compared, the first of all."""


def measure() -> list[Compared]:
    """All columns, made and, where they are there, real."""
    found = [each for n in SIZES for each in compare(f"{n} rows", made(n))]
    for scenario in real.scenarios():
        if scenario.name in REAL:
            found += compare(scenario.name, scenario.make(0), REAL[scenario.name])
    return found


def made(n: int) -> Stream:
    """A window of each of both kinds."""
    before, after = ({name: kinds[i] for name, kinds in MADE.items()} for i in (0, 1))
    return changing(before, after, n, [n, n], onset=1)


def compare(name: str, stream: Stream, every: int = 1) -> Iterator[Compared]:
    """Each column of a stream in the first window, and in one of so many after it."""
    ours = Driftline()
    ours.fit(stream)
    for window, rows in enumerate(islice(stream.windows(), 0, None, every)):
        ours.window(rows)
        (result,) = ours.results
        statistics = {column.column: column.statistics for column in result.columns}
        for column, trained in stream.reference.items():
            key = ColumnKey(TARGET_INPUT, column)
            reference = ours.reference.columns[key]
            raw = Raw(_present(trained), _present(rows[column]), reference.edges)
            where = f"{column}, {name}, window {window * every}"
            for oracle in ORACLES:
                if oracle.kind == reference.kind:
                    yield Compared(oracle.name, where, statistics[key][oracle.statistic], oracle.exact(raw))


def _present(rows: Column) -> Column:
    return rows[np.not_equal(rows, None) if rows.dtype == object else np.isfinite(rows)]
