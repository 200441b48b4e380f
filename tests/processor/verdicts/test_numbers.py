"""Numbers as people read them."""

import numpy as np
import pytest

from driftline_processor.verdicts.numbers import distinct_digits, number, number_range, percent, percents

EDGES = np.array([-2.0, 0.0, 3.2, 7.5])


@pytest.mark.parametrize(
    ("share", "text"), [(0, "0%"), (1, "100%"), (0.352, "35%"), (0.0123, "1.2%"), (2e-5, "0.002%")]
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


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (1_700_000_123.0, 3, "1700000123"),
        (1_700_000_123.4, 3, "1700000123"),
        (1.7e18, 0, "1700000000000000000"),
        (1_234_567.0, 3, "1234567"),
        (24_683.2, 3, "24700"),
        (3.0, 0, "3"),
        (-2.2250738585072014e-308, 3, "0"),
        (6.02e23, 3, "6.02e+23"),
    ],
)
def test_counts_and_epochs_have_their_digits(value: float, digits: int, text: str) -> None:
    """To the unit from a million on; and an edge beside nothing is nothing."""
    assert number(value, digits) == text


@pytest.mark.parametrize(
    ("shares", "texts"),
    [
        ((0.0502, 0.05), ("5.02%", "5%")),
        ((0.05, 0.05), ("5%", "5%")),
        ((0.99996, 1.0), ("99.996%", "100%")),
        ((0.2, 0.35), ("20%", "35%")),
        ((2e-15, 0.0), ("0%", "0%")),
        ((0.5000001, 0.5), ("50.00001%", "50%")),
        ((-0.003, 0.05), ("-0.3%", "5%")),
    ],
)
def test_shares_that_differ_never_look_alike(shares: tuple[float, float], texts: tuple[str, str]) -> None:
    """Digits are added until they do not."""
    assert percents(*shares) == texts
