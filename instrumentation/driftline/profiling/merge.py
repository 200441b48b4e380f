"""The profile of the rows of two profiles."""

from dataclasses import replace
from typing import Final

import numpy as np

from driftline import semconv
from driftline.profiling.chunks import MOST_CHUNKS, Chunks
from driftline.profiling.column_types import widest
from driftline.profiling.counters import CATEGORY, FEWEST_CELLS, MOST_CATEGORIES
from driftline.profiling.errors import ProfileError
from driftline.profiling.training_profile import Profile, ProfileColumn
from driftline.sketch import Buckets, Intervals, NumericPoints, cut_cells, project
from driftline.sketch.arrays import FloatArray, IntArray

_HUGE: Final = float(np.finfo(np.float64).max)
_NO_BUCKETS: Final = Buckets.empty()


def merge(a: Profile, b: Profile) -> Profile:
    """See `Profile.merge`."""
    for what, mine, other in (("model", a.model, b.model), ("version", a.version, b.version)):
        if mine != other:
            raise ProfileError(f"{what}: profiles to merge must be of the same one (got {mine!r} and {other!r})")
    theirs = {column.key: column for column in b.columns}
    lacking = {column.key for column in a.columns} ^ theirs.keys()
    if lacking:
        names = ", ".join(sorted(repr(key.name) for key in lacking))
        raise ProfileError(f"profiles to merge must have the same columns (only one has {names})")
    chunks, rows_of_a, rows_of_b = _join_chunks(a, b)
    place = _Places(len(chunks), rows_of_a, rows_of_b)
    columns = tuple(_join_columns(column, theirs[column.key], place) for column in a.columns)
    pairs = _join_pairs(a, b, place)
    lost = len(a.pairs) - len(pairs)
    notes = dict.fromkeys((*a.notes, *b.notes, *([_LOST_PAIRS.format(lost)] if lost else ())))
    return Profile(a.model, a.version, a.rows + b.rows, chunks, columns, tuple(notes), pairs)


_LOST_PAIRS: Final = "{} pairs of inputs left out: they were counted by other medians (profile all data at once)"


def _join_pairs(a: Profile, b: Profile, place: "_Places") -> tuple[ProfileColumn, ...]:
    """Those that both have: their names tell members and medians."""
    theirs = {column.key: column for column in b.pairs}
    return tuple(_join_pair(column, theirs[column.key], place) for column in a.pairs if column.key in theirs)


def _join_pair(a: ProfileColumn, b: ProfileColumn, place: "_Places") -> ProfileColumn:
    return replace(a, rows=a.rows + b.rows, categories=_sums(a, b), cells=place.join(a.cells, b.cells))


class _Places:
    """Where the chunks of both go: for each chunk of a and of b, the chunk of the whole."""

    def __init__(self, chunks: int, of_a: IntArray, of_b: IntArray) -> None:
        self._chunks, self._of_a, self._of_b = chunks, of_a, of_b

    def join(self, a: IntArray, b: IntArray) -> IntArray:
        """Counts of both, [chunk, ...], as counts of the whole."""
        joined = np.zeros((self._chunks, *a.shape[1:]), np.int64)
        np.add.at(joined, self._of_a, a)
        np.add.at(joined, self._of_b, b)
        return joined


def _join_chunks(a: Profile, b: Profile) -> tuple[Chunks, IntArray, IntArray]:
    """Chunks of the whole, and to which of them those of both belong: each as a whole."""
    return _by_time(a.chunks, b.chunks) if a.chunks.clock and b.chunks.clock else _by_rows(a, b)


def _by_time(a: Chunks, b: Chunks) -> tuple[Chunks, IntArray, IntArray]:
    """Of equal duration, about that of the finer ones; those of both go where their middle is."""
    start, end = min(a.starts[0], b.starts[0]), max(a.ends[-1], b.ends[-1])
    finest = min((chunks.ends[-1] - chunks.starts[0]) / len(chunks) for chunks in (a, b))
    edges = np.linspace(start, end, min(MOST_CHUNKS, max(len(a), len(b), round((end - start) / finest))) + 1)
    whole = Chunks(True, edges[:-1], edges[1:])
    return whole, whole.of((a.starts + a.ends) / 2), whole.of((b.starts + b.ends) / 2)


