"""Chunks and columns of two profiles → those of the rows of both."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from driftline import semconv
from driftline.reference.chunks import MOST_CHUNKS, Chunks
from driftline.reference.column_types import CATEGORY, FLOAT, widest
from driftline.reference.errors import ProfileError
from driftline.reference.format import FEWEST_BINS, MOST_CATEGORIES
from driftline.reference.profile_column import ProfileColumn
from driftline.sketch import Buckets, Intervals, NumericPoints, cut_bins, project
from driftline.sketch.arrays import FloatArray, IntArray
from driftline.sketch.decimals import LEVELS
from driftline.sketch.exponential import HUGE

_NO_BUCKETS: Final = Buckets.empty()


class ChunkPlaces:
    """For each chunk of a and of b, the merged chunk that it goes to."""

    def __init__(self, chunks: int, of_a: IntArray, of_b: IntArray) -> None:
        self._chunks, self._of_a, self._of_b = chunks, of_a, of_b

    def join(self, a: IntArray, b: IntArray) -> IntArray:
        """Counts of both, [chunk, ...], as counts of the whole."""
        joined = np.zeros((self._chunks, *a.shape[1:]), np.int64)
        np.add.at(joined, self._of_a, a)
        np.add.at(joined, self._of_b, b)
        return joined


def merge_chunks(a: Chunks, rows_of_a: int, b: Chunks, rows_of_b: int) -> tuple[Chunks, ChunkPlaces]:
    """Merged chunks, and where those of both go: each as a whole."""
    if a.has_timestamps and b.has_timestamps:
        chunks, of_a, of_b = _by_time(a, b)
    else:
        chunks, of_a, of_b = _by_rows(a, rows_of_a, b, rows_of_b)
    return chunks, ChunkPlaces(len(chunks), of_a, of_b)


def _by_time(a: Chunks, b: Chunks) -> tuple[Chunks, IntArray, IntArray]:
    """Of equal duration, about that of the finer ones; those of both go where their middle is."""
    start, end = min(a.starts[0], b.starts[0]), max(a.ends[-1], b.ends[-1])
    finest = min((chunks.ends[-1] - chunks.starts[0]) / len(chunks) for chunks in (a, b))
    edges = np.linspace(start, end, min(MOST_CHUNKS, max(len(a), len(b), round((end - start) / finest))) + 1)
    whole = Chunks(True, edges[:-1], edges[1:])
    return whole, whole.of((a.starts + a.ends) / 2), whole.of((b.starts + b.ends) / 2)


def _by_rows(a: Chunks, rows_of_a: int, b: Chunks, rows_of_b: int) -> tuple[Chunks, IntArray, IntArray]:
    """Those of a, then those of b; neighbours are joined if they are too many."""
    edges = np.append(_row_edges(a, rows_of_a)[:-1], rows_of_a + _row_edges(b, rows_of_b))
    together = -(-(len(edges) - 1) // MOST_CHUNKS)
    place = np.arange(len(edges) - 1) // together
    edges = np.append(edges[:-1:together], edges[-1])
    return Chunks(False, edges[:-1], edges[1:]), place[: len(a)], place[len(a) :]


def _row_edges(chunks: Chunks, rows: int) -> FloatArray:
    """Where the chunks start and end, as rows; chunks by time count as equally long."""
    if chunks.has_timestamps:
        return np.linspace(0, rows, len(chunks) + 1)
    return np.append(chunks.starts, chunks.ends[-1])


def merge_columns(
    ours: Sequence[ProfileColumn], theirs: Sequence[ProfileColumn], places: ChunkPlaces
) -> tuple[ProfileColumn, ...]:
    """The columns of both. Raises ProfileError if they are not the same ones."""
    others = {column.key: column for column in theirs}
    lacking = {column.key for column in ours} ^ others.keys()
    if lacking:
        names = ", ".join(sorted(repr(key.name) for key in lacking))
        raise ProfileError(f"profiles to merge must have the same columns (only one has {names})")
    return tuple(_merge_column(column, others[column.key], places) for column in ours)


def merge_pairs(
    ours: Sequence[ProfileColumn], theirs: Sequence[ProfileColumn], places: ChunkPlaces
) -> tuple[ProfileColumn, ...]:
    """The pairs that both have with the same thresholds, whatever their names."""
    others = {column.pair: column for column in theirs}
    return tuple(_merge_pair(column, others[column.pair], places) for column in ours if column.pair in others)


def _merge_pair(a: ProfileColumn, b: ProfileColumn, places: ChunkPlaces) -> ProfileColumn:
    return replace(a, rows=a.rows + b.rows, categories=_sums(a, b), bins=places.join(a.bins, b.bins))


def _merge_column(a: ProfileColumn, b: ProfileColumn, places: ChunkPlaces) -> ProfileColumn:
    if (a.numbers is None) != (b.numbers is None):
        a, b = _agreeing(a, b), _agreeing(b, a)
    joined = _merge_numbers(a, b, places) if a.numbers is not None else _merge_categories(a, b, places)
    states = {state: a.states.get(state, 0) + b.states.get(state, 0) for state in sorted({*a.states, *b.states})}
    none_a, none_b = (np.zeros(len(column.bins), np.int64) for column in (a, b))
    occurring = sorted({*a.state_rows, *b.state_rows})
    state_rows = {s: places.join(a.state_rows.get(s, none_a), b.state_rows.get(s, none_b)) for s in occurring}
    tolerance = b.tolerance if a.tolerance is None else a.tolerance
    return replace(
        joined,
        rows=a.rows + b.rows,
        states=states,
        state_rows=state_rows,
        tolerance=tolerance,
        decimals=_decimals(a, b, places),
        block=a.block or b.block,
        cluster=a.cluster if a.cluster == b.cluster else None,
    )


def _decimals(a: ProfileColumn, b: ProfileColumn, places: ChunkPlaces) -> IntArray | None:
    """Of both; of neither where one does not know them, unless it has no values."""
    none_a, none_b = (np.zeros((len(column.bins), len(LEVELS)), np.int64) for column in (a, b))
    known_a, known_b = (
        none if column.decimals is None and not column.valid else column.decimals
        for column, none in ((a, none_a), (b, none_b))
    )
    return None if known_a is None or known_b is None else places.join(known_a, known_b)


def _agreeing(column: ProfileColumn, other: ProfileColumn) -> ProfileColumn:
    """The column, as one of the other's type if it has no values. Raises ProfileError if it has some."""
    if not other.valid:
        return column
    if column.valid:
        kinds = f"{column.type!r} and {other.type!r}"
        raise ProfileError(f"column {column.key.name!r} must be of the same type in profiles to merge (got {kinds})")
    none = np.zeros((len(column.bins), 1), np.int64)
    numbers = None
    if other.numbers is not None:
        empty = replace(
            other.numbers.core, zero=0, positive=_NO_BUCKETS, negative=_NO_BUCKETS, minimum=None, maximum=None
        )
        numbers = NumericPoints(
            empty, {}, column.states.get(semconv.MISSING, 0), column.states.get(semconv.NON_FINITE, 0)
        )
    return replace(column, type=other.type, numbers=numbers, edges=np.zeros(0), bin_categories=(), bins=none)


