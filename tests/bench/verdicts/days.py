"""Streams in which nothing happens but days, nights, weekends and holidays, and means that wander."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from bench.verdicts.made import MONTH, ROWS, TRAINED, WEEKEND
from bench.verdicts.stream import DAY, EPOCH, HOUR, TIME, Columns, Scenario, Stream

Floats = NDArray[np.float64]

SHAPES: Final[Mapping[str, Callable[[Floats], Floats]]] = {
    "even traffic": lambda hour: np.full(len(hour), 0.5),
    "quiet nights": lambda hour: 0.1 + 0.45 * (1.0 + np.cos((hour - 13.0) / 24.0 * 2.0 * np.pi)),
    "closed nights": lambda hour: np.where((hour > 6.0) & (hour < 22.0), 0.7, 0.0),
}
"""How likely a row is kept, by hour of the day."""

LENGTHS: Final = {"half days": DAY // 2, "days": DAY}

HOLIDAYS: Final = 11
"""In a year."""

YEAR: Final = 364 * DAY


def _when(random: np.random.Generator, begin: float, lasting: float, rows: int, shape: str) -> Floats:
    """When so many rows came, Unix seconds, in order: more where the shape has more."""
    times = begin + lasting * random.random(4 * rows + 64)
    kept = times[random.random(len(times)) < SHAPES[shape](times % DAY / HOUR)][:rows]
    return np.sort(kept)


def _office(times: Floats) -> NDArray[np.bool_]:
    return (times % DAY >= 9 * HOUR) & (times % DAY < 19 * HOUR)


def _by_hour(random: np.random.Generator, times: Floats) -> Columns:
    """Two columns that swing in a day, three that step at opening hours, one that does neither."""
    n, angle, office = len(times), times % DAY / DAY * 2.0 * np.pi, _office(times)
    return {
        "x": random.normal(size=n) + 0.5 * np.cos(angle),
        "z": random.normal(size=n) - 0.5 * np.cos(angle + 1.0),
        "shop": np.where(random.random(n) < np.where(office, 0.3, 0.6), "web", "store").astype(object),
        "flag": (random.random(n) < np.where(office, 0.3, 0.1)).astype(float),
        "gaps": np.where(random.random(n) < np.where(office, 0.05, 0.15), np.nan, random.normal(size=n)),
        "y": random.normal(size=n),
    }


def _calendar(random: np.random.Generator, times: Floats, holidays: NDArray[np.int64]) -> Columns:
    """Columns that are constant within a day, and a demand that is lower on those that are free."""
    n, day = len(times), (times // DAY).astype(np.int64)
    holiday, weekend = np.isin(day, holidays), np.isin(day % 7, WEEKEND)
    weather = np.random.default_rng(7).choice(["sun", "clouds", "rain", "snow"], 100_000, p=[0.5, 0.33, 0.15, 0.02])
    return {
        "holiday": holiday.astype(float),
        "kind of day": np.where(holiday, "holiday", np.where(weekend, "weekend", "work")).astype(object),
        "weather": weather[day % len(weather)].astype(object),
        "demand": random.normal(size=n) - 0.5 * (weekend | holiday),
        "y": random.normal(size=n),
    }


def by_hour(length: int, shape: str, seed: int, *, windows: int = 0) -> Stream:
    """Six weeks of training, and a month of windows of that length, with about 1,000 rows in an hour."""
    random = np.random.default_rng(seed)
    times = _when(random, EPOCH - TRAINED, TRAINED, ROWS, shape)

    def live() -> Iterator[Columns]:
        for window in range(windows or MONTH * HOUR // length):
            at = _when(random, EPOCH + window * length, length, 1_000 * length // HOUR, shape)
            yield {TIME: at, **_by_hour(random, at)}

    return Stream(_by_hour(random, times), live, 1_000 * length // HOUR, times=times, length=length)


def calendar(length: int, seed: int, *, windows: int = 120) -> Stream:
    """A year of training with its holidays and weekends, and windows of some months after it."""
    random = np.random.default_rng(seed)
    first = (EPOCH - YEAR) // DAY
    holidays = first + random.choice(2 * YEAR // DAY, 2 * HOLIDAYS, replace=False)
    times = _when(random, EPOCH - YEAR, YEAR, 2 * ROWS, "even traffic")

    def live() -> Iterator[Columns]:
        for window in range(windows):
            at = _when(random, EPOCH + window * length, length, 1_000 * length // HOUR // 4, "even traffic")
            yield {TIME: at, **_calendar(random, at, holidays)}

    return Stream(_calendar(random, times, holidays), live, 250 * length // HOUR, times=times, length=length)


def wandering(sd: float, n: int, seed: int, *, shuffled: bool, windows: int = MONTH) -> Stream:
    """Means that wander by the hour, AR(1) .9, by so many standard deviations of a row."""
    random = np.random.default_rng(seed)
    hours, names = TRAINED // HOUR, [f"x{i}" for i in range(5)]

    def levels(count: int) -> Floats:
        noise = np.sqrt(1.0 - 0.9**2) * random.normal(size=(count + 50, len(names)))
        return sd * np.asarray(lfilter([1.0], [1.0, -0.9], noise, axis=0))[50:]

    level = np.repeat(levels(hours), -(-ROWS // hours), axis=0)[:ROWS]
    order = random.permutation(ROWS) if shuffled else np.arange(ROWS)
    reference = {name: (level[:, i] + random.normal(size=ROWS))[order] for i, name in enumerate(names)}

    def live() -> Iterator[Columns]:
        for means in levels(windows):
            yield {name: means[i] + random.normal(size=n) for i, name in enumerate(names)}

    times = None if shuffled else EPOCH - TRAINED + (np.arange(ROWS) + 0.5) * (TRAINED / ROWS)
    return Stream(reference, live, n, times=times)


SCENARIOS: Final = (
    *(
        Scenario(f"null, {name}, {shape}", partial(by_hour, length, shape), seeds=4)
        for name, length in LENGTHS.items()
        for shape in SHAPES
    ),
    *(Scenario(f"null, hours, {shape}", partial(by_hour, HOUR, shape), seeds=2) for shape in SHAPES),
    *(Scenario(f"null, weekends and holidays, {name}", partial(calendar, n), seeds=4) for name, n in LENGTHS.items()),
    *(
        Scenario(f"null, wandering by {sd} sd, n={n}", partial(wandering, sd, n, shuffled=False), seeds=4)
        for sd in (0.05, 0.1)
        for n in (200, 1000)
    ),
    Scenario("shuffled reference, wandering by 0.1 sd, n=1000", partial(wandering, 0.1, 1000, shuffled=True), seeds=4),
)
