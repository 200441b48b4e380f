"""Copies a model's input before the call and its output after it, on the caller's thread.

A single row costs under a microsecond: its bytes. A batch is copied to a pooled buffer in the array's memory order.
Values are interpreted later, in the background, by `features`.
"""

import math
import sys
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, Final

import numpy as np

from driftline.capture import device
from driftline.capture.buffer_pool import BufferPool
from driftline.capture.strided_sample import MOST_VALUES, WIDEST, in_memory_order, next_grid, sample
from driftline.capture.torch_arrays import BFLOAT16, as_array, row_count, stacked
from driftline.records import LOST, Capture, SmallArray, as_capture
from driftline.runtime.self_faults import FAULTS

SMALL: Final = 16 * 1024
"""Bytes up to which `tobytes` is faster than a pooled buffer."""

_PLAIN: Final = "fiubcmMUS"
"""dtype kinds whose bytes are the values."""

_ARRAY: Final = np.ndarray
_NUMBERS: Final = frozenset(map(np.dtype, "?bBhHiIlLqQefd"))
"""The dtypes of nearly all rows."""

_OBJECT_SIZE: Final = 56  # a Python number and its pointer; strings are longer, so the bound is approximate


class Captures:
    """Copies the inputs and outputs of models, as far as `pool` has room."""

    def __init__(self, pool: BufferPool) -> None:
        self._pool = pool

    def of(self, value: Any, returned: bool = False) -> Capture | SmallArray | None:
        """A copy; None if there is nothing, or nothing that can be copied. returned: may be several outputs."""
        try:
            cls = type(value)
            if cls is _ARRAY and (dtype := value.dtype) in _NUMBERS and (size := value.nbytes) <= SMALL:
                return value.tobytes(), dtype, value.shape, size  # `_copy_array` inlined, at two thirds of its cost
            if value is None:
                return None
            return (OUTPUT_COPIERS if returned else COPIERS)[cls](value, self._pool)
        except Exception as error:  # noqa: BLE001  # values may be anything; record the call without them
            FAULTS.note("capture", error)
            return None


Copier = Callable[[Any, BufferPool], Capture | SmallArray]


def capture(value: Any, pool: BufferPool) -> Capture:
    """Copy an input or output. Of an unknown type, only the number of rows is kept."""
    return as_capture(COPIERS[type(value)](value, pool))


def _copy_heads(value: Any, pool: BufferPool) -> Capture:
    heads = _heads(value)
    return _together("heads", heads, pool) if heads else capture(value, pool)


def _heads(value: Any) -> dict[str | int, Any]:
    """The outputs of a model that returned several, by key or position; empty for a single one."""
    if isinstance(value, Mapping):  # first, because Hugging Face's ModelOutput is a dataclass too
        as_capture: Any = value.items()
    elif isinstance(value, (list, tuple)):
        if not any(map(_has_rows, value[:_FIRST])):
            return {}
        names = getattr(value, "_fields", None)
        as_capture = enumerate(value) if names is None else zip(names, value, strict=True)
    elif is_dataclass(value):
        as_capture = ((field.name, getattr(value, field.name, None)) for field in fields(value))
    else:
        return {}
    return {name: each for name, each in as_capture if name not in _INTERNALS and _has_rows(each)}


def _has_rows(value: Any) -> bool:
    dimensions: int = getattr(value, "ndim", 0)
    return dimensions > 0


def _copy_record(value: Any, pool: BufferPool) -> Capture:
    parts = {name: each for name, each in value.items() if _has_rows(each) or _is_column(each)}
    return _together("record", parts, pool) if parts else Capture("opaque", None, 0, None, None, 0)


