"""Outputs against the stream's own recent past, without any reference."""

import math
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
import pytest

from driftline.semconv import MISSING
from driftline.sketch import Intervals
from driftline_processor.monitors.outputs import monitor
from driftline_processor.monitors.outputs.past import RecentOutputs, pack, unpack
from driftline_processor.records import ColumnKey, ColumnSummary, Window
from driftline_processor.verdicts.verdict import OpenAlarm, State, Verdict

HOUR = 3_600 * 1_000_000_000
DAY = 24 * HOUR
START = 472_222 * HOUR
CLASS, SCORE = ColumnKey("output", "prediction"), ColumnKey("output", "score")
LIMITS = monitor.Limits(2e-5)

Columns = Mapping[ColumnKey, ColumnSummary]


class Opened(NamedTuple):
    window: int
    column: ColumnKey
    verdict: Verdict


def of_classes(counts: Mapping[str, float], missing: float = 0.0) -> ColumnSummary:
    rows = sum(counts.values()) + missing
    states = {MISSING: missing} if missing else {}
    return ColumnSummary(categories=counts, states=states, rows=rows, squares=rows)


def of_numbers(values: np.ndarray) -> ColumnSummary:
    return ColumnSummary(Intervals.of_values(values), rows=float(len(values)), squares=float(len(values)))


def healthy(random: np.random.Generator, hour: int, rows: int, classes: int, season: float = 0.0) -> Columns:
    waves = season * np.sin(2 * np.pi * hour / 24 + np.arange(classes))
    weights = np.linspace(1, 2, classes) * np.exp(waves)
    counts = random.multinomial(rows, weights / weights.sum())
    scores = 1 / (1 + np.exp(-random.normal(season * math.sin(2 * np.pi * hour / 24), 1, rows)))
    return {
        CLASS: of_classes({f"c{i}": float(count) for i, count in enumerate(counts) if count}),
        SCORE: of_numbers(scores),
    }


