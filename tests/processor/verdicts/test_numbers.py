"""Numbers as people read them."""

import numpy as np
import pytest

from driftline_processor.verdicts.numbers import distinct_digits, number, number_range, percent

EDGES = np.array([-2.0, 0.0, 3.2, 7.5])


@pytest.mark.parametrize(
    ("share", "text"), [(0, "0 %"), (1, "100 %"), (0.352, "35 %"), (0.0123, "1.2 %"), (2e-5, "0.002 %")]
)
def test_shares(share: float, text: str) -> None:
    """Two digits are enough."""
    assert percent(share) == text


def edge(edges: np.ndarray, at: int) -> str:
    return number(float(edges[at]), distinct_digits(edges, at))


def test_edges_have_the_digits_that_tell_them_apart() -> None:
    """Neighbours that differ in the eighth digit show it; edges around one value show that value."""
    edges = np.array([1_600_000_000.0, 1_600_000_100.0, 1_700_000_000.0])
    one_value, near = np.array([0.3, np.nextafter(0.3, 1.0)]), np.array([0.3, 0.3 + 1e-15])

    assert edge(edges, 1) == "1600000100"
    assert edge(EDGES, 2) == "3.2"
    assert edge(one_value, 1) == "0.3"
    assert edge(near, 1) == "0.300000000000001"


def test_a_range_whose_ends_look_alike_is_one_number() -> None:
    """Four digits tell them apart or not."""
    assert number_range(1.0, 1.0001) == "1"
    assert number_range(1.0, 1.001) == "1 to 1.001"
