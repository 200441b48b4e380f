"""Pooled buffers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftline.capture.buffer_pool import BufferPool, _rounded


@given(st.integers(0, 10**9))
def test_sizes_waste_little(size: int) -> None:
    """A buffer is as large as asked for, and at most a quarter larger (beyond the least size)."""
    rounded = _rounded(size)

    assert rounded >= size
    assert rounded <= max(4096, size * 1.25)


@pytest.mark.parametrize("order", ["C", "F"])
def test_a_lease_is_an_array(order: str) -> None:
    """Shape, dtype and order are those asked for."""
    buffer = BufferPool(10**6).acquire((100, 7), np.float32, order)
    assert buffer is not None
    buffer.array[:] = 1

    assert buffer.array.shape == (100, 7)
    assert buffer.array.dtype == np.float32
    assert buffer.array.flags[f"{order}_CONTIGUOUS"]


def test_leases_do_not_overlap_and_are_used_again() -> None:
    """Two at once have buffers of their own; a released one is handed out again."""
    pool = BufferPool(10**6)
    first, second = pool.acquire((1000,), np.float64, "C"), pool.acquire((1000,), np.float64, "C")
    assert first is not None
    assert second is not None
    assert not np.shares_memory(first.array, second.array)
    first.release()
    third = pool.acquire((1000,), np.float64, "C")
    assert third is not None

    assert np.shares_memory(first.array, third.array)


def test_the_pool_is_bounded() -> None:
    """Used up, it says so; free buffers of other sizes make room."""
    pool = BufferPool(100_000)
    first = pool.acquire((60_000,), np.uint8, "C")
    assert first is not None
    assert pool.acquire((60_000,), np.uint8, "C") is None
    first.release()

    assert pool.acquire((90_000,), np.uint8, "C") is not None


def test_idle_buffers_are_given_back() -> None:
    """Free buffers stay while they are used now and then, and go when nobody asks."""
    pool = BufferPool(10**6)
    buffer = pool.acquire((1000,), np.float64, "C")
    assert buffer is not None
    buffer.release()
    pool.trim()
    assert pool._free
    pool.trim()
    assert not pool._free
    assert pool._held == 0
