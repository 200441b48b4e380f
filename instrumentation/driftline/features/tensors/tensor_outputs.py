"""A module's output as named columns: the raw values, and their interpretation as far as it is known."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from driftline.capture.strided_sample import Grid
from driftline.features import outputs
from driftline.features.input_kinds import EMBEDDING
from driftline.features.tensors import output_forms
from driftline.features.tensors.output_reading import OutputReading
from driftline.features.tensors.tensor_summaries import summarize, tokens
from driftline.records import CLASSIFICATION, InputFacts, NamedColumn
from driftline.semconv import PREDICTION, RAW, SCORE

GENERATE: Final = "generate"
"""The operation that returns generated texts, as token ids."""

MOST_RAW: Final = 16
"""Maximum number of outputs that get a column each."""


def read_outputs(
    reading: OutputReading, operation: str, columns: Sequence[NDArray[Any]], head: int | str
) -> list[NamedColumn]:
    """Named columns of one output, [rows] each: the `outputs` function of a module's facts."""
    if not len(columns):
        return []
    table = np.stack(columns)
    if table.dtype.kind != "f":
        return _named(reading, operation, columns, table)
    form = reading.form(head, table)
    if form == output_forms.VECTOR:
        return _vector(table)
    if form == output_forms.NUMBERS and reading.is_known:
        return outputs.numbered(PREDICTION, list(table))
    return _raw(table) + _meaning(form, table, reading.classes)


def _named(
    reading: OutputReading, operation: str, columns: Sequence[NDArray[Any]], table: NDArray[Any]
) -> list[NamedColumn]:
    """Classes, by number or name; for generated texts, their length."""
    if operation == GENERATE:
        written = tokens(table.T, None, InputFacts(padding=reading.padding))
        return [NamedColumn(name, values) for name, values in written.items()]
    if table.dtype.kind in "iub" and len(columns) > 1:
        return _raw(table)
    return outputs.results(columns, CLASSIFICATION)


def _raw(table: NDArray[Any]) -> list[NamedColumn]:
    return outputs.numbered(RAW, list(table)) if len(table) <= MOST_RAW else []


def _vector(table: NDArray[Any]) -> list[NamedColumn]:
    width = len(table)
    found = summarize(EMBEDDING, np.ascontiguousarray(table.T), Grid((width,), 1, 0), InputFacts())
    return [NamedColumn(name, values) for name, values in found.items()]


def _meaning(form: str | None, table: NDArray[Any], classes: Sequence[str]) -> list[NamedColumn]:
    if form is None:
        return []
    if form == output_forms.NUMBERS:
        return outputs.numbered(PREDICTION, list(table))
    with np.errstate(all="ignore"):
        shares = _SHARES[form](table.astype(np.float32) if table.itemsize < 4 else table)
    if form in (output_forms.SHARES, output_forms.SHARE_LOGITS):
        if len(table) > 1:
            return outputs.numbered(SCORE, list(shares))
        shares = np.concatenate([1 - shares, shares])
    finite = np.isfinite(shares).all(axis=0)
    return outputs.probabilities(list(shares[:, finite]), classes)


def _softmax(table: NDArray[Any]) -> NDArray[Any]:
    return _normalised(np.exp(table - table.max(axis=0)))


def _normalised(table: NDArray[Any]) -> NDArray[Any]:
    """Rescale to a sum of 1, which half precision misses."""
    return np.asarray(table / table.sum(axis=0))


def _sigmoid(table: NDArray[Any]) -> NDArray[Any]:
    return np.asarray(1 / (1 + np.exp(-table)))


_SHARES: Final = {
    output_forms.LOGITS: _softmax,
    output_forms.PROBABILITIES: _normalised,
    output_forms.LOG_PROBABILITIES: lambda table: _normalised(np.exp(table)),
    output_forms.SHARES: lambda table: table,
    output_forms.SHARE_LOGITS: _sigmoid,
}
"""Converts each form to probabilities."""
