"""A pool of reusable buffers for batches of rows, because fresh memory costs a page fault per page."""

import math
from collections import defaultdict
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import DTypeLike, NDArray

from driftline.runtime.threads import Lock

RawBuffer: TypeAlias = NDArray[np.uint8]


class BufferHandle:
    """An array in a pooled buffer. `release` it exactly once, when it is no longer read."""

    __slots__ = ("_block", "_pool", "array")

    has_arrived = True
    """Whether the data is there; a copy from another device may still be in flight."""

    def __init__(self, pool: "BufferPool", block: RawBuffer, array: NDArray[Any]) -> None:
        self._pool = pool
        self._block = block
        self.array = array

    def release(self) -> None:
        self._pool.put_back(self._block)


class BufferPool:
    """At most `limit` bytes of buffers, in sizes a quarter apart so that most requests find a free one."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = Lock()
        self._free: defaultdict[int, list[RawBuffer]] = defaultdict(list)
        self._held = 0  # bytes of all buffers, free ones included
        self._idle = True

    def acquire(self, shape: tuple[int, ...], dtype: "DTypeLike", order: str) -> BufferHandle | None:
        """An uninitialised array, or None if the pool is exhausted. order: "C" or "F"."""
        kind = np.dtype(dtype)
        wanted = math.prod(shape) * kind.itemsize
        block = self._take(_rounded(wanted))
        if block is None:
            return None
        array: NDArray[Any] = block[:wanted].view(kind).reshape(shape, order=order)  # type: ignore[call-overload]
        return BufferHandle(self, block, array)

    def put_back(self, block: RawBuffer) -> None:
        with self._lock:
            self._free[block.nbytes].append(block)

    def trim(self) -> None:
        """Return memory to the system if nothing was acquired since the last call."""
        with self._lock:
            if self._idle:
                self._drop_free()
            self._idle = True

    def _take(self, size: int) -> RawBuffer | None:
        with self._lock:
            self._idle = False
            if free := self._free.get(size):
                return free.pop()
            if self._held + size > self._limit:
                self._drop_free()
            if self._held + size > self._limit:
                return None
            self._held += size
        return np.empty(size, np.uint8)

    def _drop_free(self) -> None:
        self._held -= sum(block.nbytes for blocks in self._free.values() for block in blocks)
        self._free.clear()


def _rounded(size: int) -> int:
    """`size` rounded up to 4, 5, 6 or 7 times a power of two, and to at least 4 KiB."""
    step = 1 << max(10, (max(size, 1) - 1).bit_length() - 3)
    return -(-size // step) * step if size > 4 * step else 4 * step