def _merge_numbers(a: ProfileColumn, b: ProfileColumn, places: ChunkPlaces) -> ProfileColumn:
    assert a.numbers is not None
    assert b.numbers is not None
    points = a.numbers.merge(b.numbers)
    edges = a.edges if np.array_equal(a.edges, b.edges) else cut_bins(points.intervals())
    categories: dict[str, int] = {}
    if (a.categories or not a.valid) and (b.categories or not b.valid):
        categories = _sums(a, b)
    return replace(
        a,
        type=_type(a, b),
        numbers=points,
        categories=categories,
        edges=edges,
        bins=places.join(_on(edges, a), _on(edges, b)),
    )


def _type(a: ProfileColumn, b: ProfileColumn) -> str:
    if not a.valid or not b.valid:
        return b.type if not a.valid else a.type
    return widest(a.type, b.type) or FLOAT


def _on(edges: FloatArray, column: ProfileColumn) -> IntArray:
    """The column's chunks on other bins: the rows of a bin are spread as the whole column is there.

    Rows stay whole numbers: largest remainders are rounded up.
    """
    if np.array_equal(edges, column.edges):
        return column.bins
    assert column.numbers is not None
    prior_mass = column.numbers.intervals()
    bounds = np.array([-HUGE, *column.edges, HUGE])
    bins = [Intervals(bounds[i : i + 1], bounds[i + 1 : i + 2], np.ones(1)) for i in range(len(bounds) - 1)]
    shares = np.array([project(each, edges, prior_mass) for each in bins])
    return _rounded(column.bins @ shares, column.bins.sum(axis=1))


def _rounded(counts: FloatArray, rows: IntArray) -> IntArray:
    """Whole numbers of each line that add up to its `rows`."""
    whole = np.floor(counts + 1e-9).astype(np.int64)
    order = np.argsort(whole - counts, axis=1, kind="stable")  # largest remainders first
    ranks = np.argsort(order, axis=1, kind="stable")
    return np.asarray(whole + (ranks < (rows - whole.sum(axis=1))[:, None]))


def _merge_categories(a: ProfileColumn, b: ProfileColumn, places: ChunkPlaces) -> ProfileColumn:
    categories = _sums(a, b)
    most = max(FEWEST_BINS, len(a.bin_categories), len(b.bin_categories))
    named = tuple(name for name in categories if name != semconv.OTHER)[:most]
    return replace(
        a,
        type=CATEGORY if CATEGORY in (a.type, b.type) else _type(a, b),
        categories=categories,
        bin_categories=named,
        bins=places.join(_named_bins(named, a), _named_bins(named, b)),
    )


def _sums(a: ProfileColumn, b: ProfileColumn) -> dict[str, int]:
    """Rows by category of both, the most frequent ones first; all beyond the bound as OTHER, the last."""
    sums = dict(a.categories)
    for name, rows in b.categories.items():
        sums[name] = sums.get(name, 0) + rows
    others = sums.pop(semconv.OTHER, 0)
    ranked = sorted(sums.items(), key=lambda item: (-item[1], item[0]))
    others += sum(rows for _, rows in ranked[MOST_CATEGORIES:])
    return {**dict(ranked[:MOST_CATEGORIES]), **({semconv.OTHER: others} if others else {})}


def _named_bins(names: tuple[str, ...], column: ProfileColumn) -> IntArray:
    """The column's chunks in the bins of `names`; categories without a bin of their own stay among the others."""
    bins = np.zeros((len(column.bins), len(names) + 1), np.int64)
    place = {name: i for i, name in enumerate(names)}
    for i, name in enumerate(column.bin_categories):
        bins[:, place.get(name, len(names))] += column.bins[:, i]
    bins[:, -1] += column.bins[:, -1]
    return bins
