"""Asynchronous copies of GPU tensors into pinned memory, read once they have arrived. Callers never wait for them."""

import math
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from driftline.capture.strided_sample import MOST_VALUES, WIDEST, Grid, next_grid
from driftline.capture.torch_arrays import BFLOAT16, row_count
from driftline.records import LOST, Capture

SLABS: Final = (*(2**16,) * 64, *(2**20,) * 16, *(2**23,) * 4)
"""Bytes of each buffer of a device type: 52 MiB in total, allocated with the first tensor."""

_ARRIVAL_SECONDS: Final = 5.0
_POLL_SECONDS: Final = 0.0005
_MOST_STREAMS: Final = 64

_DTYPES: Final = {
    f"torch.{name}": BFLOAT16 if name == "bfloat16" else np.dtype(name)
    for name in ("float32", "float64", "float16", "bfloat16", "bool", "uint8", "int8", "int16", "int32", "int64")
}


class Slab(Protocol):
    """Host memory that a device can copy into."""

    memory: NDArray[np.uint8]

    def receive(self, tensor: Any) -> None:
        """Enqueue a copy of a contiguous tensor on the device, after earlier ones. Does not block."""

    @property
    def arrived(self) -> bool:
        """Whether all enqueued copies have arrived."""


class DeviceBufferHandle:
    """An array being copied into a slab. `release` it exactly once, when it is no longer read."""

    def __init__(self, ring: "SlabRing", slab: Slab, dtype: "np.dtype[Any]", shape: tuple[int, ...]) -> None:
        self._ring = ring
        self._slab = slab
        self._dtype = dtype
        self._shape = shape

    @property
    def has_arrived(self) -> bool:
        return self._slab.arrived

    @property
    def array(self) -> NDArray[Any]:
        """The array, once it has arrived; blocks, so only for the background. Raises TimeoutError."""
        end = time.monotonic() + _ARRIVAL_SECONDS
        while not self._slab.arrived:
            if time.monotonic() > end:
                raise TimeoutError(f"device copy did not complete within {_ARRIVAL_SECONDS:g} s")
            time.sleep(_POLL_SECONDS)
        size = math.prod(self._shape) * self._dtype.itemsize
        array: NDArray[Any] = self._slab.memory[:size].view(self._dtype)
        return array.reshape(self._shape)

    def release(self) -> None:
        self._ring.put_back(self._slab)


