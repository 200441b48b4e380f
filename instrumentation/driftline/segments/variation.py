"""How much the counts of cells vary between training's own chunks, at one duration after another."""

from collections.abc import Iterator

import numpy as np

from driftline.segments.lattice import CODES, Lattice, raked
from driftline.segments.training import LABELLED, LOW, ROWS, WRONG, Variation
from driftline.sketch.arrays import FloatArray

FEWEST_STRETCHES = 8
"""Stretches, for their variance to tell anything."""

_COMPARED = 32
"""Stretches whose pairs are looked at, at each duration."""

_SIMULATED = 12
"""Stretches without any variation but that of sampling that these are compared with."""

_MOST_RATE = 0.5
"""Of a flag: where more rows have it, their rate cannot follow the level; it would pass for variation."""

_SURE = 3.719  # of a standard normal, beyond which lies 1e-4


def correction(lattice: Lattice, whole: FloatArray, chunks: FloatArray) -> FloatArray:
    """What raked tables of the chunks lack to add up to training's own, [pairs, CODES, CODES].

    The pooled table mixes hours whose margins differ: fitted to a single one, its corners are too full.

    Args:
        lattice: its cells.
        whole: rows by cell, [cells].
        chunks: rows by chunk and cell, [chunks, cells].

    """
    tables = lattice.tables(whole)
    expected = np.zeros_like(tables)
    for each in chunks:
        expected += raked(tables, *lattice.margins(each), rounds=3)
    return np.where(expected > 0.5, tables / np.maximum(expected, 0.5), 1.0)


def variations(
    lattice: Lattice, whole: FloatArray, chunks: FloatArray, singles: FloatArray, corrected: FloatArray
) -> Iterator[Variation]:
    """At durations of one chunk, two, four and so on.

    Args:
        lattice: its cells.
        whole: [SUMS, cells].
        chunks: rows by chunk and cell, [chunks, cells].
        singles: of single cells, [chunks, SUMS, singles].
        corrected: tables of the whole times their correction, [pairs, CODES, CODES].

    """
    duration = 1.0
    while len(chunks) >= FEWEST_STRETCHES:
        yield Variation(
            duration,
            len(chunks),
            _of_shares(lattice, whole, singles),
            _of_flag(lattice, whole, singles, ROWS, LOW),
            _of_flag(lattice, whole, singles, LABELLED, WRONG),
            _of_pairs(lattice, whole[ROWS], chunks, corrected),
        )
        even = len(chunks) // 2 * 2
        chunks = chunks[:even:2] + chunks[1:even:2]
        singles = singles[:even:2] + singles[1:even:2]
        duration *= 2.0


def _of_shares(lattice: Lattice, whole: FloatArray, singles: FloatArray) -> FloatArray:
    rows = singles[:, ROWS, :CODES].sum(1)
    share = whole[ROWS, : lattice.singles] / max(lattice.rows(whole[ROWS]), 1.0)
    seen = singles[:, ROWS] / np.maximum(rows, 1.0)[:, None]
    spread = ((seen - share) ** 2 * rows[:, None]).sum(0) / (len(singles) - 1)
    dispersion = spread / np.maximum(share * (1 - share), 1.0 / max(rows.sum(), 1.0))
    return _beyond_counting(1 + (dispersion - 1) * (1 - share), rows.mean() * share, len(singles), lattice)


def _of_flag(lattice: Lattice, whole: FloatArray, singles: FloatArray, of: int, flag: int) -> FloatArray:
    """Around the rate of the cell times the stretch's own level."""
    rows, flagged = singles[:, of], singles[:, flag]
    rate = whole[flag, : lattice.singles] / np.maximum(whole[of, : lattice.singles], 1.0)
    all_rows, all_flagged = rows[:, :CODES].sum(1), flagged[:, :CODES].sum(1)
    overall = max(lattice.rows(whole[flag]) / max(lattice.rows(whole[of]), 1.0), 1e-9)
    level = all_flagged / np.maximum(all_rows, 1.0) / overall
    expected = rows * rate * level[:, None]
    share = rows / np.maximum(all_rows, 1.0)[:, None]
    by_chance = (expected * (1 - rate) * (1 - share)).sum(0)
    dispersion = ((flagged - expected) ** 2).sum(0) / np.maximum(by_chance, 1e-9)
    dispersion = np.where(rate > _MOST_RATE, 1.0, dispersion)
    weighted = (expected**2).sum(0) / np.maximum(expected.sum(0), 1e-9)  # stretches of many rows tell more
    return _beyond_counting(dispersion, weighted, len(singles), lattice)


