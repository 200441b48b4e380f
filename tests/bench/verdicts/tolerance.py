"""Whether the tolerance is kept: pages where every column moved by less, and hours until a larger move is found.

    PYTHONPATH=tests python -m bench.verdicts.tolerance

Exact counts in place of sketches, independent rows, hourly windows and the horizons that end with them, at one false
alarm in 30 days. An alarm stays open for a day here, so that what is counted does not depend on how alarms close.
"""

from collections.abc import Iterator, Sequence
from statistics import median
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from driftline_processor.monitors.drift.binning.binned_counts import BinnedCounts
from driftline_processor.monitors.drift.detection.decision import ALARM
from driftline_processor.monitors.drift.detection.detector import Detector
from driftline_processor.monitors.drift.detection.tolerance_bound import SPENT
from driftline_processor.monitors.drift.history.trailing_windows import LONGER
from driftline_processor.records import ColumnKey
from made_columns import category_column, numeric_column

Floats = NDArray[np.float64]

TOLERANCE: Final = 0.05
MONTH: Final = 720
"""Hours."""

HORIZONS: Final = (1, *LONGER)
OPEN: Final = 24
"""Windows for which an alarm stays open."""

BEFORE: Final = 32
"""Windows before a move."""

RATES: Final = (150, 300, 1_000, 5_000)
SIZES: Final = (5, 30)
"""Columns of a model."""


class Columns:
    """Columns that are alike, with references of their own."""

    def __init__(
        self, count: int, share: float | None = None, rows: int = 200_000, *, chunks: int = 200, days: float = 0.0
    ) -> None:
        """Normal ones; or of two categories, of which one has that share. days: of training with timestamps."""
        random, self.share = np.random.default_rng(0), share
        self.hour = chunks / days / 24.0 if days else None
        keys = [ColumnKey("input", f"x{i}") for i in range(count)]
        if share is None:
            made = [numeric_column(random.normal(size=rows), chunks, key) for key in keys]
        else:
            made = [category_column(np.where(random.random(rows) < share, "a", "b"), chunks, key) for key in keys]
        self.detector, self.edges = Detector(made, TOLERANCE), [column.edges for column in made]

    def moved(self, points: float) -> list[Floats]:
        """Shares of the bins of each column, where so many points of share moved: at the middle of a normal one."""
        if self.share is not None:
            a, rest = self.share + points, np.zeros(int(self.detector.sizes[0]) - 2)
            pair = (a, 1.0 - a) if self.share >= 0.5 else (1.0 - a, a)
            return [np.array([*pair, *rest])] * len(self.edges)
        shift = 2.0 * norm.ppf((1.0 + points) / 2.0)
        return [np.diff([0.0, *norm.cdf(edges - shift), 1.0]) for edges in self.edges]

    def alarms(
        self, parts: Sequence[tuple[float, int]], rate: float, size: int, seed: int
    ) -> Iterator[NDArray[np.bool_]]:
        """The columns in which an alarm opens, by window: of parts (points moved, windows), in models of that size."""
        random, count = np.random.default_rng(seed), len(self.edges)
        past: list[Floats] = []
        opened, hour = np.full(count, -OPEN), 0
        for points, windows in parts:
            shares = self.moved(points)
            for _ in range(windows):
                held = [random.multinomial(random.poisson(rate), share) for share in shares]
                past = [np.concatenate(held).astype(float), *past[: HORIZONS[-1] - 1]]
                hour += 1
                found = self._in_alarm(past, hour - np.maximum(opened, 0), 1.0 / MONTH / (len(HORIZONS) + 1) / size)
                new = found & (hour - opened >= OPEN)
                opened[new] = hour
                yield new

    def _in_alarm(self, past: Sequence[Floats], known: NDArray[np.int64], allowed: float) -> NDArray[np.bool_]:
        """In any horizon that is no longer than what is known of a column."""
        found = np.zeros(len(self.edges), bool)
        for windows in HORIZONS:
            if windows > len(past):
                break
            bins = np.sum(past[:windows], axis=0)
            rows, nothing = np.add.reduceat(bins, self.detector.starts), np.zeros(len(found))
            counts = BinnedCounts(bins, nothing, np.zeros((3, len(found))), rows, rows)
            if self.detector.may_alarm(counts):
                lasting = None if self.hour is None else windows * self.hour
                state = self.detector.judge(counts, allowed, lasting, spent=SPENT[windows]).state
                found |= (state == ALARM).any(axis=0) & (windows <= known)
        return found


def openings(columns: Columns, points: float, rate: float, size: int, windows: int = MONTH) -> int:
    """Alarms that open while so many points of share have moved in every column, in models with so many columns."""
    return sum(int(new.sum()) for new in columns.alarms(((points, windows),), rate, size, seed=1))


def pages(columns: Columns, points: float, rate: float, size: int) -> float:
    """The same of one model in 30 days."""
    return openings(columns, points, rate, size) * size / len(columns.edges)


def delays(columns: Columns, points: float, rate: float, size: int, windows: int = 60) -> list[float]:
    """Windows until each column is in alarm after a move."""
    after = [float("inf")] * len(columns.edges)
    for hour, new in enumerate(columns.alarms(((0.0, BEFORE), (points, windows)), rate, size, seed=2)):
        for i in np.flatnonzero(new).tolist():
            if hour >= BEFORE and after[i] > windows:
                after[i] = hour - BEFORE + 1.0
        if hour >= BEFORE and max(after) < windows:
            break
    return after


def soon(columns: Columns, points: float, rate: float, size: int, *, windows: int, seeds: int = 8) -> float:
    """The share of columns that are in alarm within so many windows of a stream that has moved from its first on."""
    found = [
        np.any(list(columns.alarms(((points, windows),), rate, size, seed)), axis=0) for seed in range(10, 10 + seeds)
    ]
    return float(np.mean(found))


def table() -> Iterator[str]:
    """Of normal columns, two trainings of them; then of categories at the rates and moves that differ."""
    few, normal = Columns(30, rows=50_000, chunks=128, days=42.0), Columns(30)
    for size in SIZES:
        once, twice = (soon(few, 2 * TOLERANCE, 1_000, size, windows=windows) for windows in (1, 2))
        yield f"{size:2} columns, 50,000 training rows in six weeks, 2 in 1,000 rows: {once:.0%}, in two {twice:.0%}"
    for size in SIZES:
        for rate in RATES:
            found = [delays(normal, k * TOLERANCE, rate, size) for k in (2, 3, 4)]
            once, twice = (soon(normal, 2 * TOLERANCE, rate, size, windows=windows) for windows in (1, 2))
            yield (
                f"{size:2} columns, {rate:5} rows: {pages(normal, 0.8 * TOLERANCE, rate, size):6.1f} pages; median "
                f"{'/'.join(f'{median(each):.0f}' for each in found)}; 2: {once:.0%}, in two {twice:.0%}"
            )
    for share, points in ((0.3, 0.04), (0.1, 0.04)):
        rare = Columns(30, share)
        found = [delays(rare, k * TOLERANCE, 1_000, 5) for k in (1.2, 2, 3)]
        yield (
            f"category {share} + {points}: {pages(rare, points, 1_000, 5):.1f} pages in 5 columns, 1,000 rows; "
            f"median of 1.2, 2, 3: {'/'.join(f'{median(each):.0f}' for each in found)}"
        )


if __name__ == "__main__":
    for line in table():
        print(line, flush=True)
