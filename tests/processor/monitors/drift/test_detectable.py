"""A result says how far a column would have to move to be found in every other window like it."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import norm

from driftline_processor.monitors.drift.comparison import Comparison
from driftline_processor.records import ColumnResult, ColumnSummary, ReferenceColumn
from driftline_processor.verdicts.verdict import State
from made_columns import HOUR, category_column, counted, fitted, numeric_column, numeric_summary, reference_of

BUDGET = 1e-4
WINDOWS = 60
TRAINED = np.random.default_rng(0).normal(size=50_000)
LAYOUT = fitted(TRAINED)

Window = Callable[[np.random.Generator, int, float], ColumnSummary]


def numbers(random: np.random.Generator, rows: int, move: float) -> ColumnSummary:
    """A shift by which so many rows have gone to the other side of some value, and less of any other."""
    return numeric_summary(random.normal(2.0 * norm.ppf((1.0 + move) / 2.0), size=rows), LAYOUT)


def answers(random: np.random.Generator, rows: int, move: float) -> ColumnSummary:
    return counted(np.where(random.random(rows) < 0.4 + move, "yes", "no"))


COLUMNS: dict[str, tuple[ReferenceColumn, Window]] = {
    "numbers": (numeric_column(TRAINED), numbers),
    "answers": (category_column(np.where(np.random.default_rng(1).random(50_000) < 0.4, "yes", "no")), answers),
}


@pytest.mark.parametrize("tolerance", [0.05, 0.2])
@pytest.mark.parametrize("rows", [300, 3_000])
@pytest.mark.parametrize("kind", COLUMNS)
def test_a_move_of_that_size_is_found_in_about_half_of_the_windows(kind: str, rows: int, tolerance: float) -> None:
    """More where several events show it; half of the move is hardly ever found, half as much again nearly always."""
    column, window = COLUMNS[kind]
    comparison = Comparison.of(reference_of(column), tolerance)
    random = np.random.default_rng(rows)

    def judged(move: float) -> ColumnResult:
        return comparison.window({column.key: window(random, rows, move)}, BUDGET, HOUR)[0]

    def found(move: float) -> float:
        verdicts = [judged(move).verdict for _ in range(WINDOWS)]
        return float(np.mean([verdict is not None and verdict.state is State.ALARM for verdict in verdicts]))

    detectable = judged(0.0).detectable
    assert detectable is not None
    assert 0.25 <= found(detectable) <= 0.95
    assert found(0.5 * detectable) <= 0.1
    assert found(1.5 * detectable) >= 0.9
