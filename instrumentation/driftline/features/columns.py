"""The inputs and outputs of a model as named columns, however many parts or heads it has."""

import math
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from driftline.capture.strided_sample import Grid, next_grid, sample
from driftline.features import blocks
from driftline.features.blocks import ColumnBlock
from driftline.features.input_kinds import EMBEDDING, TABULAR, TENSOR, TOKENS, input_kind, is_auxiliary
from driftline.features.tensors.tensor_summaries import summarize, tokens
from driftline.records import TABLE, Capture, ModelFacts, NamedColumn

_MOST_FLAT: Final = 16
"""Maximum numbers per row of more than two dimensions that get a column each."""

_BLOCK_VALUES: Final = 2**20
"""Maximum number of values summarized at a time."""

_ARRAYS: Final = ("bytes", "pooled", "grid")


def inputs(model: ModelFacts, captures: Sequence[Capture]) -> Iterator[ColumnBlock]:
    """Named columns of inputs of one kind and layout; none for inputs that do not fit the model."""
    if captures[0].kind == "record":
        yield from _record(model, captures)
    else:
        yield from _input(model, model.inputs.name, "", captures)


def whole_rows(model: ModelFacts, captures: Sequence[Capture]) -> Iterator[list[ColumnBlock]]:
    """The blocks of `inputs`, those together that hold all columns of the same rows."""
    found = inputs(model, captures)
    if captures[0].kind == "record":
        yield list(found)
    else:
        yield from ([block] for block in found)


def is_table(model: ModelFacts, capture: Capture) -> bool:
    """Whether an array is a table, with columns along its second dimension."""
    shape = capture.layout[1]
    return (model.inputs is TABLE and len(shape) < 2) or _kind(model, model.inputs.name, capture) == TABULAR


def _record(model: ModelFacts, captures: Sequence[Capture]) -> Iterator[ColumnBlock]:
    """The parts of a record, prefixed with their names if there are several."""
    whole = captures[0].payload
    names = [name for name in whole if not is_auxiliary(name)] or list(whole)
    for name in names:
        parts = [each.payload[name] for each in captures]
        mask = f"{name.removesuffix('input_ids')}attention_mask"
        if mask in whole and _kind(model, name, parts[0]) == TOKENS:
            found = _tokens(model, parts, [each.payload[mask] for each in captures])
            yield from _named(found, name if len(names) > 1 else TOKENS)
        else:
            yield from _input(model, name, name if len(names) > 1 else "", parts)


def _input(model: ModelFacts, name: str | None, prefix: str, captures: Sequence[Capture]) -> Iterator[ColumnBlock]:
    kind = _kind(model, name, captures[0])
    if kind != TABULAR:
        yield from _named(_summaries(model, kind, captures), prefix or kind)
        return
    for block in blocks.join(captures):
        width = len(block.columns)
        known = _prefixed(prefix, block.names, width) if prefix else input_names(model, block.names, width)
        if known is not None:
            yield block._replace(names=known)


def _kind(model: ModelFacts, name: str | None, capture: Capture) -> str:
    if capture.kind not in _ARRAYS:
        return TABULAR
    dtype, shape = capture.layout
    kind = input_kind(name, shape, dtype, model.inputs)
    return TENSOR if kind == TABULAR and capture.kind == "grid" else kind


def _summaries(model: ModelFacts, kind: str, captures: Sequence[Capture]) -> Iterator[dict[str, NDArray[Any]]]:
    for table, grid in _tables(kind, captures):
        if table.shape[1] or kind == TOKENS:  # a text without tokens has a length, but no values have no summary
            yield summarize(kind, table, grid, model.inputs)


def _tables(kind: str, captures: Sequence[Capture]) -> Iterator[tuple[NDArray[Any], Grid]]:
    """Tables [rows, values] of at most _BLOCK_VALUES values, each with the grid they were sampled on."""
    if captures[0].kind == "grid":
        for capture in captures:
            grid, inner = capture.payload
            for array in blocks.arrays([inner]):
                for part in _sliced(array):
                    yield part, grid
        return
    for array in blocks.arrays(captures):
        shape = array.shape[1:]
        grid = Grid(shape, 1, 0) if kind in (EMBEDDING, TOKENS) else next_grid(shape)
        for part in _sliced(array):
            yield sample(part, grid), grid