def play(stream: Iterator[Columns], size: int = HOUR, *, through_bytes: bool = False) -> Iterator[Opened | int]:
    """The alarms that open, and the windows in which one closes."""
    recent, alarms = RecentOutputs(), dict[ColumnKey, OpenAlarm]()
    for number, columns in enumerate(stream):
        window = Window(START // size * size + number * size, START // size * size + (number + 1) * size)
        for key, verdict in monitor.judge(recent, window, columns, LIMITS, alarms).items():
            if key in alarms and verdict.closing is not None:
                del alarms[key]
                yield number
            elif verdict.state is State.ALARM and key not in alarms:
                alarms[key] = OpenAlarm(window.end, verdict.largest_bound, (monitor.ASPECT,))
                yield Opened(number, key, verdict)
        if through_bytes:
            recent = unpack(pack(recent))


def broken(columns: Columns, share: float, to: str | float | None) -> Columns:
    """So much of the rows in one class, at one score, or without a class."""
    rows = columns[CLASS].rows
    if isinstance(to, float):
        kept = columns[SCORE].intervals
        moved = Intervals.of_values(np.full(round(share * rows), to))
        both = [np.append(a, b) for a, b in ((kept.lower, moved.lower), (kept.upper, moved.upper))]
        weight = np.append(kept.weight * (1 - share), moved.weight)
        return {**columns, SCORE: ColumnSummary(Intervals(*both, weight), rows=rows, squares=rows)}
    counts = {name: count * (1 - share) for name, count in columns[CLASS].categories.items()}
    if to is None:
        return {**columns, CLASS: of_classes(counts, rows * share)}
    return {**columns, CLASS: of_classes({**counts, to: counts.get(to, 0.0) + rows * share})}


@pytest.mark.parametrize(
    ("to", "column", "words"),
    [
        ("c0", CLASS, "share of 'c0'"),
        ("new", CLASS, "share of 'new'"),
        (None, CLASS, "missing"),
        (0.37, SCORE, "share in 0."),
        (1.0, SCORE, "share above 0."),
    ],
    ids=["a class", "a new class", "abstentions", "a score", "saturated"],
)
@pytest.mark.parametrize("classes", [3, 10, 100])
@pytest.mark.parametrize("rows", [200, 2_000])
def test_what_takes_over_is_alarmed_in_its_first_window(
    classes: int, rows: int, to: str | float | None, column: ColumnKey, words: str
) -> None:
    """Forty rows of a hundred suddenly in one bucket: named, with its share before and now, and nothing else."""
    random = np.random.default_rng(1)

    def stream() -> Iterator[Columns]:
        for hour in range(34):
            found = healthy(random, hour, rows, classes)
            yield broken(found, 0.4, to) if hour >= 30 else found

    (opened,) = play(stream())

    assert isinstance(opened, Opened)
    assert (opened.window, opened.column) == (30, column)
    assert words in opened.verdict.sentence
    before, now = opened.verdict.distance, opened.verdict.lower_bound
    assert before > now > opened.verdict.tolerance


@pytest.mark.parametrize("classes", [2, 3, 10])
def test_a_constant_output_is_told_of_the_class_that_is_left(classes: int) -> None:
    """Even where that one was frequent before."""
    random = np.random.default_rng(2)

    def stream() -> Iterator[Columns]:
        for hour in range(32):
            found = healthy(random, hour, 500, classes)
            yield {**found, CLASS: of_classes({f"c{classes - 1}": 500.0})} if hour >= 30 else found

    (opened,) = play(stream())

    assert isinstance(opened, Opened)
    assert opened.verdict.sentence.startswith(f"share of 'c{classes - 1}'")
    assert opened.verdict.sentence.endswith("→ 100%; before: the most of any window since 2023-11-14 22:00 UTC")


def test_a_class_that_vanishes_is_named() -> None:
    """A tenth of the rows: no other class gains enough to be what is told."""
    random = np.random.default_rng(3)

    def stream() -> Iterator[Columns]:
        for hour in range(32):
            found = healthy(random, hour, 2_000, 10)
            counts = {name: count for name, count in found[CLASS].categories.items() if hour < 30 or name != "c4"}
            yield {**found, CLASS: of_classes(counts)}

    (opened,) = play(stream())

    assert isinstance(opened, Opened)
    assert opened.verdict.sentence.startswith("share of 'c4'")


@pytest.mark.parametrize("season", [0.0, 0.5, 1.0], ids=["iid", "a cycle", "a large cycle"])
@pytest.mark.parametrize("rows", [20, 200])
@pytest.mark.parametrize("classes", [2, 10])
def test_a_healthy_stream_is_silent(classes: int, rows: int, season: float) -> None:
    """Five days of hours from the first one on, with a daily cycle of classes and scores that nothing told of."""
    random = np.random.default_rng(4)

    assert list(play(healthy(random, hour, rows, classes, season) for hour in range(120))) == []


@pytest.mark.parametrize("size", [HOUR, 4 * HOUR, 12 * HOUR, DAY, 7 * DAY])
@pytest.mark.parametrize("weekend", [0.0, 0.25], ids=["", "weekends"])
def test_days_that_differ_are_silent(size: int, weekend: float) -> None:
    """Each day has a share of its own, as on an airport with storms, from the first window on; weekends another."""
    opened = 0
    for seed in range(20):
        random = np.random.default_rng(seed)
        days = random.normal(0.7, 0.13, 200)
        days[random.integers(7) :: 7] -= weekend
        hours = np.clip(np.interp(np.arange(200 * 24) / 24, np.arange(200) + 0.5, days), 0.02, 0.98)

        def stream(random: np.random.Generator = random, hours: np.ndarray = hours) -> Iterator[Columns]:
            length = size // HOUR
            for number in range(min(60 * 24 // length, 240)):
                share = float(hours[number * length : (number + 1) * length].mean())
                kept = float(random.binomial(900, share))
                yield {CLASS: of_classes({"0": kept, "1": 900.0 - kept})}

        opened += sum(isinstance(each, Opened) for each in play(stream(), size))

    assert opened <= 1, opened


def test_an_alarm_closes_when_the_bucket_is_as_before() -> None:
    """It opens once, and the windows of the collapse are no part of the past."""
    random = np.random.default_rng(5)

    def stream() -> Iterator[Columns]:
        for hour in range(45):
            found = healthy(random, hour, 500, 10)
            yield broken(found, 0.5, "c1") if 30 <= hour < 40 else found

    opened, closed = play(stream())

    assert isinstance(opened, Opened)
    assert (opened.window, closed) == (30, 40)


def test_a_restart_changes_nothing() -> None:
    """The past goes through its stored form after every window."""

    def stream() -> Iterator[Columns]:
        random = np.random.default_rng(6)
        for hour in range(40):
            found = healthy(random, hour, 500, 10, 0.5)
            yield broken(found, 0.4, 0.5) if 30 <= hour < 35 else found

    assert list(play(stream(), through_bytes=True)) == list(play(stream()))


@pytest.mark.parametrize(
    ("value", "inside"),
    [("c1", False), (0.36, True), (0.2, False), (None, False), (float("nan"), False)],
)
def test_rows_of_a_bucket_of_scores_are_told_from_others(value: str | float | None, inside: bool) -> None:
    """Which calls an alarm names depends on it."""
    random = np.random.default_rng(7)
    judged = [healthy(random, hour, 2_000, 3) for hour in range(31)]
    stream = iter([*judged[:30], broken(judged[30], 0.4, 0.36)])

    (opened,) = play(stream)

    assert isinstance(opened, Opened)
    moved, _ = opened.verdict.reasons
    assert monitor.is_in(moved, value) is inside
