from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from driftline.semconv import OTHER
from driftline_processor.monitors.drift.comparison import Comparison
from driftline_processor.records import ColumnKey, ReferenceColumn
from driftline_processor.reference import category_bins
from driftline_processor.reference.category_bins import cell_rows, minor_shares, with_minor
from driftline_processor.verdicts.verdict import State, Verdict
from made_columns import KEY, category_column, category_summary, reference_of

NAMES = np.array([f"c{i:03}" for i in range(200)])
HOUR = 3_600 * 10**9


def column(seed: int = 0, limit: int = 64) -> ReferenceColumn:
    """Two hundred alike categories, of which 64 have a cell in each chunk."""
    values = np.random.default_rng(seed).choice(NAMES, 20_000)
    return with_minor({KEY: category_column(values, limit=limit)})[KEY]


def window(rows: int, shares: np.ndarray, seed: int = 1) -> Mapping[str, float]:
    counts = np.random.default_rng(seed).multinomial(rows, shares / shares.sum())
    return {str(name): float(count) for name, count in zip(NAMES, counts, strict=True) if count}


def judged(reference: ReferenceColumn, counts: Mapping[str, float]) -> Verdict:
    (result,) = Comparison.of(reference_of(reference), 0.05).window({KEY: category_summary(counts)}, 1e-3, HOUR)
    assert result.verdict is not None
    return result.verdict


def test_each_named_category_has_a_cell() -> None:
    """Those with one in chunks come first, then those of which the whole is known, by frequency; one cell is left."""
    found = column()
    rows = cell_rows(found)

    assert {*found.categories, *found.minor} == set(NAMES.tolist())
    assert [found.summary.categories[name] for name in found.minor] == pytest.approx(rows[64:-1].tolist())
    assert (np.diff(rows[64:-1]) <= 0).all()
    assert rows.sum() == 20_000
    assert rows[-1] == 0.0


def test_what_has_no_name_is_in_the_last_cell() -> None:
    """Rows under `other` are of no category."""
    known = column()
    summary = category_summary({**known.summary.categories, OTHER: 5_000.0})
    chunks = known.chunks + np.eye(65)[-1] * 5_000 / len(known.chunks)
    more = replace(known, summary=summary, chunks=chunks)

    assert cell_rows(more)[-1] == pytest.approx(5_000)
    assert minor_shares(more).sum() == pytest.approx(1.0)


def test_minor_categories_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Over all columns together: the most frequent keep their cells."""
    monkeypatch.setattr(category_bins, "MOST_MINOR", 100)
    keys = [ColumnKey("input", name) for name in "ab"]
    found = with_minor({key: replace(column(i), key=key, minor=()) for i, key in enumerate(keys)})

    assert [len(found[key].minor) for key in keys] == [50, 50]


def test_a_minor_category_that_becomes_frequent_is_named() -> None:
    """It is told from all others, though its variation over time is not known by itself."""
    known = column()
    shares = np.where(known.minor[-1] == NAMES, 0.08, 0.92 / 199)

    verdict = judged(known, window(1_000, shares))

    assert verdict.state is State.ALARM
    assert verdict.sentence.startswith(f"share of '{known.minor[-1]}': 0.3")


def test_all_minor_categories_together() -> None:
    """What moves all of them a little is told of all."""
    known = column()
    minor = np.isin(NAMES, known.minor)
    verdict = judged(known, window(2_000, np.where(minor, 0.9 / minor.sum(), 0.1 / (~minor).sum())))

    assert verdict.state is State.ALARM
    assert verdict.sentence.startswith("share of all other categories: 6")


def test_a_diffuse_change_among_minor_categories_is_found() -> None:
    """Where none of them moves by enough to be named, they count together."""
    known = column(limit=8)
    place = {name: i for i, name in enumerate(known.minor)}
    more = np.array([place.get(name, 0) % 2 == 1 for name in NAMES.tolist()])
    verdict = judged(known, window(20_000, np.where(more, 1.5, 0.5)))

    assert verdict.state is State.ALARM
    assert verdict.sentence.startswith("many categories moved a little")


def test_nothing_is_said_without_a_change() -> None:
    """Two hundred categories, each with an event of its own: no alarm in 200 windows of any size."""
    known = Comparison.of(reference_of(column()), 0.05)
    states = [
        result.verdict.state
        for seed in range(200)
        for result in known.window(
            {KEY: category_summary(window(int(10 ** (2 + seed % 3)), np.ones(200), seed))}, 1e-3, HOUR
        )
        if result.verdict is not None
    ]

    assert len(states) == 200
    assert State.ALARM not in states
