"""Counts of outcomes as an attribute of a reference, JSON, and back."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from driftline import semconv
from driftline.reference.attributes import CheckedAttributes
from driftline.reference.errors import InvalidReference
from driftline.reference.outcome_profile import (
    BLOCK_SUMS,
    CHUNK_SUMS,
    ERROR_SUMS,
    VALUE_SUMS,
    ClassOutcomes,
    InputLosses,
    NumberOutcomes,
    OutcomeProfile,
)
from driftline.sketch.arrays import FloatArray
from driftline.sketch.spellings import outcome_name


def outcome_attributes(outcomes: OutcomeProfile | None) -> dict[str, Any]:
    """An attribute of the point of REFERENCE_CHUNKS, as JSON; none without outcomes."""
    if outcomes is None:
        return {}
    fields = _class_fields(outcomes) if isinstance(outcomes, ClassOutcomes) else _number_fields(outcomes)
    return {semconv.REFERENCE_OUTCOMES: json.dumps(fields, ensure_ascii=False, separators=(",", ":"))}


def _class_fields(outcomes: ClassOutcomes) -> dict[str, Any]:
    return {
        "classes": list(outcomes.classes),
        "positive": outcomes.positive,
        "scored": outcomes.scored,
        "edges": outcomes.edges.tolist(),
        "joint": _short(outcomes.joint),
        "scores": _short(outcomes.scores),
        "areas": _short(outcomes.areas),
        "chunks": _short(outcomes.chunks),
    }


def _number_fields(outcomes: NumberOutcomes) -> dict[str, Any]:
    return {
        "edges": outcomes.edges.tolist(),
        "sums": _short(outcomes.sums),
        "chunks": _short(outcomes.chunks),
        "inputs": [
            {
                "name": each.name,
                "edges": each.edges.tolist(),
                "categories": list(each.categories),
                "sums": _short(each.sums),
            }
            for each in outcomes.inputs
        ],
    }


def _short(array: FloatArray) -> Any:
    """Nested lists of numbers with ten digits, whole numbers as such."""
    if array.ndim > 1:
        return [_short(each) for each in array]
    return [int(x) if float(x).is_integer() and abs(x) < 2.0**53 else float(f"{x:.10g}") for x in array.tolist()]


def read_outcomes(attributes: CheckedAttributes) -> OutcomeProfile | None:
    """The inverse of `outcome_attributes`. Raises InvalidReference."""
    if semconv.REFERENCE_OUTCOMES not in attributes:
        return None
    text = attributes.text(semconv.REFERENCE_OUTCOMES)
    try:
        fields = json.loads(text)
        return _classes(fields) if "classes" in fields else _numbers(fields)
    except (KeyError, TypeError, ValueError, OverflowError, RecursionError):
        raise _wrong(attributes, text) from None


def _wrong(attributes: CheckedAttributes, text: str) -> InvalidReference:
    rule = "must be a JSON object with counts of outcomes by cell"
    return attributes.wrong(semconv.REFERENCE_OUTCOMES, rule, text[:200])


def _classes(fields: Mapping[str, Any]) -> ClassOutcomes:
    classes = tuple(outcome_name(str(name)) for name in fields["classes"])
    edges = _ascending(fields["edges"])
    cells = len(edges) + 1
    joint = _array(fields["joint"], (cells, None, len(classes)))
    if joint.shape[1] not in (1, len(classes)) or len(set(classes)) < len(classes) or not classes:
        raise ValueError(joint.shape)
    return ClassOutcomes(
        classes,
        outcome_name(str(fields["positive"])),
        edges,
        joint,
        _array(fields["scores"], (cells,), signed=True),
        _array(fields["areas"], (cells,)),
        _array(fields["chunks"], (None, CHUNK_SUMS, cells)),
        bool(fields["scored"]),
    )


def _numbers(fields: Mapping[str, Any]) -> NumberOutcomes:
    edges = _ascending(fields["edges"])
    sums = _array(fields["sums"], (len(edges) + 1, ERROR_SUMS), signed=True)
    chunks = _array(fields["chunks"], (None, BLOCK_SUMS), signed=True)
    return NumberOutcomes(edges, sums, chunks, tuple(map(_input_losses, fields["inputs"])))


def _input_losses(fields: Mapping[str, Any]) -> InputLosses:
    edges, categories = _ascending(fields["edges"]), tuple(str(name) for name in fields["categories"])
    cells = len(categories) + 1 if categories else len(edges) + 1
    return InputLosses(str(fields["name"]), edges, categories, _array(fields["sums"], (cells, VALUE_SUMS)))


def _ascending(values: Sequence[Any]) -> FloatArray:
    array = np.array(values, np.float64).reshape(-1)
    if not np.isfinite(array).all() or (np.diff(array) <= 0.0).any():
        raise ValueError(values)
    return array


def _array(values: Any, shape: tuple[int | None, ...], *, signed: bool = False) -> FloatArray:
    """Finite numbers of that shape, in which None is any number of them."""
    array = np.array(values, np.float64)
    if array.size == 0 and shape[0] is None:
        array = array.reshape([0, *(each or 0 for each in shape[1:])])
    fits = array.ndim == len(shape) and all(b in (None, a) for a, b in zip(array.shape, shape, strict=True))
    if not fits or not np.isfinite(array).all() or (not signed and (array < 0.0).any()):
        raise ValueError(array.shape)
    return array
