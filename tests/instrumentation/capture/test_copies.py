"""What is copied where the caller waits: of small arrays their bytes, with nothing around them."""

from typing import Any

import numpy as np
import pytest

from driftline.capture.buffer_pool import BufferPool
from driftline.capture.copies import COPIERS, OUTPUT_COPIERS, SMALL, Captures
from driftline.features import blocks
from driftline.records import Capture, as_capture
from driftline.runtime.self_faults import FAULTS

POOL = BufferPool(2**26)
CAPTURES = Captures(POOL)
NUMBERS = np.arange(12).reshape(4, 3) % 2

ARRAYS: dict[str, Any] = {
    **{kind: NUMBERS.astype(kind) for kind in ("?", "b", "B", "h", "i", "q", "Q", "e", "f", "d", "g", "F", "D")},
    "other byte order": NUMBERS.astype(">f8"),
    "columns first": np.asfortranarray(NUMBERS),
    "every other row": np.arange(24.0).reshape(8, 3)[::2],
    "a vector": np.arange(4.0),
    "a number": np.array(3.0),
    "no rows": np.empty((0, 3)),
    "no columns": np.empty((4, 0)),
    "texts": np.array([["a", "bc"], ["d", "e"]]),
    "times": np.array(["2026-01-01", "2026-02-01"], "M8[D]"),
    "objects": np.array([[1, "a"], [None, 2.5]], object),
    "a batch": np.zeros((SMALL, 3)),
    "a subclass": np.ma.array([[1.0, 2.0]]),
}


def table(taken: Capture) -> list[list[Any]]:
    return [column.tolist() for block in blocks.join([taken]) for column in block.columns]


@pytest.mark.parametrize("name", ARRAYS)
@pytest.mark.parametrize("returned", [False, True])
def test_arrays_are_what_they_are_in_every_other_place(name: str, returned: bool) -> None:
    """The short way for rows of numbers gives what the long one gives."""
    value = ARRAYS[name]
    copiers = OUTPUT_COPIERS if returned else COPIERS
    short, long = as_capture(CAPTURES.of(value, returned)), as_capture(copiers[type(value)](value, POOL))

    assert short is not None
    assert (short.kind, short.rows, short.layout, short.size) == (long.kind, long.rows, long.layout, long.size)
    assert table(short) == table(long)


def test_what_is_recorded_does_not_change_with_the_array() -> None:
    """The caller may use the array again at once."""
    value = np.arange(12.0).reshape(4, 3)
    taken = as_capture(CAPTURES.of(value))
    value[:] = -1

    assert taken is not None
    assert table(taken) == [[0, 3, 6, 9], [1, 4, 7, 10], [2, 5, 8, 11]]


def test_what_cannot_be_copied_is_left_out() -> None:
    """A fault of ours, counted; and nothing is nothing."""

    class Unreadable:
        def __len__(self) -> int:
            raise ValueError("no")

    FAULTS.reset()
    assert CAPTURES.of(Unreadable()) is None
    assert FAULTS.counts() == {("capture", "ValueError"): 1}
    FAULTS.reset()
    assert CAPTURES.of(None) is CAPTURES.of(None, True) is None
    assert not FAULTS.counts()
