import numpy as np
import pytest

from driftline.semconv import OPPOSITE, SAME
from driftline.sketch.arrays import FloatArray
from driftline.sketch.pairs import Pair
from driftline_processor.monitors.drift.binning.binned_counts import BinnedCounts
from driftline_processor.monitors.drift.detection.detector import Detector
from driftline_processor.monitors.drift.detection.pair_margins import PairMargins
from driftline_processor.records import ColumnKey, ColumnSummary, ReferenceColumn
from made_columns import numeric_column

ROWS = 200_000


def normal(rho: float, seed: int = 0, shift: tuple[float, float] = (0.0, 0.0)) -> FloatArray:
    """[rows, 2], standard normal before the shift."""
    a, b = np.random.default_rng(seed).normal(size=(2, ROWS))
    return np.column_stack((a, rho * a + np.sqrt(1.0 - rho**2) * b)) + np.array(shift)


def same(x: FloatArray) -> float:
    return float(((x[:, 0] > 0) == (x[:, 1] > 0)).mean())


def columns(rho: float) -> list[ReferenceColumn]:
    """Two inputs, and their pair."""
    x = normal(rho)
    inputs = [numeric_column(x[:, i], key=ColumnKey("input", name)) for i, name in enumerate("ab")]
    rows = np.array([same(x) * ROWS, (1.0 - same(x)) * ROWS, 0.0])
    pair = ReferenceColumn(
        key=ColumnKey("pair", "a × b"),
        type="pair",
        kind="category",
        summary=ColumnSummary(categories={SAME: rows[0], OPPOSITE: rows[1]}, rows=float(ROWS)),
        edges=np.zeros(0),
        categories=(SAME, OPPOSITE),
        chunks=np.tile(rows / 100, (100, 1)),
        states={},
        pair=Pair(("a", "b"), (0.0, 0.0)),
    )
    return [*inputs, pair]


def left_over(rho: float, shift: tuple[float, float], serving_rho: float | None = None) -> float:
    """The share of rows on the same side beyond what training and the members' moves let expect."""
    known = columns(rho)
    judge = Detector(known, 0.05)
    x = normal(rho if serving_rho is None else serving_rho, seed=1, shift=shift)
    bins = [np.histogram(x[:, i], [-np.inf, *known[i].edges, np.inf])[0] for i in range(2)]
    counts = np.concatenate((*bins, [same(x) * ROWS, (1.0 - same(x)) * ROWS, 0.0])).astype(float)
    nothing, all_rows = np.zeros(3), np.full(3, float(ROWS))
    shares, _ = judge.shares(BinnedCounts(counts, nothing, np.zeros((3, 3)), all_rows, all_rows))
    at = int(judge.baseline.sizes[:2].sum())
    return float(shares[at] - judge.baseline.shares[at])


@pytest.mark.parametrize("rho", [0.0, 0.5, 0.9, -0.7])
@pytest.mark.parametrize("shift", [(0.0, 0.0), (0.5, 0.5), (0.5, -0.5), (2.0, 0.0), (1.0, 0.3)])
def test_what_members_explain_is_no_change_of_the_pair(rho: float, shift: tuple[float, float]) -> None:
    """However strongly they go together, and wherever they move: less than half a tolerance is left."""
    assert abs(left_over(rho, shift)) < 0.025


@pytest.mark.parametrize("shift", [(0.0, 0.0), (0.5, 0.5)])
def test_a_change_of_correlation_stays(shift: tuple[float, float]) -> None:
    """Also while the members move: 0 to .5 puts sixteen points more on the same side."""
    assert 0.13 < left_over(0.0, shift, serving_rho=0.5) < 0.18


def test_a_pair_without_its_members_is_taken_as_it_is() -> None:
    """Nothing explains it."""
    pair = columns(0.0)[2]
    pairing = PairMargins([pair], np.array([0.5, 0.5, 0.0]), np.array([0]), np.array([0]))
    values = np.array([90.0, 10.0, 0.0])
    pairing.explain(values, np.array([100.0]))

    assert values.tolist() == [90.0, 10.0, 0.0]
