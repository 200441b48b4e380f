"""Streams that are made: nothing happens, or exactly one thing does. θ is the tolerance, 5 points of share."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter
from scipy.stats import norm

from bench.verdicts.stream import DAY, EPOCH, HOUR, Column, Columns, Scenario, Stream

THETA: Final = 0.05
ROWS: Final = 50_000
"""Of training data."""

MONTH: Final = 720
"""Hourly windows."""

QUIET: Final = 30
"""Windows before a drift: more than a day tells who cries wolf, and is what a season is learned in without a clock."""

AFTER: Final = 24
"""Windows after it."""

COLUMNS: Final = 30
DRIFTED: Final = 20

Draw = Callable[[np.random.Generator, int], Column]


def normal(mean: float = 0.0, sd: float = 1.0) -> Draw:
    return lambda random, n: random.normal(mean, sd, n)


def lognormal(scale: float = 1.0) -> Draw:
    return lambda random, n: scale * random.lognormal(0.0, 1.0, n)


def missing(share: float) -> Draw:
    return lambda random, n: np.where(random.random(n) < share, np.nan, random.normal(size=n))


def rounded(places: int) -> Draw:
    """Amounts of so many decimals; below 0 of whole tens."""
    return lambda random, n: np.round(random.normal(500.0, 80.0, n), places)


def mode(share: float, at: float) -> Draw:
    """A share of the rows is around `at`."""
    return lambda random, n: np.where(random.random(n) < share, random.normal(at, 0.05, n), random.normal(size=n))


def categories(shares: NDArray[np.float64]) -> Draw:
    names = np.array([f"c{i:04}" for i in range(len(shares))], object)
    below = np.cumsum(shares / shares.sum())
    below[-1] = 1.0
    return lambda random, n: names[below.searchsorted(random.random(n), "right")]


def uniform(k: int) -> NDArray[np.float64]:
    return np.full(k, 1.0 / k)


def moved(k: int, points: float) -> NDArray[np.float64]:
    """One of k equal categories has gained `points` from all others alike."""
    shares = uniform(k)
    shares[k // 2] += points
    others = np.arange(k) != k // 2
    shares[others] *= (1.0 - shares[k // 2]) / shares[others].sum()
    return shares


def zipf(k: int) -> NDArray[np.float64]:
    return np.asarray(1.0 / np.arange(1.0, k + 1.0))


class Autoregressive:
    """AR(1) with unit variance that goes on from one call to the next."""

    def __init__(self, rho: float) -> None:
        self._rho, self._state = rho, None

    def __call__(self, random: np.random.Generator, n: int) -> Column:
        if self._state is None:
            self._state = np.array([self._rho * random.normal()])
        noise = np.sqrt(1.0 - self._rho**2) * random.normal(size=n)
        values, self._state = lfilter([1.0], [1.0, -self._rho], noise, zi=self._state)
        return np.asarray(values)


TRAINED: Final = 42 * DAY
"""Seconds of training data, where that has a clock."""


def clock(rows: int = ROWS) -> NDArray[np.float64]:
    """When each training row was."""
    return EPOCH - TRAINED + (np.arange(rows) + 0.5) * (TRAINED / rows)


def steady(draws: Mapping[str, Draw], seed: int, sizes: list[int], **other: object) -> Stream:
    """Every column goes on as it was in training."""
    return changing(draws, draws, seed, sizes, len(sizes), **other)


def changing(
    before: Mapping[str, Draw],
    after: Mapping[str, Draw],
    seed: int,
    sizes: list[int],
    onset: int,
    *,
    trained: int = ROWS,
    **other: object,
) -> Stream:
    """Columns are drawn as `before` in training and in the first windows, then as `after`."""
    random = np.random.default_rng(seed)
    reference = {name: draw(random, trained) for name, draw in before.items()}

    def windows() -> Iterator[Columns]:
        for window, n in enumerate(sizes):
            yield {name: draw(random, n) for name, draw in (before if window < onset else after).items()}

    onsets = {name: onset for name, draw in after.items() if draw is not before[name]}
    return Stream(reference, windows, sum(sizes) // len(sizes), onsets, **other)  # type: ignore[arg-type]


def mixed() -> dict[str, Draw]:
    """Fifteen numeric columns, two of them autocorrelated, and fifteen of 2 to 1,000 categories."""
    numeric: dict[str, Draw] = {f"normal {i}": normal(50.0 * i, 1.0 + i) for i in range(5)}
    numeric |= {f"lognormal {i}": lognormal(10.0**i) for i in range(3)}
    numeric |= {f"counts {i}": partial(_poisson, 1.0 + 2 * i) for i in range(3)}
    numeric |= {"zeros": _zeros, "gaps": missing(0.1)}
    numeric |= {f"ar {i}": Autoregressive(0.9) for i in range(2)}
    shares = {"coin": uniform(2), "rare": np.array([0.98, 0.02])}
    shares |= {f"{name} {k}": make(k) for k in (5, 20, 50, 200) for name, make in (("even", uniform), ("zipf", zipf))}
    shares |= {f"{name} {k}": make(k) for k in (500, 1000) for name, make in (("even", uniform), ("zipf", zipf))}
    shares |= {"three": np.array([0.7, 0.2, 0.1])}
    return numeric | {name: categories(each) for name, each in shares.items()}


def _poisson(mean: float, random: np.random.Generator, n: int) -> Column:
    return random.poisson(mean, n).astype(np.float64)


def _zeros(random: np.random.Generator, n: int) -> Column:
    return np.where(random.random(n) < 0.6, 0.0, random.exponential(1.0, n))


def null(n: int, seed: int, slides: int = 1, windows: int = MONTH) -> Stream:
    return steady(mixed(), seed, [n] * windows, slides=slides)


def tripling(seed: int, slides: int = 1) -> Stream:
    """Traffic grows from 500 to 1,500 rows an hour."""
    return steady(mixed(), seed, np.linspace(500, 1500, MONTH).astype(int).tolist(), slides=slides)


def autocorrelated(rho: float, n: int, seed: int, windows: int = MONTH) -> Stream:
    return steady({f"ar {i}": Autoregressive(rho) for i in range(10)}, seed, [n] * windows)


WEEKEND: Final = (2, 3)
"""Saturday and Sunday, days from a Thursday, as 1 January 1970 was."""


def daily(
    n: int,
    seed: int,
    *,
    shuffled: bool = False,
    growing: bool = False,
    windows: int = MONTH,
    step: int = 0,
    size: float = 4 * THETA,
    swing: float = 0.5,
    weekend: float = 0.0,
    begin: int = EPOCH,
) -> Stream:
    """Means swing by so many standard deviations a day, and are lower by as many as `weekend` in the days of one.

    step: from this window on two columns are so much higher.
    """
    random = np.random.default_rng(seed)
    phases = {f"x{i}": i * 0.7 for i in range(5)}
    times = clock()

    def at(seconds: NDArray[np.float64], phase: float) -> Column:
        mean = swing * np.sin(2 * np.pi * seconds / DAY + phase) - weekend * np.isin(seconds // DAY % 7, WEEKEND)
        return np.asarray(mean + random.normal(size=len(seconds)))

    order = random.permutation(ROWS) if shuffled else np.arange(ROWS)
    reference = {name: at(times, phase)[order] for name, phase in phases.items()}
    sizes = np.linspace(n, 3 * n if growing else n, windows).astype(int)
    raised = list(phases)[:2] if step else []

    def live() -> Iterator[Columns]:
        for window, rows in enumerate(sizes):
            seconds = begin + np.sort(random.uniform(window * HOUR, (window + 1) * HOUR, rows))
            higher = _shift(size) if step and window >= step else 0.0
            yield {name: at(seconds, phase) + (higher if name in raised else 0.0) for name, phase in phases.items()}

    return Stream(reference, live, n, dict.fromkeys(raised, step), times=None if shuffled else times, begin=begin)


def weekly(seed: int, *, shuffled: bool, step: int = 0, size: float = 4 * THETA) -> Stream:
    """Weekends half a standard deviation lower; each seed begins on another day of the week."""
    begin, windows = EPOCH + seed * DAY, step + 168 if step else MONTH
    return daily(1000, seed, shuffled=shuffled, windows=windows, step=step, size=size, weekend=0.5, begin=begin)


def _shift(distance: float) -> float:
    """By how many standard deviations a normal mean moves for a Kolmogorov-Smirnov distance."""
    return float(2.0 * norm.ppf((1.0 + distance) / 2.0))


def drift(
    before: Draw,
    after: Draw,
    n: int,
    seed: int,
    *,
    quiet: int = QUIET,
    after_windows: int = AFTER,
    clocked: bool = True,
    trained: int = ROWS,
    chunks: int | None = None,
) -> Stream:
    """Two thirds of thirty alike columns change."""
    names = [f"x{i}" for i in range(COLUMNS)]
    return changing(
        dict.fromkeys(names, before),
        {name: after if i < DRIFTED else before for i, name in enumerate(names)},
        seed,
        [n] * (quiet + after_windows),
        quiet,
        trained=trained,
        times=clock(trained) if clocked else None,
        chunks=chunks,
    )


def swapped(n: int, seed: int) -> Stream:
    """Two columns come in each other's place; eight others do not."""
    before: dict[str, Draw] = {f"x{i}": normal(float(i), 1.0 + 0.2 * i) for i in range(10)}
    return changing(
        before, before | {"x2": before["x5"], "x5": before["x2"]}, seed, [n] * (QUIET + AFTER), QUIET, times=clock()
    )