def _by_rows(a: Profile, b: Profile) -> tuple[Chunks, IntArray, IntArray]:
    """Those of a, then those of b; neighbours are joined if they are too many."""
    edges = np.append(_row_edges(a)[:-1], a.rows + _row_edges(b))
    together = -(-(len(edges) - 1) // MOST_CHUNKS)
    place = np.arange(len(edges) - 1) // together
    edges = np.append(edges[:-1:together], edges[-1])
    return Chunks(False, edges[:-1], edges[1:]), place[: len(a.chunks)], place[len(a.chunks) :]


def _row_edges(profile: Profile) -> FloatArray:
    """Where the chunks begin and end, as rows; those of a clock count as equally long."""
    chunks = profile.chunks
    if chunks.clock:
        return np.linspace(0, profile.rows, len(chunks) + 1)
    return np.append(chunks.starts, chunks.ends[-1])


def _join_columns(a: ProfileColumn, b: ProfileColumn, place: _Places) -> ProfileColumn:
    if (a.numbers is None) != (b.numbers is None):
        a, b = _agreeing(a, b), _agreeing(b, a)
    joined = _join_numbers(a, b, place) if a.numbers is not None else _join_categories(a, b, place)
    states = {state: a.states.get(state, 0) + b.states.get(state, 0) for state in sorted({*a.states, *b.states})}
    none_a, none_b = (np.zeros(len(column.cells), np.int64) for column in (a, b))
    occurring = sorted({*a.state_cells, *b.state_cells})
    state_cells = {s: place.join(a.state_cells.get(s, none_a), b.state_cells.get(s, none_b)) for s in occurring}
    return replace(joined, rows=a.rows + b.rows, states=states, state_cells=state_cells)


def _agreeing(column: ProfileColumn, other: ProfileColumn) -> ProfileColumn:
    """A column without values is of the other's kind. Raises ProfileError where it has some."""
    if not other.valid:
        return column
    if column.valid:
        kinds = f"{column.type!r} and {other.type!r}"
        raise ProfileError(f"column {column.key.name!r} must be of the same type in profiles to merge (got {kinds})")
    none = np.zeros((len(column.cells), 1), np.int64)
    numbers = None
    if other.numbers is not None:
        empty = replace(
            other.numbers.core, zero=0, positive=_NO_BUCKETS, negative=_NO_BUCKETS, minimum=None, maximum=None
        )
        numbers = NumericPoints(
            empty, {}, column.states.get(semconv.MISSING, 0), column.states.get(semconv.NON_FINITE, 0)
        )
    return replace(column, type=other.type, numbers=numbers, edges=np.zeros(0), cell_categories=(), cells=none)


def _join_numbers(a: ProfileColumn, b: ProfileColumn, place: _Places) -> ProfileColumn:
    assert a.numbers is not None
    assert b.numbers is not None
    points = a.numbers.merge(b.numbers)
    edges = a.edges if np.array_equal(a.edges, b.edges) else cut_cells(points.intervals())
    categories: dict[str, int] = {}
    if (a.categories or not a.valid) and (b.categories or not b.valid):
        categories = _sums(a, b)
    return replace(
        a,
        type=_type(a, b),
        numbers=points,
        categories=categories,
        edges=edges,
        cells=place.join(_on(edges, a), _on(edges, b)),
    )


def _type(a: ProfileColumn, b: ProfileColumn) -> str:
    if not a.valid or not b.valid:
        return b.type if not a.valid else a.type
    return widest(a.type, b.type) or "float"


def _on(edges: FloatArray, column: ProfileColumn) -> IntArray:
    """The column's chunks on other cells: a cell over several is split as the column's whole is there.

    Rows stay whole numbers: largest remainders are rounded up.
    """
    if np.array_equal(edges, column.edges):
        return column.cells
    assert column.numbers is not None
    guide = column.numbers.intervals()
    lower = np.array([-_HUGE, *column.edges])
    upper = np.array([*column.edges, _HUGE])
    shares = np.array([project(Intervals(low, high, np.ones(1)), edges, guide) for low, high in _cells(lower, upper)])
    return _rounded(column.cells @ shares, column.cells.sum(axis=1))


def _cells(lower: FloatArray, upper: FloatArray) -> list[tuple[FloatArray, FloatArray]]:
    return [(np.array([low]), np.array([high])) for low, high in zip(lower, upper, strict=True)]


def _rounded(cells: FloatArray, rows: IntArray) -> IntArray:
    """Whole numbers of each line that add up to its `rows`."""
    whole = np.floor(cells + 1e-9).astype(np.int64)
    order = np.argsort(whole - cells, axis=1, kind="stable")  # largest remainders first
    ranks = np.argsort(order, axis=1, kind="stable")
    return np.asarray(whole + (ranks < (rows - whole.sum(axis=1))[:, None]))


def _join_categories(a: ProfileColumn, b: ProfileColumn, place: _Places) -> ProfileColumn:
    categories = _sums(a, b)
    cells = max(FEWEST_CELLS, len(a.cell_categories), len(b.cell_categories))
    named = tuple(name for name in categories if name != semconv.OTHER)[:cells]
    kind = CATEGORY if CATEGORY in (a.type, b.type) else _type(a, b)
    return replace(
        a,
        type=kind,
        categories=categories,
        cell_categories=named,
        cells=place.join(_named_cells(named, a), _named_cells(named, b)),
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


def _named_cells(names: tuple[str, ...], column: ProfileColumn) -> IntArray:
    """The column's chunks in the cells of `names`; categories that had no cell of their own stay among the others."""
    cells = np.zeros((len(column.cells), len(names) + 1), np.int64)
    index = {name: cell for cell, name in enumerate(names)}
    for cell, name in enumerate(column.cell_categories):
        cells[:, index.get(name, len(names))] += column.cells[:, cell]
    cells[:, -1] += column.cells[:, -1]
    return cells
