"""What many sketches gained at once is what each gained by itself."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from driftline.sketch import Histogram, Intervals
from driftline.sketch.encoded import EncodedHistogram
from driftline_processor.engine import sketch_sums
from driftline_processor.engine.sketch_sums import Gain, gained

_VALUES = st.lists(st.sampled_from([-1e9, -3.5, -0.25, 0.0, 1e-3, 1.0, 1.5, 2.0, 7.0, 1e6]), max_size=12)


@st.composite
def gains(draw: st.DrawFn) -> Gain:
    """Two sketches of a stream; sometimes of one that began anew, or at another scale."""
    scale = draw(st.sampled_from([-2, 0, 3, 8]))
    first = Histogram.of(draw(_VALUES), scale, 320)
    more = Histogram.of(draw(_VALUES), draw(st.sampled_from([scale, 8])), 320)
    newer = draw(st.sampled_from([first.merge(more), more]))
    older = draw(st.sampled_from([None, first]))
    return EncodedHistogram.of(newer), older and draw(st.sampled_from([older, EncodedHistogram.of(older)]))


def one_by_one(group: list[Gain]) -> Intervals:
    """The same, sketch by sketch."""
    found = [Intervals.empty()]
    for newer, older in group:
        new = EncodedHistogram.of(newer).decoded
        added = new.minus(EncodedHistogram.of(older).decoded) if older is not None else None
        found.append((new if added is None else added).intervals())
    return found[0].merge(*found[1:])


def rows(held: Intervals) -> list[tuple[float, ...]]:
    return list(zip(held.lower.tolist(), held.upper.tolist(), held.weight.tolist(), strict=True))


@given(st.lists(st.lists(gains(), max_size=4), max_size=4))
def test_many_at_once(groups: list[list[Gain]]) -> None:
    """To the last bit: bounds, signs, zeros, restarts, and scales that became coarser."""
    assert [rows(each.merge()) for each in gained(groups)] == [rows(one_by_one(group)) for group in groups]


def test_more_than_is_decoded_at_once(monkeypatch: object) -> None:
    """Portions are put together again, each to its group."""
    sketches = [EncodedHistogram.of(Histogram.of(np.arange(1.0, 2.0 + i), 3, 320)) for i in range(9)]
    groups: list[list[Gain]] = [[(each, None) for each in sketches[:4]], [], [(each, None) for each in sketches[4:]]]
    whole = [rows(each.merge()) for each in gained(groups)]
    limit = sketch_sums._BYTES_AT_ONCE
    try:
        sketch_sums._BYTES_AT_ONCE = 20  # type: ignore[misc]  # a constant otherwise
        assert [rows(each.merge()) for each in gained(groups)] == whole
    finally:
        sketch_sums._BYTES_AT_ONCE = limit  # type: ignore[misc]
    assert [sum(row[2] for row in each) for each in whole] == [2 + 3 + 4 + 5 - 4, 0, 5 + 6 + 7 + 8 + 9]
