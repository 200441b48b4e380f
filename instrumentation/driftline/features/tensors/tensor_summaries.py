"""Summarizes rows of many values as a few columns with one value per row. Used on live and training data."""

from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from driftline.capture.strided_sample import Grid
from driftline.features.input_kinds import EMBEDDING, IMAGE, TOKENS, channel_axis
from driftline.features.tensors.random_projections import DIRECTIONS, random_projection
from driftline.records import InputFacts

Summaries: TypeAlias = dict[str, NDArray[Any]]

LENGTH: Final = "length"
UNKNOWN: Final = "unknown"


def summarize(kind: str, table: NDArray[Any], grid: Grid, facts: InputFacts) -> Summaries:
    """Summary columns of an input of this kind: table[rows, grid.values], sampled on the grid."""
    if kind == TOKENS:
        return tokens(table, None, facts)
    values = table.astype(np.float32, copy=False) if table.dtype.itemsize < 4 else table
    found = statistics(values, grid)
    if kind == IMAGE:
        found |= _channel_means(values, grid)
    elif kind == EMBEDDING and not grid.sampled:
        found |= _directions(values, facts)
    return found


def statistics(values: NDArray[Any], grid: Grid) -> Summaries:
    """Mean, std, min, max and norm of each row's finite values (NaN without any), shares of zeros and non-finite.

    Minimum and maximum of a sampled row are named so. The norm is that of the whole row: its root mean square times the
    square root of its size.
    """
    finite = np.isfinite(values)
    clean = values if finite.all() else np.where(finite, values, 0)
    count = np.count_nonzero(finite, axis=1)
    size = max(1, values.shape[1])
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = clean.sum(axis=1, dtype=np.float64) / count
        square = np.square(clean, dtype=np.float64).sum(axis=1) / count
    low, high = ("sampled_min", "sampled_max") if grid.sampled else ("min", "max")
    empty = count == 0
    return {
        "mean": mean,
        "std": _deviation(values, finite, mean, count),
        low: _extreme(np.min, values, finite, np.inf, empty),
        high: _extreme(np.max, values, finite, -np.inf, empty),
        "zeros": np.count_nonzero(values == 0, axis=1) / size,
        "non_finite": 1 - count / size,
        "norm": np.sqrt(square * np.prod(grid.shape)),
    }


def _deviation(values: NDArray[Any], finite: Any, mean: NDArray[Any], count: NDArray[Any]) -> NDArray[Any]:
    with np.errstate(invalid="ignore", divide="ignore"):
        squares = np.square(values - mean[:, None]).sum(axis=1, where=finite)
        return np.asarray(np.sqrt(squares / count))


def _extreme(reduce: Any, values: NDArray[Any], finite: Any, start: float, empty: Any) -> NDArray[Any]:
    found = reduce(values, axis=1, where=finite, initial=start) if values.dtype.kind == "f" else reduce(values, axis=1)
    return np.where(empty, np.nan, found)


def _channel_means(values: NDArray[Any], grid: Grid) -> Summaries:
    axis = channel_axis(grid.shape)
    if axis is None:
        return {}
    channels = grid.shape[axis]
    positions = grid.offset + grid.step * np.arange(values.shape[1])
    own = positions % channels if axis else positions // (grid.shape[1] * grid.shape[2])
    members = np.equal.outer(own, np.arange(channels))
    return {f"mean.{channel}": _finite_mean(values[:, members[:, channel]]) for channel in range(channels)}


def _finite_mean(values: NDArray[Any]) -> NDArray[Any]:
    finite = np.isfinite(values)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(values.sum(axis=1, dtype=np.float64, where=finite) / np.count_nonzero(finite, axis=1))


def _directions(values: NDArray[Any], facts: InputFacts) -> Summaries:
    """Random projections, which see changes that no single coordinate shows, and the distance to the centroid."""
    with np.errstate(invalid="ignore", over="ignore"):
        projected = random_projection(values)
        found: Summaries = {f"projection.{number}": projected[:, number] for number in range(DIRECTIONS)}
        if facts.centroid is not None and len(facts.centroid) == values.shape[1]:
            found["distance"] = np.sqrt(np.square(values - facts.centroid).sum(axis=1))
    return found


def tokens(ids: NDArray[Any], mask: NDArray[Any] | None, facts: InputFacts) -> Summaries:
    """Tokens in each text, by the attention mask or else without padding, and their share of unknown tokens."""
    if mask is not None and mask.shape == ids.shape:
        held = mask != 0
    elif facts.padding is not None:
        held = ids != facts.padding
    else:
        held = np.ones(ids.shape, bool)
    length = np.count_nonzero(held, axis=1)
    found: Summaries = {LENGTH: length}
    if facts.unknown is not None:
        found[UNKNOWN] = np.count_nonzero((ids == facts.unknown) & held, axis=1) / np.maximum(length, 1)
    return found