def _beyond_counting(dispersion: FloatArray, expected: FloatArray, stretches: int, lattice: Lattice) -> FloatArray:
    """Squared coefficient of variation of the rate itself: that of the whole column, or the cell's own if larger.

    Nothing that is within two standard errors, and of a single cell nothing that chance does once in 10,000 times.
    """
    v, e = dispersion.reshape(lattice.columns, CODES), np.maximum(expected.reshape(lattice.columns, CODES), 1e-9)
    error = np.sqrt(2 / stretches + 1 / (stretches * e))
    squares = (e**2).sum(1, keepdims=True)
    pooled = ((v - 1) * e).sum(1, keepdims=True) / squares
    pooled_error = np.sqrt(((error * e) ** 2).sum(1, keepdims=True)) / squares
    degrees = stretches - 1
    limit = (1 - 2 / (9 * degrees) + _SURE * np.sqrt(2 / (9 * degrees))) ** 3  # chi² a degree; Wilson & Hilferty 1931
    own = np.where(v > limit + 3 / np.sqrt(stretches * e), (v - 1) / e, 0.0)
    return np.asarray(np.maximum(np.where(pooled > 2 * pooled_error, pooled, 0.0), own).ravel())


def _of_pairs(lattice: Lattice, whole: FloatArray, chunks: FloatArray, corrected: FloatArray) -> FloatArray:
    """Excess of squared residuals over those of chunks that are drawn from the whole, a row."""
    tables = lattice.tables(whole)
    if not len(tables):
        return np.zeros((2, 0, CODES))
    compared = chunks[:: max(len(chunks) // _COMPARED, 1)][:_COMPARED]
    rows = np.array([lattice.rows(each) for each in compared])
    seen = np.array([_residuals(corrected, lattice.tables(each)) for each in compared])
    drawn = _drawn(tables, rows)
    excess = seen.mean(0) / drawn.mean(0) - 1
    error = np.sqrt(seen.var(0) / len(seen) + drawn.var(0) / len(drawn)) / drawn.mean(0)
    pooled = excess.mean((0, 2), keepdims=True)
    own = np.maximum(np.maximum(pooled, np.where(excess > 3 * error, excess, 0.0)), 0.0)
    return np.asarray(own / max(rows.mean(), 1.0))


def _drawn(tables: FloatArray, rows: FloatArray) -> FloatArray:
    rng = np.random.default_rng(0)
    shares = tables.reshape(len(tables), -1)
    shares = shares / np.maximum(shares.sum(1, keepdims=True), 1e-9)
    shares = shares / np.maximum(shares.sum(1, keepdims=True), 1.0)  # sums a hair above 1 are refused
    numbers = np.resize(rows, _SIMULATED)
    chunks = (rng.multinomial(int(n), shares).reshape(tables.shape).astype(float) for n in numbers)
    return np.array([_residuals(tables, each) for each in chunks])


def _residuals(tables: FloatArray, seen: FloatArray) -> FloatArray:
    """Mean squares of cumulative residuals, in units of sampling, by pair and code, [2, pairs, CODES]."""
    expected = raked(tables, seen.sum(2), seen.sum(1), rounds=2)
    return np.array([_along(expected, seen), _along(expected.transpose(0, 2, 1), seen.transpose(0, 2, 1))])


def _along(expected: FloatArray, seen: FloatArray) -> FloatArray:
    rows = seen.sum(2, keepdims=True)
    below = np.cumsum(expected, 2) / np.maximum(expected.sum(2, keepdims=True), 1e-9)
    chance = below * (1 - below)
    squares = np.cumsum(seen - expected, 2) ** 2 / np.maximum(rows * chance, 1e-9)
    counted = (rows >= 3) & (chance > 0.05)
    return np.asarray((np.where(counted, squares, 0.0).sum(2) + 0.3) / (counted.sum(2) + 0.3))