def _sliced(array: NDArray[Any]) -> Iterator[NDArray[Any]]:
    rows = max(1, _BLOCK_VALUES // max(1, math.prod(array.shape[1:])))
    for start in range(0, len(array), rows):
        yield array[start : start + rows]


def _tokens(model: ModelFacts, ids: Sequence[Capture], masks: Sequence[Capture]) -> Iterator[dict[str, NDArray[Any]]]:
    for capture, mask in zip(ids, masks, strict=True):
        for table, held in zip(blocks.arrays([capture]), blocks.arrays([mask]), strict=True):
            yield tokens(table, held, model.inputs)


def _named(summaries: Iterator[dict[str, NDArray[Any]]], prefix: str) -> Iterator[ColumnBlock]:
    for found in summaries:
        rows = len(next(iter(found.values())))
        yield ColumnBlock(list(found.values()), rows, tuple(f"{prefix}.{name}" for name in found))


def _prefixed(prefix: str, own: tuple[str, ...] | None, width: int) -> tuple[str, ...]:
    if width == 1:
        return (prefix,)
    return tuple(f"{prefix}.{name}" for name in own or _numbered_names(width))


def input_names(model: ModelFacts, own: Any, width: int) -> tuple[str, ...] | None:
    """Names of `width` columns: their own, else the model's, else x0, x1, …; None if the width does not fit the model.

    A model rejects an input of another width, so its columns belong to no feature.
    """
    names = blocks.column_names(own)
    if names is not None:
        return names
    if model.features is not None and len(model.features) == width and not blocks.are_positions(model.features):
        return model.features
    if model.width is not None and model.width != width:
        return None
    return _numbered_names(width)


@lru_cache(maxsize=64)
def _numbered_names(width: int) -> tuple[str, ...]:
    return tuple(f"x{position}" for position in range(width))


def are_numbered(names: Sequence[str]) -> bool:
    """Whether names are x0, x1, …: what columns without names are called."""
    return all(name == f"x{position}" for position, name in enumerate(names))


def named_as(known: tuple[str, ...], names: tuple[str, ...]) -> tuple[str, ...]:
    """Inputs by the names `known` of training, where it has as many and either side has none but numbers."""
    return known if len(known) == len(names) and are_numbered(known) != are_numbered(names) else names


def outputs(model: ModelFacts, operation: str, captures: Sequence[Capture]) -> Iterator[NamedColumn]:
    """Named columns of outputs of one kind and layout; several outputs are named by key or position."""
    for same in zip(*(_heads(model, each) for each in captures), strict=True):
        head, suffix, _ = same[0]
        for column in _output(model, operation, head, [part for _, _, part in same]):
            yield column._replace(name=column.name + suffix)


def _heads(model: ModelFacts, capture: Capture) -> list[tuple[int | str, str, Capture]]:
    """The outputs in a capture: the key, column name suffix and capture of each."""
    if capture.kind != "heads":
        return [(0, "", capture)]
    several = len(capture.payload) > 1 and not model.joined
    return [(head, f".{head}" if several else "", part) for head, part in capture.payload.items()]


def _output(model: ModelFacts, operation: str, head: int | str, captures: Sequence[Capture]) -> Iterator[NamedColumn]:
    if _is_large(captures[0]):
        for found in _summaries(model, TENSOR, captures):
            yield from (NamedColumn(name, values) for name, values in found.items())
    else:
        for block in blocks.join(captures):
            if len(block.columns):
                yield from model.outputs(operation, block.columns, head)


def _is_large(capture: Capture) -> bool:
    if capture.kind not in _ARRAYS:
        return False
    _, shape = capture.layout
    return capture.kind == "grid" or (len(shape) > 1 and math.prod(shape) > _MOST_FLAT)


def joined(blocks: Sequence[ColumnBlock]) -> ColumnBlock | None:
    """Blocks of the same rows, side by side; None without any."""
    if len(blocks) < 2:
        return blocks[0] if blocks else None
    names = [name for block in blocks for name in block.names or ()]
    return ColumnBlock([np.asarray(each) for block in blocks for each in block.columns], blocks[0].rows, tuple(names))