def levels(seed: int) -> Stream:
    """A setting that stays for 1,000 rows at a time, on one of two levels; a third one from the 60th hour on."""
    random = np.random.default_rng(seed)
    names = [f"x{i}" for i in range(4)]
    reference = {name: np.repeat(random.permutation([1.0, 2.0] * (ROWS // 2000)), 1000) for name in names}

    def windows() -> Iterator[Columns]:
        for window in range(72):
            level = {name: float(random.integers(1, 3)) for name in names}
            level |= dict.fromkeys(names[:2], 1.5 if seed % 2 else 3.0) if window >= 60 else {}
            yield {name: np.full(1000, level[name]) for name in names}

    return Stream(reference, windows, 1000, dict.fromkeys(names[:2], 60))


def correlated(seed: int, *, change: bool) -> Stream:
    """Two columns become correlated, .5, in the 20th hour; each keeps its distribution."""
    random = np.random.default_rng(seed)

    def rows(n: int, rho: float) -> Columns:
        a, b = random.normal(size=(2, n))
        return {"a": a, "b": rho * a + np.sqrt(1.0 - rho**2) * b, "c": random.normal(size=n)}

    reference = rows(ROWS, 0.0)

    def windows() -> Iterator[Columns]:
        for window in range(44 if change else MONTH):
            yield rows(1000, 0.5 if change and window >= 20 else 0.0)

    onsets = dict.fromkeys("ab", 20) if change else {}
    return Stream(reference, windows, 1000, onsets, times=clock(), anywhere=change)


RETRIED: Final = 0.3
"""Hours with retries."""

MOST_TRIES: Final = 25


def retries(n: int, seed: int, windows: int = MONTH // 3) -> Stream:
    """In some hours all requests come up to 25 times, or one in ten does, or a health check is a third of the rows."""
    draws = mixed() | {f"x{i}": normal(float(i)) for i in range(6)}
    stream, random = steady(draws, seed, [n] * windows), np.random.default_rng((seed, n))

    def live() -> Iterator[Columns]:
        for rows in stream.windows():
            places = _retried(random, n) if random.random() < RETRIED else np.arange(n)
            yield {name: values[places] for name, values in rows.items()}

    return replace(stream, windows=live, unclaimed=frozenset({"duplicates"}))


def _retried(random: np.random.Generator, n: int) -> NDArray[np.int64]:
    """Which of the rows come, [n]."""
    kind, tries = random.integers(3), int(random.integers(2, MOST_TRIES + 1))
    if kind == 0:
        return np.asarray(
            np.resize(random.permutation(np.repeat(random.permutation(n)[: max(n // tries, 4)], tries)), n)
        )
    often = np.where(random.random(n) < 0.1, tries, 1) if kind == 1 else np.array([n // 2, *[1] * (n - 1)])
    return np.asarray(random.permutation(np.repeat(np.arange(n), often)[: n + n // 2])[:n])


def rare(
    before: float,
    seed: int,
    *,
    after: float | None = None,
    wander: float = 0.0,
    n: int = 1000,
    windows: int = MONTH,
    onset: int = 0,
    length: int = HOUR,
    columns: int = COLUMNS,
) -> Stream:
    """Flags, categories and missing values that are rare; from the window `onset` on two thirds of them change.

    wander: the coefficient of variation of each rate, which forgets a tenth of its past in an hour.
    """
    random, times = np.random.default_rng(seed), clock()
    names = [f"{kind} {i}" for i in range(columns // 3) for kind in ("flag", "category", "missing")]
    moving = [] if after is None else names[: 2 * columns // 3]
    past, future = int(TRAINED / HOUR), int(windows * length / HOUR) + 1
    level = {name: _wandering(random, wander, past + future) for name in names}

    def draw(name: str, share: float, seconds: NDArray[np.float64]) -> Column:
        hour = np.floor((seconds - EPOCH + TRAINED) / HOUR).astype(int)
        inside = random.random(len(seconds)) < share * level[name][hour]
        if name.startswith("flag"):
            return inside.astype(np.float64)
        if name.startswith("category"):
            return np.where(inside, "rare", np.where(random.random(len(seconds)) < 0.6, "a", "b")).astype(object)
        return np.where(inside, np.nan, random.normal(size=len(seconds)))

    reference = {name: draw(name, before, times) for name in names}

    def live() -> Iterator[Columns]:
        for window in range(windows):
            seconds = EPOCH + np.sort(random.uniform(window * length, (window + 1) * length, n))
            changed = frozenset(moving if window >= onset else ())
            yield {name: draw(name, float(after or 0.0) if name in changed else before, seconds) for name in names}

    return Stream(reference, live, n, dict.fromkeys(moving, onset), times=times, length=length)


def _wandering(random: np.random.Generator, variation: float, hours: int) -> NDArray[np.float64]:
    """A factor of mean 1 for each hour: lognormal, its logarithm an AR(1) of .9."""
    deviation = float(np.sqrt(np.log1p(variation**2)))
    noise = lfilter([np.sqrt(1.0 - 0.9**2)], [1.0, -0.9], random.normal(size=hours + 100))[100:]
    return np.asarray(np.exp(deviation * noise - deviation**2 / 2.0))


def frozen(random: np.random.Generator, n: int) -> Column:
    return np.full(n, 0.1)


def in_other_units(random: np.random.Generator, n: int) -> Column:
    """Degrees Fahrenheit where Celsius were trained on."""
    return 32.0 + 1.8 * random.normal(15.0, 8.0, n)


KINDS: Final[Mapping[str, tuple[Draw, Draw]]] = {
    "lognormal x1.5": (lognormal(), lognormal(1.5)),
    "variance x1.5": (normal(), normal(0.0, 1.5**0.5)),
    "mode 10 %": (normal(), mode(0.1, 2.5)),
    "mode 10 % in the middle": (normal(), mode(0.1, 0.3)),
    "missing 10 to 22 %": (missing(0.1), missing(0.22)),
    "2 decimals to none": (rounded(2), rounded(0)),
    "none to whole tens": (rounded(0), rounded(-1)),
    "unit change": (normal(15.0, 8.0), in_other_units),
    "constant": (normal(), frozen),
    **{f"k={k}, one bin + 10 points": (categories(uniform(k)), categories(moved(k, 0.1))) for k in (2, 50, 200, 1000)},
    "k=200, one bin + 5 points": (categories(uniform(200)), categories(moved(200, 0.05))),
}
"""What a column was, and what it becomes."""

RIVALS: Final = (1000, 10_000)
"""Rows of a window in streams of drift that other packages are given too."""

SIZES: Final = {"θ/2": THETA / 2, "θ": THETA, "2θ": 2 * THETA}


TRAINED_OTHERWISE: Final[Mapping[str, Mapping[str, int]]] = {
    ", 10,000 trained": {"trained": 10_000},
    ", 10 chunks": {"chunks": 10},
    ", 10,000 trained in 10 chunks": {"trained": 10_000, "chunks": 10},
}
"""Training data that tells less."""


WANDERING: Final = {"": 0.0, ", rates wander": 0.3}

RARE: Final = {"3 % to 0": (0.03, 0.0), ".1 to .4 %": (0.001, 0.004), "1 to 3 %": (0.01, 0.03)}


def _rare_drift(
    before: float, after: float, seed: int, *, wander: float = 0.0, n: int = 1000, minutes: int = 60
) -> Stream:
    """After two days, for four days, in windows of 1 to 32 of an hour or a day at most."""
    quiet, lasting = (max(2880 // minutes, 4), max(5760 // minutes, 4))
    return rare(
        before, seed, after=after, wander=wander, n=n, windows=quiet + lasting, onset=quiet, length=60 * minutes
    )


def _mean_shift(distance: float, n: int, seed: int, **trained: int) -> Stream:
    after = AFTER if n <= 10_000 else 2
    return drift(normal(), normal(_shift(distance)), n, seed, after_windows=after, **trained)  # type: ignore[arg-type]


SCENARIOS: Final = (
    Scenario("null, 30 mixed columns, n=1000", partial(null, 1000), seeds=160),
    # Many beginnings: in its first day least is known of a stream.
    Scenario("null, 30 mixed columns, first two days", partial(null, 1000, windows=48), seeds=160),
    *(Scenario(f"null, 30 mixed columns, n={n}", partial(null, n), seeds=10) for n in (50, 200)),
    Scenario("null, 30 mixed columns, n=10000", partial(null, 10_000, windows=100), seeds=4),
    Scenario("null, traffic triples", tripling, seeds=8),
    Scenario("null, 5-minute slides", partial(null, 1000, slides=12), seeds=4),
    Scenario("null, 5-minute slides, traffic triples", partial(tripling, slides=12), seeds=2),
    *(
        Scenario(f"null, AR(1) {rho}, n={n}", partial(autocorrelated, rho, n), seeds=6)
        for rho in (0.5, 0.9, 0.99)
        for n in (50, 200, 1000)
    ),
    Scenario("null, daily cycle", partial(daily, 1000), seeds=6),
    Scenario("null, daily cycle, traffic triples", partial(daily, 500, growing=True), seeds=6),
    *(Scenario(f"two days, 30 mixed columns, n={n}", partial(null, n, windows=48), 2, 1) for n in (100, 1000, 10_000)),
    *(Scenario(f"two days, AR(1) {rho}", partial(autocorrelated, rho, 1000, windows=48), 2, 1) for rho in (0.5, 0.9)),
    Scenario("two days, daily cycle", partial(daily, 1000, windows=48), 2, 1),
    *(
        Scenario(f"shift {name}, n={n}", partial(_mean_shift, size, n), 2 if n <= 10_000 else 1, int(n in RIVALS))
        for name, size in SIZES.items()
        for n in (50, 200, 500, 1000, 10_000, 100_000, 1_000_000)
    ),
    *(
        Scenario(f"shift 2θ, n={n}{name}", partial(_mean_shift, 2 * THETA, n, **trained), 2)
        for name, trained in TRAINED_OTHERWISE.items()
        for n in (200, 500, 1000)
    ),
    *(
        Scenario(f"daily cycle, step {name}", partial(daily, 1000, windows=96, step=48, size=size), 2, 1)
        for name, size in {"2θ": 2 * THETA, "4θ": 4 * THETA}.items()
    ),
    *(
        Scenario(f"{name}, n={n}", partial(drift, *kind, n), 2, int(n in RIVALS))
        for name, kind in KINDS.items()
        for n in (200, 1000, 5000)
    ),
    *(
        Scenario(f"no clock, {name}, n=1000", partial(drift, *kind, 1000, clocked=False), seeds=2)
        for name, kind in {"shift 2θ": (normal(), normal(_shift(2 * THETA))), **KINDS}.items()
    ),
    Scenario("swapped columns, n=1000", partial(swapped, 1000), 4, 1),
    Scenario("shuffled reference, daily cycle, n=1000", partial(daily, 1000, shuffled=True), seeds=6),
    Scenario("shuffled reference, step 4θ", partial(daily, 1000, shuffled=True, step=480), seeds=6),
    Scenario("shuffled reference, weekends, n=1000", partial(weekly, shuffled=True), seeds=7),
    Scenario("shuffled reference, weekends, step 4θ", partial(weekly, shuffled=True, step=480), seeds=7),
    Scenario("step levels", levels, 8, 1),
    *(Scenario(f"retries, 36 columns, n={n}", partial(retries, n), seeds=2) for n in (200, 1000)),
    *(
        Scenario(f"null, rare {100 * share:g} %{also}", partial(rare, share, wander=wander), seeds=2)
        for share in (0.001, 0.01, 0.03)
        for also, wander in WANDERING.items()
    ),
    *(
        Scenario(f"rare {name}{also}", partial(_rare_drift, before, after, wander=wander), 2, int(not wander))
        for name, (before, after) in RARE.items()
        for also, wander in WANDERING.items()
    ),
    *(Scenario(f"rare {name}, n={n}", partial(_rare_drift, *RARE[name], n=n), 1) for name in RARE for n in (200, 5000)),
    *(
        Scenario(
            f"rare {name}, {minutes} minutes",
            partial(_rare_drift, *RARE[name], n=1000 * minutes // 60, minutes=minutes),
            1,
        )
        for name in RARE
        for minutes in (5, 360, 1440)
    ),
    Scenario("correlation, null", partial(correlated, change=False), seeds=4),
    Scenario("correlation 0 to .5", partial(correlated, change=True), 4, 1),
)