class SlabRing:
    """The slabs of a device type. A returned slab is reused only once its last copy has arrived."""

    def __init__(self, make: Callable[[], Sequence[Slab]]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._free: dict[int, deque[Slab]] = {}  # by size, smallest first; each deque oldest first

    def take(self, size: int) -> Slab | None:
        """The smallest free slab of at least `size` bytes; None if there is none."""
        with self._lock:
            if not self._free:
                for made in sorted(self._make(), key=_size):
                    self._free.setdefault(_size(made), deque()).append(made)
            fitting = (slabs for held, slabs in self._free.items() if held >= size)
            return next((slab for slabs in fitting if (slab := _arrived(slabs)) is not None), None)

    def put_back(self, slab: Slab) -> None:
        with self._lock:
            self._free[_size(slab)].append(slab)


def _size(slab: Slab) -> int:
    return slab.memory.nbytes


def _arrived(slabs: deque[Slab]) -> Slab | None:
    """Remove and return the first slab that no device is writing to."""
    for _ in range(len(slabs)):
        if slabs[0].arrived:
            return slabs.popleft()
        slabs.rotate(-1)
    return None


def capture_tensor(tensor: Any) -> Capture:
    """Start a copy; only count the rows if the device is unknown or cannot copy now."""
    ring = _RINGS.get(tensor.device.type)
    if ring is None or not tensor.shape or _is_capturing():
        return Capture("opaque", None, row_count(tensor), None, None, 0)
    return capture_into(ring, tensor)


def capture_into(ring: SlabRing, tensor: Any) -> Capture:
    """As `capture_tensor`, into slabs of this ring. LOST where none is free."""
    dtype, rows = _DTYPES.get(str(tensor.dtype)), row_count(tensor)
    if dtype is None:
        return Capture("opaque", None, rows, None, None, 0)
    values, grid = _reduced(tensor.detach())
    values = values.contiguous()
    size = values.numel() * dtype.itemsize
    slab = ring.take(size)
    if slab is None:
        return Capture(LOST, None, rows, None, None, 0)
    try:
        slab.receive(values)
    except BaseException:
        ring.put_back(slab)
        raise
    shape = tuple(values.shape)
    buffer = Capture("pooled", DeviceBufferHandle(ring, slab, dtype, shape), rows, (dtype, shape[1:]), None, size)
    return buffer if grid is None else Capture("grid", (grid, buffer), rows, (dtype, grid.shape), None, size)


def _reduced(tensor: Any) -> tuple[Any, Grid | None]:
    """What to copy of a tensor: of large rows a strided grid, gathered on the device."""
    shape = tuple(tensor.shape)
    most = MOST_VALUES if len(shape) > 2 else WIDEST
    if len(shape) < 2 or math.prod(shape[1:]) <= most:
        return tensor, None
    if len(shape) == 4 and not tensor.is_contiguous():
        turned = tensor.permute(0, 2, 3, 1)  # channels innermost: a view instead of a copy
        tensor = turned if turned.is_contiguous() else tensor
    grid = next_grid(tuple(tensor.shape[1:]))
    return tensor.reshape(shape[0], -1)[:, grid.positions], grid


class _CudaSlab:
    """Pinned memory and a flag, into which the device copies a one after the data.

    A polled flag instead of an event: querying an event breaks CUDA graph capture in other threads (PyTorch issues
    104487 and 148594).
    """

    def __init__(self, data: Any, flag: Any) -> None:
        self._data = data
        self._flag = flag
        self._seen = flag.numpy()
        self.memory: NDArray[np.uint8] = data.numpy()

    def receive(self, tensor: Any) -> None:
        self._seen[0] = 0
        size = tensor.numel() * tensor.element_size()
        self._data[:size].view(tensor.dtype).view(tensor.shape).copy_(tensor, non_blocking=True)
        self._flag.copy_(_one(tensor.device), non_blocking=True)

    @property
    def arrived(self) -> bool:
        return bool(self._seen[0])


_ones: Final[dict[Any, Any]] = {}


def _one(device: Any) -> Any:
    """A one on the device, created on the stream that copies it, so that it exists before the copy."""
    torch = sys.modules["torch"]
    key = device, torch.cuda.current_stream(device).cuda_stream
    one = _ones.get(key)
    if one is None:
        if len(_ones) >= _MOST_STREAMS:
            _ones.clear()
        with torch.inference_mode(mode=False):
            one = _ones[key] = torch.ones(1, dtype=torch.int32, device=device)
    return one


def _cuda_slabs() -> list[Slab]:
    """All slabs, in one allocation, outside inference mode: its tensors could not be written to elsewhere."""
    torch = sys.modules["torch"]
    with torch.inference_mode(mode=False):
        data = torch.empty(sum(SLABS), dtype=torch.uint8, pin_memory=True)
        flags = torch.ones(len(SLABS), dtype=torch.int32).pin_memory()
        starts = np.cumsum((0, *SLABS)).tolist()
        return [
            _CudaSlab(data[start : start + size], flags[number : number + 1])
            for number, (start, size) in enumerate(zip(starts, SLABS, strict=False))
        ]


def _is_capturing() -> bool:
    """Whether this thread is capturing a CUDA graph, of which copies would become a part."""
    return bool(sys.modules["torch"].cuda.is_current_stream_capturing())


_RINGS: Final = {"cuda": SlabRing(_cuda_slabs)}
