import numpy as np
import pytest

from driftline.sketch import Layout
from driftline.sketch.exponential import HUGE, TINY
from driftline.sketch.layout import INSIDE, PARTS


def regions(layout: Layout, values: list[float]) -> list[str]:
    names = [*PARTS, "inside"]
    assert len(names) == INSIDE + 1
    return [names[region] for region in layout.region(np.array(values))]


def test_a_positive_window_has_a_tail_on_either_side() -> None:
    """Magnitudes in (2, 8] are inside; all that is smaller, of either sign, lies below."""
    layout = Layout(0, 1, 2, (1,))

    assert (layout.low, layout.high) == (2.0, 8.0)
    assert regions(layout, [8.0, 2.1]) == ["inside"] * 2
    assert regions(layout, [2.0, 0.1, -1.0, -5.0]) == ["below"] * 4
    assert regions(layout, [8.1, 1e300]) == ["above"] * 2


def test_a_negative_window_is_its_mirror_image() -> None:
    """What is larger, of either sign, lies above."""
    layout = Layout(0, 1, 2, (-1,))

    assert regions(layout, [-8.0, -2.1]) == ["inside"] * 2
    assert regions(layout, [-8.1, -1e300]) == ["below"] * 2
    assert regions(layout, [-2.0, -0.1, 1.0, 5.0]) == ["above"] * 4


def test_a_window_of_both_signs_has_a_middle() -> None:
    """Small magnitudes are a tail of their own."""
    layout = Layout(0, 1, 2, (1, -1))

    assert regions(layout, [-9.0, -8.0, -2.0, 0.1, 2.0, 2.1, 8.0, 9.0]) == [
        *("below", "inside", "middle", "middle", "middle", "inside", "inside", "above")
    ]


def test_edges_no_float_reaches_lie_at_the_limits() -> None:
    """A window may begin below the smallest number and end above the largest."""
    layout = Layout(-4, -70, 160, (1,))

    assert (layout.low, layout.high) == (TINY, HUGE)


def test_layouts_are_equal_by_what_they_say() -> None:
    """And may serve as keys."""
    assert {Layout(3, 0, 320, (1,)), Layout(3, 0, 320, (1,))} == {Layout(3, 0, 320, (1,))}


@pytest.mark.parametrize(
    ("scale", "first", "size", "signs", "message"),
    [
        (21, 0, 320, (1,), "scale of a layout must lie in -4..20, got 21"),
        (-5, 0, 320, (1,), "scale of a layout must lie in -4..20, got -5"),
        (3, 0, 320, (-1, 1), r"signs of a layout must be .* got \(-1, 1\)"),
        (3, 0, 0, (1,), "window of a layout must hold numbers"),
        (0, 2_000, 320, (1,), "window of a layout must hold numbers"),
    ],
)
def test_a_layout_that_cannot_count_is_refused(
    scale: int, first: int, size: int, signs: tuple[int, ...], message: str
) -> None:
    """The error names the rule and the value."""
    with pytest.raises(ValueError, match=message):
        Layout(scale, first, size, signs)
