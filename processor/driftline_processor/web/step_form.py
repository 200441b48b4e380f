"""A step of a history as bytes, for the store."""

import zlib
from typing import Any, Final

import msgpack
import numpy as np

from driftline_processor.records import ColumnKey, ModelKey
from driftline_processor.web.history import Step

FORM: Final = 1

_LEVEL: Final = 1


class UnknownStepError(ValueError):
    """The bytes are no step that this version knows."""


def pack_step(model: ModelKey, step: Step) -> bytes:
    """The bytes of a step of a model."""
    fields = {
        "form": FORM,
        "model": [model.name, model.version, [list(pair) for pair in model.resource]],
        "end": step.end,
        "span": step.span,
        "rows": step.rows,
        "columns": [list(column) for column in step.columns],
        "states": step.states.tobytes(),
        "alarms": step.alarms.tobytes(),
        "figures": step.figures.astype("<f4").tobytes(),
    }
    return zlib.compress(msgpack.packb(fields), _LEVEL)


def unpack_step(body: bytes) -> tuple[ModelKey, Step]:
    """The model and the step. Raises UnknownStepError."""
    try:
        return _unpacked(msgpack.unpackb(zlib.decompress(body)))
    except Exception as error:  # whatever broken bytes raise
        raise UnknownStepError(f"not a step of a history: {error!r}") from error


def _unpacked(fields: dict[str, Any]) -> tuple[ModelKey, Step]:
    if fields["form"] != FORM:
        raise UnknownStepError(f"form {fields['form']}, supported: {FORM}")
    name, version, resource = fields["model"]
    columns = tuple(ColumnKey(*column) for column in fields["columns"])
    step = Step(
        end=int(fields["end"]),
        span=int(fields["span"]),
        rows=float(fields["rows"]),
        columns=columns,
        states=np.frombuffer(fields["states"], np.uint8),
        alarms=np.frombuffer(fields["alarms"], bool),
        figures=np.frombuffer(fields["figures"], "<f4").reshape(len(columns), -1).astype(np.float32),
    )
    if not len(step.states) == len(step.alarms) == len(columns):
        raise UnknownStepError("columns and states differ in number")
    return ModelKey(name, version, tuple((key, value) for key, value in resource)), step
