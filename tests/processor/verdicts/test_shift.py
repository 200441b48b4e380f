"""Whither a numeric column moved, and its medians: in digits that a person would write."""

import pytest

from driftline_processor.verdicts.reasons import ManyCategories, Moved, NeverSeen, Region
from driftline_processor.verdicts.shift import direction, grouped, medians

BEFORE = {"mean": 41e3, "p05": 11e3, "p50": 40_100.0, "p95": 80e3}


def scaled(factor: float, plus: float = 0.0) -> dict[str, float]:
    return {name: value * factor + plus for name, value in BEFORE.items()}


@pytest.mark.parametrize(
    ("before", "now", "text"),
    [
        (BEFORE, scaled(100.0), "median 40,100 → 4,010,000, ×100: a unit?"),
        (BEFORE, scaled(101.0), "median 40,100 → 4,050,000, ×100: a unit?"),
        (BEFORE, scaled(0.001), "median 40,100 → 40.1, ÷1,000: a unit?"),
        (BEFORE, scaled(1.609), "median 40,100 → 64,500, ×1.61: a unit?"),
        (BEFORE, scaled(1.2), "median 40,100 → 48,100"),
        (BEFORE, scaled(1.0, 80e3), "median 40,100 → 120,000, ×3"),
        (BEFORE, scaled(-1.0), "median 40,100 → -40,100"),
        (BEFORE, BEFORE, ""),
        (BEFORE, scaled(1.0, 40.0), ""),
        (BEFORE, {}, ""),
        ({}, BEFORE, ""),
        (
            {"p05": 999.0, "p50": 1000.0, "p95": 1001.0},
            {"p05": 999.3, "p50": 1000.3, "p95": 1001.3},
            "median 1,000 → 1,000.3",
        ),
        ({"p05": 0.0, "p50": 0.0, "p95": 0.0}, {"p05": 0.0, "p50": 1.0, "p95": 1.0}, "median 0 → 1"),
        (
            {"p05": 1e-7, "p50": 2e-7, "p95": 3e-7},
            {"p05": 1e-4, "p50": 2e-4, "p95": 3e-4},
            "median 2e-07 → 0.0002, ×1,000: a unit?",
        ),
    ],
)
def test_medians(before: dict[str, float], now: dict[str, float], text: str) -> None:
    """Both, with enough digits for the spread; the ratio where it is large, and a question where all grew alike."""
    assert medians(before, now) == text


@pytest.mark.parametrize(
    ("reasons", "now", "text"),
    [
        ((Moved(Region.ABOVE, 0.2, 0.4),), {}, "up"),
        ((Moved(Region.ABOVE, 0.4, 0.2),), {}, "down"),
        ((Moved(Region.UP_TO, 0.2, 0.4),), {}, "down"),
        ((Moved(Region.BELOW_MINIMUM, 0.0, 0.4),), {}, "down"),
        ((Moved(Region.ABOVE_MAXIMUM, 0.0, 0.4),), {}, "up"),
        ((Moved(Region.HIGHER_RANK, 0.5, 0.7),), {}, "up"),
        ((Moved(Region.OUTSIDE, 0.2, 0.4),), scaled(2.0), ""),
        ((Moved(Region.CATEGORY, 0.2, 0.4, name="gold"),), {}, ""),
        ((NeverSeen(0.3, low=1.0, high=2.0),), scaled(2.0), "up"),
        ((NeverSeen(0.3, low=1.0, high=2.0),), scaled(0.5), "down"),
        ((ManyCategories(0.3),), {}, ""),
        ((), {}, ""),
    ],
)
def test_direction(reasons: tuple[Moved | NeverSeen | ManyCategories, ...], now: dict[str, float], text: str) -> None:
    """By the share that moved; by the medians where it is of values that training has never seen."""
    assert direction(reasons, BEFORE, now) == text


@pytest.mark.parametrize(
    ("value", "spread", "text"),
    [
        (1_234_567.0, 0.0, "1,230,000"),
        (0.0, 1.0, "0"),
        (41.0, 30.0, "41"),
        (0.000123456, 0.0, "0.000123"),
        (1e20, 0.0, "1e+20"),
        (1_700_000_000.0, 3_600.0, "1,700,000,000"),
        (1_700_000_123.0, 3_600.0, "1,700,000,100"),
    ],
)
def test_digits(value: float, spread: float, text: str) -> None:
    """Three, and more where the spread is finer; thousands set apart."""
    assert grouped(value, spread) == text
