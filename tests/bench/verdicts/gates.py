"""The gates: what the scores have to show. One that fails is told so; one whose streams were not run is not told."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Any, Final

from bench.verdicts.made import TRAINED_OTHERWISE
from bench.verdicts.methods import COUNTED, OURS
from bench.verdicts.oracles import ORACLES, Oracle
from bench.verdicts.results import Results
from bench.verdicts.score import Score

UNDECIDED: Final = ("shift θ/2", "shift θ,")
"""Drifts of the tolerance or less: whether to tell of them is no matter of being quick."""

BUDGETED: Final = 1 / (720 * 30)
"""Alarms in a window of a column: one a month, in thirty columns and hourly windows."""


@dataclass(frozen=True, slots=True)
class Gate:
    """measure: the value, and whether the gate holds; KeyError where what it needs was not run."""

    name: str
    gate: str
    measure: Callable[[Results], tuple[str, bool]]


def check(results: Results) -> list[dict[str, Any]]:
    """The gates that can be told."""
    told = []
    for gate in GATES:
        try:
            value, holds = gate.measure(results)
        except KeyError:
            continue
        told.append({"name": gate.name, "value": value, "gate": gate.gate, "holds": holds})
    return told


def _all(results: Results, begin: str) -> dict[str, Score]:
    """Our scores of all streams whose names begin so."""
    found = {name: results.total(name, OURS) for name in results.streams() if name.startswith(begin)}
    if not found:
        raise KeyError(begin)
    return found


def _null(begin: str) -> Callable[[Results], tuple[str, bool]]:
    """Pages over all streams that begin so are within what is allowed, and so are those of each."""

    def measure(results: Results) -> tuple[str, bool]:
        scores = _all(results, begin)
        total = reduce(add, scores.values())
        beyond = [name for name, score in scores.items() if not score.within_budget]
        value = f"{total.pages} pages, {total.budget:.1f} allowed" + (
            f"; beyond: {', '.join(beyond)}" if beyond else ""
        )
        return value, total.pages <= max(total.budget, 1.0) and not beyond

    return measure


def _null_rate(results: Results) -> tuple[str, bool]:
    total = reduce(add, _all(results, "null").values())
    return f"{total.false_rate:.1e}", total.false_rate <= BUDGETED


def _share(stream: str, of: Callable[[Score], float], least: float = 0.0, most: float = 1.0) -> Callable[..., Any]:
    def measure(results: Results) -> tuple[str, bool]:
        share = of(results.total(stream, OURS))
        return f"{share:.1%}", least <= share <= most

    return measure


def _soon(score: Score) -> float:
    return score.soon / score.moved


def _trivial(results: Results) -> tuple[str, bool]:
    """The worst of the streams with a shift of half the tolerance."""
    scores = _all(results, "shift θ/2")
    worst = max(scores, key=lambda name: scores[name].power)
    return f"{scores[worst].power:.1%} ({worst.split(', ')[1]})", scores[worst].power <= 0.05


def _drift(stream: str, quiet_pages: int = 0, delay: float = 0.0) -> Callable[[Results], tuple[str, bool]]:
    """All drifted columns are told of, after so many windows on average at most, and none of the others."""

    def measure(results: Results) -> tuple[str, bool]:
        score = results.total(stream, OURS)
        value = (
            f"{score.moved - score.missed} of {score.moved} after {score.mean_delay:.2f} windows, {score.pages} false"
        )
        return value, not score.missed and score.mean_delay <= delay and score.pages <= quiet_pages

    return measure


def _awakening(results: Results) -> tuple[str, bool]:
    """Delays are in windows of 48 rows: the rows until the end of the one that alarmed."""
    scores = {name: results.total("elec2, days", name) for name in COUNTED if results.seeds("elec2, days", name)}
    rows = {name: 48 * (score.mean_delay + 1) for name, score in scores.items()}
    rivals = [name for name in scores if name != OURS]
    fewest = min((scores[name].pages for name in rivals), default=None)
    if fewest is None:
        raise KeyError("elec2, days")
    best = min(rows[name] for name in rivals)
    value = f"{rows[OURS]:.0f} rows, {scores[OURS].pages} false; best of others {best:.0f} rows, fewest false {fewest}"
    return value, rows[OURS] <= best + 100 and scores[OURS].pages < fewest


def _bike(results: Results) -> tuple[str, bool]:
    score = results.total("bike, weeks", OURS)
    return f"{score.pages} false, {score.seasons} named as season", not score.pages and score.seasons > 0


def _dominance(results: Results) -> tuple[str, bool]:
    decided = [stream for stream in results.streams() if not stream.startswith(UNDECIDED)]
    compared = [stream for stream in decided if _rivals(results, stream)]
    beaten = {stream: by for stream in compared if (by := beaten_by(results, stream))}
    if not compared:
        raise KeyError("rivals")
    named = "; ".join(f"{stream} ({', '.join(by)})" for stream, by in beaten.items())
    return f"{len(compared) - len(beaten)} of {len(compared)} streams" + (
        f"; failed: {named}" if named else ""
    ), not beaten


def _rivals(results: Results, stream: str) -> list[str]:
    """The methods that can be compared with us: those that were run on a seed that we were run on as well."""
    others = [name for name in results.methods(stream) if name in COUNTED and name != OURS]
    return [name for name in others if _seeds(results, stream, name)]


def _seeds(results: Results, stream: str, rival: str) -> frozenset[int]:
    """Those of both."""
    return results.seeds(stream, OURS) & results.seeds(stream, rival)


def beaten_by(results: Results, stream: str) -> list[str]:
    """The methods that are better than we are: within the budget, and as good in all and better in one.

    By the gate: of those within the budget none has a shorter delay or fewer misses; and none that is as fast and finds
    as much has fewer false alarms.
    """
    return [rival for rival in _rivals(results, stream) if _beats(results, stream, rival)]


def _beats(results: Results, stream: str, rival: str) -> bool:
    seeds = _seeds(results, stream, rival)
    ours, theirs = results.total(stream, OURS, seeds), results.total(stream, rival, seeds)
    quicker = theirs.delay < ours.delay or theirs.missed < ours.missed
    as_good = theirs.delay <= ours.delay and theirs.missed <= ours.missed
    return (theirs.within_budget and quicker) or (as_good and theirs.pages < ours.pages)


def _rare(stream: str, windows: float, found: float) -> Callable[[Results], tuple[str, bool]]:
    """That share of the columns is told of after so many windows on average at most, and of the others none."""

    def measure(results: Results) -> tuple[str, bool]:
        score = results.total(stream, OURS)
        share = (score.moved - score.missed) / score.moved
        value = f"{share:.0%} found, after {score.mean_delay + 1.0:.1f} windows, {score.pages} false"
        return value, share >= found and score.mean_delay + 1.0 <= windows and score.within_budget

    return measure


def _agreement(stream: str, windows: int) -> Callable[[Results], tuple[str, bool]]:
    def measure(results: Results) -> tuple[str, bool]:
        score = results.total(stream, OURS)
        value = f"{score.moved - score.missed} of {score.moved} found, after {score.mean_delay:.1f} windows"
        return value, not score.missed and score.mean_delay < windows and score.within_budget

    return measure


def _beside_scipy(oracle: Oracle) -> Callable[[Results], tuple[str, bool]]:
    """The value that takes up most of what is allowed: where it holds, so do all."""

    def measure(results: Results) -> tuple[str, bool]:
        found = [each for each in results.compared if each.statistic == oracle.name]
        if not found:
            raise KeyError(oracle.name)
        worst = max(found, key=lambda each: each.used)
        value = f"{worst.difference:+.1e} at {worst.scipy:.3g} ({worst.column}), of {len(found)}"
        return value, worst.holds

    return measure


GATES: Final = (
    Gate("1 null: alarms per column-window, all null streams", f"<= {BUDGETED:.1e}", _null_rate),
    Gate("1 null: pages, all null streams", "<= allowed, in each", _null("null")),
    Gate("1 null: 30 mixed columns, 720 hourly windows", "<= 1 in 30 days", _null("null, 30 mixed columns, n=1000")),
    Gate("1 null: 30 mixed columns, first two days", "<= 1 in 30 days", _null("null, 30 mixed columns, first")),
    Gate("1 null: 5-minute slides", "<= 1 in 30 days", _null("null, 5-minute slides")),
    Gate("1 null: traffic triples", "<= 1 in 30 days", _null("null, traffic triples")),
    Gate("1 null: AR(1) .99, n=50", "within budget", _null("null, AR(1) 0.99, n=50")),
    Gate("2 trivial shift, θ/2, n to 1e6", "<= 5 % of windows", _trivial),
    # A budget at four fifths of the tolerance leaves no more of twice the tolerance in 1,000 rows (Neyman and Pearson).
    Gate("2 shift 2θ, n=1000, within two windows", ">= 60 %", _share("shift 2θ, n=1000", _soon, 0.6)),
    Gate("2 shift 2θ, n=10000, within two windows", "100 %", _share("shift 2θ, n=10000", _soon, 1.0)),
    *(
        Gate(f"2 shift 2θ, n={n}{trained}, within two windows", "printed", _share(f"shift 2θ, n={n}{trained}", _soon))
        for trained in ("", *TRAINED_OTHERWISE)
        for n in (200, 500, 1000)
        if trained or n < 1000
    ),
    *(
        Gate(f"2 {stream}", f">= {least:.0%} of windows", _share(stream, lambda score: score.power, least))
        for stream, least in {
            "lognormal x1.5, n=1000": 0.99,
            "k=200, one bin + 5 points, n=1000": 0.8,
            "k=200, one bin + 5 points, n=5000": 0.99,
            "mode 10 %, n=1000": 0.9,
            "mode 10 % in the middle, n=1000": 0.2,
            "mode 10 % in the middle, n=5000": 0.8,
            "variance x1.5, n=1000": 0.25,
            "variance x1.5, n=5000": 0.95,
            "missing 10 to 22 %, n=1000": 0.9,
        }.items()
    ),
    Gate("3 car loan", "all in chunk 5, 0 false", _drift("car loan")),
    Gate("3 car loan, faulty", "all at once, 0 false", _drift("car loan, faulty")),
    Gate("4 elec2, awakening", "<= best + 100 rows, fewest false", _awakening),
    Gate("4 bike", "0 false, season named", _bike),
    Gate("4 NOAA, pressure", "no storm", _null("noaa, years")),
    Gate("5 dominance", "never beaten", _dominance),
    Gate("6 shuffled reference, daily cycle", "within budget", _null("shuffled reference, daily cycle")),
    Gate("6 shuffled reference, step 4θ", "within 3 days", _agreement("shuffled reference, step 4θ", 72)),
    Gate("6 shuffled reference, weekends", "within budget", _null("shuffled reference, weekends, n")),
    Gate(
        "6 shuffled reference, weekends, step 4θ", "in 7 days", _agreement("shuffled reference, weekends, step 4θ", 168)
    ),
    Gate("7 step levels", "first window, 0 false", _drift("step levels")),
    Gate("10 retries, 36 columns", "no page but duplicates", _null("retries")),
    Gate("8 correlation 0 to .5", "within 5 windows", _agreement("correlation 0 to .5", 5)),
    Gate("8 correlation, null", "within budget", _null("correlation, null")),
    Gate("10 rare: null months, 30 columns of .1, 1 and 3 %", "within budget", _null("null, rare")),
    *(
        Gate(f"10 rare {stream}", f"{found:.0%} within {windows} hours", _rare(f"rare {stream}", windows, found))
        for stream, windows, found in (
            ("3 % to 0", 2, 1.0),
            ("3 % to 0, rates wander", 4, 1.0),
            (".1 to .4 %", 48, 0.9),
            (".1 to .4 %, rates wander", 48, 0.8),
            ("1 to 3 %", 24, 0.9),
        )
    ),
    *(Gate(f"9 agreement with scipy: {oracle.name}", oracle.said, _beside_scipy(oracle)) for oracle in ORACLES),
)
