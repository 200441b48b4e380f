"""Natural variation: what the curve says of known processes."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.signal import lfilter

from driftline_processor.monitors.drift.detection.overdispersion import Variation
from driftline_processor.monitors.drift.detection.tested_sets import numeric_events, state_events
from driftline_processor.monitors.drift.detection.variation_fit import fit_variation

ROWS, CHUNKS = 50_000, 100
EVENTS = numeric_events(18)


def fit(values: NDArray[np.float64], chunks: int = CHUNKS) -> Variation:
    edges = np.quantile(values, np.linspace(0.0, 1.0, 17))
    edges[0] = np.nextafter(edges[0], -np.inf)
    bins = np.searchsorted(edges, values, "left")
    counts = np.array([np.bincount(part, minlength=18) for part in np.array_split(bins, chunks)], float)
    return fit_variation(counts, EVENTS, np.minimum(EVENTS.sums(counts.sum(axis=0)) / len(values), 1.0))


def independent(seed: int = 1) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(size=ROWS)


def autocorrelated(rho: float) -> NDArray[np.float64]:
    return np.asarray(lfilter([np.sqrt(1 - rho**2)], [1, -rho], independent()))


def seasonal(period: int = 5_000) -> NDArray[np.float64]:
    return independent() + np.sin(np.arange(ROWS) * 2 * np.pi / period)


def test_independent_rows_vary_by_chance_alone() -> None:
    """Inflation is about 1 at every size, and nothing grows with the rows."""
    variation = fit(independent())

    assert variation.pooled_growth == 0.0
    assert [variation.inflation(n).max() for n in (50.0, 1e3, 1e5)] == pytest.approx([1.2] * 3, abs=0.3)


def test_autocorrelation_inflates_by_a_factor() -> None:
    """Of rows with correlation .9 each counts for a tenth or so, at every size above the correlation's length."""
    variation = fit(autocorrelated(0.9))

    assert 8.0 < np.median(variation.inflation(1e3)) < 25.0
    assert np.median(variation.inflation(1e5)) < 40.0


def test_a_season_does_not_average_out() -> None:
    """Within a period more rows do not help: inflation grows with them, and part of it for good."""
    variation = fit(seasonal(period=40_000))

    assert variation.pooled_growth > 0.0
    assert np.median(variation.inflation(5e3)) > 5 * np.median(variation.inflation(500.0))


def test_by_duration_variation_belongs_to_time() -> None:
    """At ten times the traffic a window of the same duration varies as much, so each row counts for a tenth."""
    variation = fit(seasonal())
    slow, busy = (np.median(variation.inflation(n, chunks=1.0)) - 1.0 for n in (500.0, 5_000.0))

    assert busy == pytest.approx(10 * slow, rel=0.01)


def test_by_duration_a_whole_period_varies_less_than_a_part() -> None:
    """A window over a whole season is not inflated as one inside it is."""
    variation = fit(seasonal(period=4_000))  # eight chunks

    assert np.median(variation.inflation(1e3, chunks=8.0)) < np.median(variation.inflation(1e3, chunks=1.0)) / 4


@pytest.mark.parametrize("chunks", [None, 0.01, 3.0, 1e6])
@pytest.mark.parametrize("rows", [0.3, 1.0, 80.0, 1e7])
def test_never_below_chance_nor_above_one_draw(rows: float, chunks: float | None) -> None:
    """Whatever the scale: at least the sampling error of independent rows, at most that of a single one."""
    inflation = fit(autocorrelated(0.99)).inflation(rows, chunks)

    assert (inflation >= 1.0).all()
    assert (inflation <= max(rows, 1.0)).all()


def test_a_constant_has_no_variation_and_all_trust() -> None:
    """A column of one value is known without error."""
    variation = fit_variation(np.tile([500.0, 0.0], (CHUNKS, 1)), state_events(), np.zeros(1))

    assert variation.inflation(1e4).tolist() == [1.0]
    assert variation.degrees(1e4) == np.inf


@pytest.mark.parametrize("chunks", [1, 2, 5, 7])
def test_few_chunks_are_trusted_little(chunks: int) -> None:
    """Below eight chunks the degrees of freedom are few, so that only overwhelming evidence counts."""
    variation = fit(independent(), chunks)

    assert variation.few
    assert 4.0 <= variation.degrees(1e3) < 40.0
    assert np.isfinite(variation.inflation(1e3)).all()


def test_empty_chunks_do_not_count() -> None:
    """Chunks in which a column held no rows change nothing: nights without traffic, say."""
    counts = np.random.default_rng(3).multinomial(500, np.full(18, 1 / 18), size=64).astype(float)
    gaps = np.insert(counts, np.arange(0, 64, 2), 0.0, axis=0)
    shares = EVENTS.sums(counts.sum(axis=0)) / counts.sum()

    full, sparse = (fit_variation(chunks, EVENTS, shares) for chunks in (counts, gaps))

    assert sparse.levels.own[0] == pytest.approx(full.levels.own[0], rel=0.02)


def test_no_rows_at_all_are_no_error() -> None:
    """A column without a row has nothing to fit."""
    assert fit_variation(np.zeros((10, 18)), EVENTS, np.zeros(len(EVENTS))).floor.tolist() == [1.0] * len(EVENTS)


def constant(rows: int, seed: int = 2) -> NDArray[np.float64]:
    """Levels that stay for so many rows each."""
    return np.repeat(np.random.default_rng(seed).normal(size=ROWS // rows), rows)


def test_what_is_constant_for_a_part_of_a_chunk_is_one_draw_in_it() -> None:
    """A level that stays for a fifth of a chunk: the excess falls with time, and goes on rising within the chunk."""
    variation = fit(constant(100))

    assert np.median(variation.inflation(100.0, 0.2)) == pytest.approx(100.0, rel=0.3)
    assert np.median(variation.inflation(20.0, 0.04)) == 20.0


def test_what_changes_slowly_varies_in_a_part_of_a_chunk_as_in_all_of_it() -> None:
    """A level that stays for eight chunks is not taken to vary more in shorter windows; nor are rows that hardly hang
    together, in which any fall would be noise.
    """
    for values in (constant(5_000) + independent(), independent() + 0.1 * constant(500)):
        variation = fit(values)
        excess = [np.median(variation.inflation(100.0, chunks)) - 1.0 for chunks in (1.0, 0.2)]

        assert excess[1] <= 1.6 * excess[0]


def test_the_bound_takes_noise_for_no_season() -> None:
    """Of independent rows much of the excess by time goes, of others next to nothing."""
    for values, least, most in ((independent(3), 0.0, 0.7), (seasonal(), 0.9, 1.0)):
        variation = fit(values)
        plain, shrunk = (variation.inflation(500.0, 1.0, shrunk=kept).max() - 1.0 for kept in (False, True))

        assert least * plain <= shrunk <= most * plain
