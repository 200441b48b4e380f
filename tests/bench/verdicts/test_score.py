"""The scorer: what dummies say has known scores, on streams with a known truth."""

from collections.abc import Mapping

import numpy as np
import pytest

from bench.verdicts.dummies import EveryKth
from bench.verdicts.gates import beaten_by, check
from bench.verdicts.results import Results, Run
from bench.verdicts.said import Said
from bench.verdicts.score import Score, score
from bench.verdicts.stream import DAY, Stream

ROWS = {"a": np.zeros(10), "b": np.zeros(10), "c": np.zeros(10)}
WINDOWS = 10


def stream(onsets: Mapping[str, int], **other: object) -> Stream:
    """Ten windows of three columns."""
    return Stream(ROWS, lambda: iter([ROWS] * WINDOWS), 10, onsets, **other)  # type: ignore[arg-type]


def scored(method: EveryKth, of: Stream) -> Score:
    return score(of, [method.window(rows) for rows in of.windows()], method)


def said(*alarmed: str) -> Said:
    return Said(frozenset(alarmed), frozenset(alarmed))


def test_never_misses_everything() -> None:
    """Who never speaks has no false alarm, and every window after the onset of every drift for a delay."""
    found = scored(EveryKth(0), stream({"a": 4, "b": 7}))

    assert (found.false, found.pages, found.found) == (0, 0, 0)
    assert (found.moved, found.missed, found.delay, found.soon) == (2, 2, 6 + 3, 0)
    assert found.within_budget


def test_always_is_false_before_the_onset() -> None:
    """Who always speaks has no delay, all power, a page for each column, and names the columns that did not drift."""
    found = scored(EveryKth(1), stream({"a": 4}))

    assert (found.quiet, found.false, found.pages) == (4 + 10 + 10, 24, 3)
    assert (found.delay, found.missed, found.power, found.soon) == (0, 0, 1.0, 1)
    assert not found.within_budget


def test_a_page_is_a_beginning() -> None:
    """Every k-th window opens each column anew; an alarm of several windows is one page."""
    assert scored(EveryKth(5), stream({})).pages == 2 * 3
    assert scored(EveryKth(1), stream({})).pages == 3


def test_localisation() -> None:
    """Of the columns told of after the first onset those count as right that drift; nobody knows of the unclaimed."""
    quiet, drift = [said()] * 4, [said("a", "b", "c"), said("a")] * 3
    found = score(stream({"a": 4}, unclaimed=frozenset("c")), quiet + drift, EveryKth(0))

    assert (found.named, found.right, found.pages) == (2, 1, 3)


def test_a_drift_of_columns_together_is_found_by_any() -> None:
    """Also by a column that the training data does not have, such as a pair."""
    found = score(
        stream({"a": 4, "b": 4}, anywhere=True), [said()] * 5 + [said("a with b")] + [said()] * 4, EveryKth(0)
    )

    assert (found.moved, found.missed, found.delay, found.pages, found.right) == (1, 0, 1, 0, 1)


def test_the_budget_is_one_page_in_thirty_days() -> None:
    """Long windows get no more than a thousandth for each column and window."""
    assert scored(EveryKth(0), stream({})).budget == pytest.approx(10 / 720)
    assert scored(EveryKth(0), stream({}, length=30 * DAY)).budget == pytest.approx(0.001 * 3 * WINDOWS)


def test_who_is_beaten_is_told_so() -> None:
    """By a method within the budget that is quicker, not by one that cries wolf, and not by a dummy."""
    ours = Score(windows=10, budget=0.1, pages=0, moved=1, delay=2)
    results = Results({Run("s", "driftline", 0): ours})
    for rival, theirs in {
        "evidently": Score(windows=10, budget=0.1, pages=0, moved=1, delay=1),
        "nannyml": Score(windows=10, budget=0.1, pages=9, moved=1, delay=0),
        "alibi": Score(windows=10, budget=0.1, pages=0, moved=1, delay=2),
        "never": Score(windows=10, budget=0.1, pages=0, moved=1, delay=0),
    }.items():
        results.add(Run("s", rival, 0), theirs)

    assert beaten_by(results, "s") == ["evidently"]

    results.add(Run("s", "driftline", 0), Score(windows=10, budget=0.1, pages=1, moved=1, delay=1))
    assert beaten_by(results, "s") == ["evidently"]


def test_a_drift_within_the_tolerance_decides_nothing() -> None:
    """Who tells of it is not quicker by that."""
    results = Results()
    for method, delay in {"driftline": 10, "river": 0}.items():
        for name in ("shift θ/2, n=1000", "shift θ, n=1000"):
            results.add(Run(name, method, 0), Score(windows=10, budget=0.1, moved=1, delay=delay))

    assert "5 dominance" not in {gate["name"] for gate in check(results)}


def test_only_a_stream_that_both_were_run_on_is_compared() -> None:
    """On the same seeds: where we were not run we were not unbeaten either."""
    slow, quick = (Score(windows=10, budget=0.1, moved=1, delay=delay) for delay in (2, 1))
    results = Results({Run("theirs", "river", 0): quick, Run("other seeds", "river", 1): quick})
    results.add(Run("other seeds", "driftline", 0), slow)
    results.add(Run("ours", "driftline", 0), slow)
    results.add(Run("dummies", "never", 0), quick)
    results.add(Run("dummies", "driftline", 0), slow)

    assert check(results) == []

    results.add(Run("both", "river", 0), slow)
    results.add(Run("both", "driftline", 0), quick)
    (gate,) = check(results)
    assert (gate["name"], gate["value"], gate["holds"]) == ("5 dominance", "1 of 1 streams", True)

    results.add(Run("other seeds", "driftline", 1), slow)
    (gate,) = check(results)
    assert (gate["value"], gate["holds"]) == ("1 of 2 streams; failed: other seeds (river)", False)


def test_only_what_was_run_has_a_gate() -> None:
    """A gate is told when its streams were run, and as failed where it fails."""
    assert check(Results()) == []

    results = Results({Run("car loan", "driftline", 0): Score(moved=5, missed=1, delay=5)})
    (gate,) = check(results)
    assert (gate["name"], gate["holds"], gate["value"]) == ("3 car loan", False, "4 of 5 after 1.00 windows, 0 false")