def _is_column(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and bool(value) and isinstance(value[0], (str, int, float, list, tuple))


def _together(kind: str, values: dict[Any, Any], pool: BufferPool) -> Capture:
    """Captures by name, combined; LOST as a whole if any part is."""
    parts = {name: capture(each, pool) for name, each in values.items()}
    rows = next(iter(parts.values())).rows
    whole = Capture(kind, parts, rows, _layout(parts), None, sum(part.size for part in parts.values()))
    return without_rows(whole) if any(part.kind == LOST for part in parts.values()) else whole


def _layout(parts: dict[Any, Capture]) -> Any:
    return tuple(
        (name, part.kind, part.layout, None if part.names is None else tuple(part.names))
        for name, part in parts.items()
    )


def without_rows(captured: Capture) -> Capture:
    """Release a capture and keep only its number of rows."""
    release(captured)
    return _lost(captured.rows)


def _lost(rows: int) -> Capture:
    return Capture(LOST, None, rows, None, None, 0)


def _copy_array(value: Any, pool: BufferPool) -> Capture | SmallArray:
    dtype, shape, size = value.dtype, value.shape, value.nbytes
    if size <= SMALL and (dtype.kind in _PLAIN or dtype == BFLOAT16):
        return value.tobytes(), dtype, shape, size
    if dtype.kind in "OV" and dtype != BFLOAT16:
        return _copy_objects(value)
    if len(shape) > 2 and math.prod(shape[1:]) > MOST_VALUES:
        return _copy_grid(value, pool)
    order = "F" if value.flags.fnc else "C"
    buffer = pool.acquire(shape, dtype, order)
    rows = shape[0] if shape else 1
    if buffer is None:
        return _lost(rows)
    np.copyto(buffer.array, value)
    return Capture("pooled", buffer, rows, (dtype, shape[1:]), None, size)


def _copy_grid(value: Any, pool: BufferPool) -> Capture:
    value = in_memory_order(value)
    grid = next_grid(value.shape[1:])
    captured = as_capture(_copy_array(sample(value, grid), pool))
    if captured.kind == LOST:
        return captured
    return Capture("grid", (grid, captured), captured.rows, (value.dtype, grid.shape), None, captured.size)


def _copy_objects(value: Any) -> Capture:
    copy = value.copy()  # not tobytes: that would copy pointers
    rows = copy.shape[0] if copy.ndim else 1
    return Capture("objects", copy, rows, copy.shape[1:], None, copy.size * _OBJECT_SIZE)


def _copy_tensor(value: Any, pool: BufferPool) -> Capture | SmallArray:
    if not value.is_cpu:
        return device.capture_tensor(value)
    array = as_array(value)
    if array is None:
        return Capture("opaque", None, row_count(value), None, None, 0)
    if array.ndim == 2 and array.shape[1] > WIDEST:
        return _copy_grid(array, pool)
    return _copy_array(array, pool)


def _copy_list(value: Any, pool: BufferPool) -> Capture | SmallArray:
    if value and type(value[0]).__module__ == "torch":
        tensors = stacked(value)
        return Capture("opaque", None, len(value), None, None, 0) if tensors is None else _copy_tensor(tensors, pool)
    if value and isinstance(value[0], Mapping):
        return _copy_records(value)
    if not value or isinstance(value[0], str) or not hasattr(value[0], "__len__"):
        return Capture("values", tuple(value), len(value), None, None, len(value) * _OBJECT_SIZE)
    if hasattr(value[0], "dtype"):  # rows that are arrays
        return _copy_array(np.array(value), pool)
    rows = [tuple(row) for row in value]
    return Capture("rows", rows, len(rows), len(rows[0]), None, len(rows) * len(rows[0]) * _OBJECT_SIZE)


def _copy_records(value: Any) -> Capture:
    """Rows that are dictionaries; those of results with several parts each (detections) have no columns."""
    records = [dict(row) for row in value]
    if any(_has_rows(each) for each in records[0].values()):
        return Capture("opaque", None, len(value), None, None, 0)
    return Capture("records", records, len(value), None, None, sum(map(len, records)) * 2 * _OBJECT_SIZE)


def _copy_pandas_frame(value: Any, pool: BufferPool) -> Capture:
    names = value.columns  # an Index is immutable
    # A frame with a single numeric block is an array with names. There is no public check cheaper than the copy itself;
    # should the private one disappear, the deep copy is correct too.
    if getattr(getattr(value, "_mgr", None), "is_single_block", False):
        values = value.to_numpy()
        if values.dtype.kind in "fiub":
            return as_capture(_copy_array(values, pool))._replace(names=names)
    # A shallow copy would do with pandas 3, but for frames built with copy=False, which still share memory.
    copy = value.copy(deep=True)
    return Capture("pandas", copy, len(copy), len(names), names, copy.size * _OBJECT_SIZE)


def _copy_pandas_series(value: Any, pool: BufferPool) -> Capture:
    frame = value.to_frame(name="x0" if value.name is None else value.name)
    return _copy_pandas_frame(frame, pool)


def _copy_polars_frame(value: Any, pool: BufferPool) -> Capture:  # noqa: ARG001  # every copier takes both
    # `clone` would share memory with a numpy array that the frame was built from.
    columns = [each.to_numpy(writable=True) if each.dtype.is_numeric() else each.to_list() for each in value]
    return Capture("columns", columns, value.height, value.width, tuple(value.columns), int(value.estimated_size()))


def _copy_polars_series(value: Any, pool: BufferPool) -> Capture:
    return _copy_polars_frame(value.to_frame(), pool)


def _copy_sparse(value: Any, pool: BufferPool) -> Capture:  # noqa: ARG001  # every copier takes both
    if value.format == "csr":
        parts = value.data.copy(), value.indices.copy(), value.indptr.copy()
    else:
        rows = value.tocsr()
        parts = rows.data, rows.indices, rows.indptr
    size = sum(part.nbytes for part in parts)
    return Capture("sparse", parts, value.shape[0], value.shape[1], None, size)


def _copy_other(value: Any, pool: BufferPool) -> Capture | SmallArray:
    if hasattr(value, "__array__"):
        return _copy_array(np.asarray(value), pool)
    rows = len(value) if hasattr(value, "__len__") else 0
    return Capture("opaque", None, rows, None, None, 0)


# By package and class name, of the class or a base, so that nothing is imported to identify a value.
_BY_NAME: Final[dict[str, Copier]] = {
    "numpy.ndarray": _copy_array,
    "pandas.DataFrame": _copy_pandas_frame,
    "pandas.Series": _copy_pandas_series,
    "polars.DataFrame": _copy_polars_frame,
    "polars.Series": _copy_polars_series,
    "scipy.spmatrix": _copy_sparse,
    "scipy._spbase": _copy_sparse,
    "builtins.list": _copy_list,
    "builtins.tuple": _copy_list,
    "builtins.dict": _copy_record,
    "torch.Tensor": _copy_tensor,
}

_FIRST: Final = 8  # elements of a list that are checked: a long list is not a list of outputs

_INTERNALS: Final = frozenset({"loss", "past_key_values", "hidden_states", "attentions"})
"""What Hugging Face models return besides their outputs."""


def _copier(cls: type) -> Copier:
    names = (f"{base.__module__.partition('.')[0]}.{base.__name__}" for base in cls.__mro__)
    return next((_BY_NAME[name] for name in names if name in _BY_NAME), _copy_other)


def _output_copier(cls: type) -> Copier:
    return _copier(cls) if hasattr(cls, "ndim") else _copy_heads


class _CopierTable(dict[type, Copier]):
    """Caches the copier of each class, as found by `find`."""

    def __init__(self, find: Callable[[type], Copier]) -> None:
        super().__init__()
        self._find = find

    def __missing__(self, cls: type) -> Copier:
        copier = self._find(cls)
        if sys.modules.get(cls.__module__) is not None and "<locals>" not in cls.__qualname__:
            self[cls] = copier  # do not keep classes created at run time alive
        return copier


COPIERS: Final = _CopierTable(_copier)
OUTPUT_COPIERS: Final = _CopierTable(_output_copier)


def release(captured: Capture) -> None:
    """Return the pooled buffers of a capture that is no longer read."""
    if captured.kind == "pooled":
        captured.payload.release()
    elif captured.kind == "grid":
        release(captured.payload[1])
    elif captured.kind in ("heads", "record"):
        for part in captured.payload.values():
            release(part)
