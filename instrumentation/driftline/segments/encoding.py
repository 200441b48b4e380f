"""Training's counts of the lattice as text, and back: one attribute of a reference.

A header of JSON, then arrays of numbers, each as one plane of bytes after the other, deflated together. What is an
estimate anyway is kept to a few percent: a correction and a variation as a byte on a logarithmic scale.
"""

import base64
import json
import zlib
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from driftline.segments.columns import SegmentColumn
from driftline.segments.declared import parsed
from driftline.segments.lattice import CODES, Lattice
from driftline.segments.training import SUMS, Flags, SegmentTraining, Variation
from driftline.sketch.arrays import FloatArray

FORM: Final = 1
"""Of the text; a reader passes over any other."""

MOST_BYTES: Final = 64 << 20
"""Of a text when inflated."""

MOST_COLUMNS: Final = 5000

_STEPS: Final = 8
"""Of a byte, to a doubling: 9 % each."""

_CENTRE: Final = 128
_TINY: Final = 2.0**-24


class DamagedSegmentsError(ValueError):
    """The text is damaged."""


def to_text(training: SegmentTraining) -> str:
    """The counts as ASCII, without a quote or a backslash."""
    header = json.dumps(_header(training), ensure_ascii=False, separators=(",", ":")).encode()
    parts = [np.array([len(header)], "<u4").tobytes(), header, _planes(training.sums), _ratios(training.correction)]
    for each in training.variation:
        parts += [_sizes(part) for part in (each.shares, each.low, each.wrong, each.pairs)]
    return base64.b85encode(zlib.compress(b"".join(parts), 9)).decode("ascii")


def from_text(text: str) -> SegmentTraining | None:
    """The inverse of `to_text`; None of another form. Raises DamagedSegmentsError."""
    try:
        return _read(_inflated(base64.b85decode(text)))
    except DamagedSegmentsError:
        raise
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, zlib.error, RecursionError) as error:
        raise DamagedSegmentsError(f"must be counts of segments ({type(error).__name__})") from error


def _inflated(body: bytes) -> bytes:
    inflated = zlib.decompressobj()
    found = inflated.decompress(body, MOST_BYTES)
    if not inflated.eof:
        raise DamagedSegmentsError("must be whole")
    return found


def _header(training: SegmentTraining) -> dict[str, Any]:
    return {
        "form": FORM,
        "columns": [_column(each) for each in training.columns],
        "paired": list(training.paired),
        "chunks": training.chunks,
        "variation": [[each.duration, each.stretches] for each in training.variation],
        "low_below": training.flags.low_below,
        "error_beyond": training.flags.error_beyond,
        **({"declared": list(training.declared)} if training.declared else {}),
    }


def _column(column: SegmentColumn) -> dict[str, Any]:
    found: dict[str, Any] = {"name": column.name}
    if column.cuts is not None:
        found["cuts"] = list(column.cuts)
    if column.categories:
        found["categories"] = list(column.categories)
    if column.condition is not None:
        found["condition"] = column.condition
    if column.whole:
        found["whole"] = True
    return found


def _read(body: bytes) -> SegmentTraining | None:
    size = int(np.frombuffer(body, "<u4", 1)[0])
    header = json.loads(body[4 : 4 + size])
    if header["form"] != FORM:
        return None
    columns = tuple(_column_in(each) for each in header["columns"])
    paired = tuple(int(each) for each in header["paired"])
    _check(columns, paired)
    lattice = Lattice(len(columns), paired)
    reader = _Reader(body, 4 + size)
    sums = reader.planes(SUMS * lattice.cells).reshape(SUMS, lattice.cells)
    correction = reader.ratios(lattice.cells - lattice.singles).reshape(-1, CODES, CODES)
    variation = tuple(
        Variation(
            float(duration),
            int(stretches),
            reader.sizes(lattice.singles),
            reader.sizes(lattice.singles),
            reader.sizes(lattice.singles),
            reader.sizes(2 * len(lattice.first) * CODES).reshape(2, -1, CODES),
        )
        for duration, stretches in header["variation"]
    )
    flags = Flags(_number(header["low_below"]), _number(header["error_beyond"]))
    declared = tuple(str(each) for each in header.get("declared", ()))
    if not {each.name for each in columns}.issuperset(declared):
        raise DamagedSegmentsError("must declare columns that it has")
    return SegmentTraining(columns, paired, int(header["chunks"]), sums, correction, variation, flags, declared)


def _check(columns: Sequence[SegmentColumn], paired: Sequence[int]) -> None:
    if not columns or len(columns) > MOST_COLUMNS or len(set(paired)) < len(paired):
        raise DamagedSegmentsError("must have columns, each paired once")
    if any(not 0 <= each < len(columns) for each in paired):
        raise DamagedSegmentsError("must pair columns that it has")


def _column_in(found: dict[str, Any]) -> SegmentColumn:
    cuts = None if "cuts" not in found else tuple(float(each) for each in found["cuts"])
    categories = tuple(str(each) for each in found.get("categories", ()))
    condition = None if "condition" not in found else parsed(str(found["condition"])).text
    return SegmentColumn(str(found["name"]), cuts, categories, condition, bool(found.get("whole")))


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


class _Reader:
    def __init__(self, body: bytes, at: int) -> None:
        self._body, self._at = body, at

    def _take(self, size: int) -> NDArray[np.uint8]:
        taken = np.frombuffer(self._body, np.uint8, size, self._at)
        self._at += size
        return taken

    def planes(self, number: int) -> FloatArray:
        return np.ascontiguousarray(self._take(4 * number).reshape(4, number).T).view("<u4").ravel().astype(np.float64)

    def ratios(self, number: int) -> FloatArray:
        return np.asarray(2.0 ** ((self._take(number).astype(np.float64) - _CENTRE) / _STEPS / 5))

    def sizes(self, number: int) -> FloatArray:
        held = self._take(number).astype(np.float64)
        return np.where(held > 0, _TINY * 2.0 ** (held / _STEPS), 0.0)


def _planes(counts: FloatArray) -> bytes:
    whole = np.minimum(np.rint(counts), 2**32 - 1).astype("<u4").ravel()
    return np.ascontiguousarray(whole.view(np.uint8).reshape(-1, 4).T).tobytes()


def _ratios(ratios: FloatArray) -> bytes:
    steps = np.rint(np.log2(np.maximum(ratios, 1e-9)) * _STEPS * 5) + _CENTRE
    return bytes(np.clip(steps, 0, 255).astype(np.uint8))


def _sizes(sizes: FloatArray) -> bytes:
    """Rounded up: a little more variation than there is costs power, a little less costs trust."""
    steps = np.ceil(np.log2(np.maximum(sizes, _TINY) / _TINY) * _STEPS)
    return np.where(sizes > _TINY, np.clip(steps, 1, 255), 0).astype(np.uint8).tobytes()
