from threading import Barrier, Thread
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from driftline.sketch import Layout
from driftline.sketch.bit_index import BLOCK
from driftline.sketch.exponential import MAX_SCALE, MIN_SCALE, bucket_index

SIGNS: list[tuple[int, ...]] = [(1,), (-1,), (1, -1)]
AT = {"about 1": 1.0, "large": 3e9, "small": 2e-7}
DTYPES = [np.float64, np.float32]


def layout_about(value: float, scale: int, signs: tuple[int, ...]) -> Layout:
    """A window in which the value lies in the middle."""
    size = min(320 // len(signs), 2 ** max(scale + 6, 2))
    return Layout(scale, int(bucket_index([value], scale)[0]) - size // 2, size, signs)


def counted(layout: Layout, x: NDArray[Any]) -> tuple[list[list[int]], int]:
    index = layout.bit_index(x.dtype)
    assert index is not None
    counts, outside, codes = index.count(x)
    assert int(index.outside(codes).sum()) == outside
    return index.fold(counts).tolist(), outside


def expected(layout: Layout, x: NDArray[Any]) -> tuple[list[list[int]], int]:
    """The slow way: the exact index of each value that lies inside."""
    values = x.astype(np.float64)
    inside = layout.inside(values)
    rows = []
    for sign in layout.signs:
        own = values[inside & (np.sign(values) == sign)]
        rows.append(np.bincount(bucket_index(np.abs(own), layout.scale) - layout.first, minlength=layout.size).tolist())
    return rows, int((~inside).sum())


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("signs", SIGNS)
@pytest.mark.parametrize("place", AT)
@pytest.mark.parametrize("scale", range(MIN_SCALE, MAX_SCALE + 1))
def test_every_edge_and_its_neighbours_fall_where_they_belong(
    scale: int, place: str, signs: tuple[int, ...], dtype: type[np.float64 | np.float32]
) -> None:
    """Of each bucket and either sign, with zeros, NaN, infinities, denormals and the limits of the dtype."""
    layout = layout_about(AT[place], scale, signs)
    with np.errstate(over="ignore", under="ignore"):
        edges = layout.edges.astype(dtype)
    near: NDArray[Any] = np.concatenate([edges, np.nextafter(edges, dtype(np.inf)), np.nextafter(edges, dtype(0))])
    limits = np.finfo(dtype)
    odd = np.array([0.0, np.nan, np.inf, limits.tiny, limits.max, limits.smallest_subnormal], dtype)
    x = np.concatenate([near, np.negative(near), odd, np.negative(odd)])
    if layout.bit_index(x.dtype) is None:
        x = x.astype(np.float64)
    half = x[: len(x) // 2], x[len(x) // 2 :]

    for block in (x, *half):
        assert counted(layout, block[:BLOCK]) == expected(layout, block[:BLOCK])


@pytest.mark.parametrize("scale", [-4, -2, 0, 1])
@pytest.mark.parametrize("signs", SIGNS)
def test_a_window_may_reach_beyond_float64(scale: int, signs: tuple[int, ...]) -> None:
    """Its outermost edges are the limits then, and still everything is counted once."""
    size = 320 // len(signs)
    largest = int(bucket_index([np.finfo(float).max], scale)[0])
    smallest = int(bucket_index([np.finfo(float).tiny], scale)[0])
    x = np.exp(np.random.default_rng(0).uniform(-708, 709, 5_000)) * np.random.default_rng(1).choice([1, -1], 5_000)
    x = np.append(x, [np.finfo(float).max, np.finfo(float).tiny, -np.inf, np.nan])
    for first in (largest - size // 2, smallest - size // 2):
        layout = Layout(scale, first, size, signs)

        assert counted(layout, x) == expected(layout, x)


def test_float32_needs_a_window_that_it_can_express() -> None:
    """Else the values are made float64; other dtypes always are."""
    assert layout_about(1.0, 3, (1,)).bit_index(np.dtype(np.float32)) is not None
    assert layout_about(1e-40, 3, (1,)).bit_index(np.dtype(np.float32)) is None
    assert layout_about(1e38, 0, (1,)).bit_index(np.dtype(np.float32)) is None
    assert layout_about(1.0, 3, (1,)).bit_index(np.dtype(np.int64)) is None


def test_threads_do_not_disturb_each_other() -> None:
    """Several count at once with the same tables; each has working space of its own."""
    layout = layout_about(1.0, 5, (1, -1))
    barrier, wrong = Barrier(4), list[int]()

    def count(seed: int) -> None:
        x = np.random.default_rng(seed).normal(0, 1, BLOCK)
        truth = expected(layout, x)
        barrier.wait()
        wrong.extend(seed for _ in range(50) if counted(layout, x) != truth)

    threads = [Thread(target=count, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert wrong == []
