"""Training data that is no table as the columns that its rows have in serving: images, sound, embeddings, tokens."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from driftline.capture.buffer_pool import BufferPool
from driftline.capture.copies import capture, release
from driftline.capture.torch_arrays import as_array, widened
from driftline.features import columns
from driftline.features.input_kinds import EMBEDDING, KINDS
from driftline.records import InputFacts, ModelFacts
from driftline.reference.errors import ProfileError

_ROWS: Final = 256
"""Rows that are summarized at once."""

_POOL_BYTES: Final = 2**30
_ANY_WORDS: Final = 2**31


def summarized(data: Any, kind: str | None, unknown_token: int | None) -> Mapping[str, NDArray[Any]] | None:
    """Columns by name, [rows] each; None where the data is a table already.

    Raises:
        ProfileError: there is no such kind; a tensor holds no numbers; parts differ in rows.

    """
    if kind is not None and kind not in KINDS:
        raise ProfileError(f"kind: must be one of {', '.join(KINDS)} (got {kind!r})")
    given = data if isinstance(data, Mapping) else {"": data}
    arrays = {name: _array(name, each) for name, each in given.items()}
    if kind is None and not any(_is_tensor(each) or _is_wide(arrays[name], data) for name, each in given.items()):
        return None
    whole: Any = arrays if isinstance(data, Mapping) else arrays[""]
    rows = {len(each) for each in arrays.values()}
    if len(rows) > 1:
        raise ProfileError(f"X: all parts must have as many rows (got {sorted(rows)})")
    model = _model(InputFacts(kind, None, _ANY_WORDS, None, unknown_token, _centroid(whole, kind)))
    return _columns(model, whole, rows.pop())


def _columns(model: ModelFacts, whole: Any, rows: int) -> Mapping[str, NDArray[Any]]:
    found: defaultdict[str, list[NDArray[Any]]] = defaultdict(list)
    pool = BufferPool(_POOL_BYTES)
    for part in _chunks(whole, rows):
        taken = capture(part, pool)
        for block in columns.inputs(model, [taken]):
            for name, values in zip(block.names or (), block.columns, strict=True):
                found[name].append(np.array(values))
        release(taken)
    return {name: np.concatenate(values) for name, values in found.items()}


def _chunks(whole: Any, rows: int) -> Iterator[Any]:
    for start in range(0, rows, _ROWS):
        stretch = slice(start, start + _ROWS)
        yield {name: each[stretch] for name, each in whole.items()} if isinstance(whole, dict) else whole[stretch]


def _array(name: str, values: Any) -> Any:
    if not _is_tensor(values):
        return values if hasattr(values, "ndim") else np.asarray(values)
    array = as_array(values)
    if array is None:
        raise ProfileError(f"{name or 'X'}: must be a dense tensor of numbers on the CPU (got {values.dtype})")
    return widened(array)


def _is_tensor(values: Any) -> bool:
    return type(values).__module__ == "torch"


def _is_wide(array: Any, data: Any) -> bool:
    """Whether it has more dimensions than the columns of a table."""
    most = 1 if isinstance(data, Mapping) else 2
    return len(array.shape) > most and not (most == 1 and array.shape[1:] == (1,))


def _centroid(whole: Any, kind: str | None) -> NDArray[Any] | None:
    if kind != EMBEDDING or isinstance(whole, dict):
        return None
    return np.asarray(whole.mean(axis=0, dtype=np.float64))


def _model(facts: InputFacts) -> ModelFacts:
    return ModelFacts("", None, "", "", None, None, None, lambda *_: [], facts)
