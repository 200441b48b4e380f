"""What training repeats by itself: by chance, or as copies that come at once."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

import driftline
from driftline_processor.monitors.duplicates.natural import NaturalRepeats

ROWS = 20_000


def natural(data: dict[str, Any]) -> NaturalRepeats:
    (training,) = driftline.profile(pd.DataFrame(data), keep=list(data)).row_repeats
    return NaturalRepeats.of(training)


def test_rows_of_numbers_do_not_repeat() -> None:
    """However many there are."""
    found = natural({"a": np.random.default_rng(0).normal(size=ROWS), "b": np.random.default_rng(1).normal(size=ROWS)})

    assert found.usual(100_000) < 0.1
    assert found.most(1000) < 0.2


@pytest.mark.parametrize("rows", [100, 1000, 10_000, 50_000])
def test_rows_of_few_categories_repeat_by_chance(rows: int) -> None:
    """As often as in a sample of so many rows: of eight equally likely ones, an eighth of the rows is the same."""
    rng = np.random.default_rng(0)

    found = natural({name: rng.integers(0, 2, ROWS).astype(bool) for name in "abc"})
    assert found.usual(rows) == pytest.approx(rows / 8, rel=0.15)
    assert found.copies < 2.0


def test_copies_that_come_at_once_are_told_from_chance() -> None:
    """Each row three times in turn: as often in a window of any size."""
    found = natural({"a": np.repeat(np.random.default_rng(0).normal(size=ROWS // 2), 3)})

    assert found.usual(100) == pytest.approx(2.0, abs=0.2)
    assert found.usual(100_000) == pytest.approx(2.0, abs=0.4)


def test_copies_spread_over_the_data_are_chance() -> None:
    """Training data that was made larger by sampling: a window holds hardly any of the copies."""
    rng = np.random.default_rng(0)

    found = natural({"a": rng.permutation(np.repeat(rng.normal(size=ROWS // 2), 3))})
    assert found.usual(300) < 0.1


def test_half_precision_makes_single_columns_repeat() -> None:
    """A server may round its numbers, and is healthy."""
    numbers = np.random.default_rng(0).normal(100, 20, ROWS)
    coarse = numbers[:5000].astype(np.float16)
    _, often = np.unique(coarse, return_counts=True)

    assert natural({"a": numbers}).most(5000) > float(often @ often) / 5000 - 1.0
