"""Reasons in words: "share above 3.2: 20% → 35%; the last window by itself is healthy"."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any, Final

from driftline.sketch.decimals import MORE
from driftline_processor.verdicts.numbers import number, number_range, percent, percents
from driftline_processor.verdicts.reasons import (
    TRUE,
    Bound,
    ChangedDecimals,
    ClockOff,
    ConstantMembers,
    DetectionLimit,
    ExplainedByBlock,
    ExplainedByMembers,
    InSeason,
    InThePast,
    LooksLike,
    ManyCategories,
    ManyColumns,
    MayBeSeason,
    Moved,
    Multiplied,
    NeverSeen,
    NoRows,
    OutcomesMoved,
    Reason,
    Recovered,
    Region,
    Repeated,
    SegmentStandsOut,
    Stated,
    StillOpen,
    Widened,
)

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)

ENOUGH_CHUNKS: Final = 64
"""Time chunks of the training data below which natural variation is known too badly for a monthly budget."""


def sentence(reasons: Iterable[Reason]) -> str:
    """All of them, in their order."""
    return "; ".join(_CLAUSES[type(reason)](reason) for reason in reasons)


def _moved(reason: Moved) -> str:
    which = _SHARES[reason.region](reason)
    if reason.region is Region.HIGHER_RANK:  # always half of them in training
        return f"{which} in {100.0 * reason.after:.0f} of 100 comparisons"
    before, after = percents(reason.before, reason.after)
    return f"{which}: {before} → {after}"


_SHARES: Final[Mapping[Region, Callable[[Moved], str]]] = {
    Region.BELOW_MINIMUM: lambda moved: f"share below the training minimum {_end(moved.high)}",
    Region.UP_TO: lambda moved: f"share up to {_end(moved.high)}",
    Region.WITHIN: lambda moved: f"share in {_end(moved.low)} to {_end(moved.high)}",
    Region.OUTSIDE: lambda moved: f"share outside {_end(moved.low)} to {_end(moved.high)}",
    Region.ABOVE: lambda moved: f"share above {_end(moved.low)}",
    Region.ABOVE_MAXIMUM: lambda moved: f"share above the training maximum {_end(moved.low)}",
    Region.HIGHER_RANK: lambda _: "higher than in training",
    Region.CATEGORY: lambda moved: f"share of {_category(moved.name)}",
    Region.OTHER_CATEGORIES: lambda _: "share of all other categories",
    Region.SAME_SIDE: lambda moved: f"{' and '.join(moved.members)}: on the same side of their medians",
    Region.STATE: lambda moved: str(moved.name).replace("_", " "),
}


def _category(name: str | None) -> str:
    return "true" if name == TRUE else f"'{name}'"


def _end(bound: Bound | None) -> str | None:
    return None if bound is None else number(*bound)


def _never_seen(reason: NeverSeen) -> str:
    named = ", ".join(reason.categories) + (f" and {reason.more} more" if reason.more else "")
    if reason.low is not None and reason.high is not None:
        named = number_range(reason.low, reason.high)
    return f"values never seen in training: {percent(reason.share)}" + (f" ({named})" if named else "")


def _changed_decimals(reason: ChangedDecimals) -> str:
    before, after = percents(reason.before, reason.after)
    usual, level = _decimals(reason.usual), _decimals(reason.level)
    if usual == level:
        return f"decimals: {level}, in {before} → {after} of the values"
    return f"decimals: {usual} in training, {level} now ({before} → {after} of the values)"


def _decimals(level: str) -> str:
    return _LEVELS.get(level, level.replace("+", " or more"))


_LEVELS: Final = {
    MORE: "more than 5",
    "-1": "none, but whole tens",
    "-2": "none, but whole hundreds",
    "-3": "none, but whole thousands",
}


def _many_categories(reason: ManyCategories) -> str:
    return f"many categories moved a little: {percent(reason.share)} of the rows in all"


def _many_columns(reason: ManyColumns) -> str:
    which = f"{reason.moved} of {reason.columns}" if reason.moved < reason.columns else f"{reason.columns}"
    most = f" each; {', '.join(reason.most)} most" if reason.most else " each"
    return f"{which} columns moved together, by about {percent(reason.share)} of the rows{most}"


def _constant(reason: ConstantMembers) -> str:
    verb = "is" if len(reason.members) == 1 else "are"
    return f"no data: {' and '.join(reason.members)} {verb} constant, as far as sketches tell"


def _limit(reason: DetectionLimit) -> str:
    why = f", as the training data has {reason.chunks} time chunks" if reason.chunks < ENOUGH_CHUNKS else ""
    return f"a move of less than {percent(reason.move)} of the rows may go unseen{why}"


def _widened(reason: Widened) -> str:
    why = "the training data itself varies as much"
    if reason.rows is not None:
        why = f"{reason.rows:,.0f} effective rows"
    elif reason.hours is not None:
        why = f"{reason.hours:,.0f} hours of training know no day"
    asked, tolerated = percents(reason.asked, reason.tolerated)
    return f"{asked} asked, {tolerated} tolerated: {why}"


def _like_line(reason: LooksLike) -> str:
    factor = "" if reason.factor is None else f" × {reason.factor:.3g}"
    offset = "" if reason.offset is None else f" {'+' if reason.offset > 0 else '-'} {abs(reason.offset):g}"
    return f"`{reason.column}`{factor}{offset}{f': {reason.units}?' if reason.units else ': a unit?'}"


def _like_default(reason: LooksLike) -> str:
    instead = " in place of missing values" if reason.missing else ""
    return f"a default: {number(reason.value or 0.0, 6)} in {percent(reason.share or 0.0)} of the rows{instead}"


_LIKE: Final[Mapping[str, Callable[[LooksLike], str]]] = {
    "factor": _like_line,
    "offset": _like_line,
    "swapped": lambda reason: f"`{reason.other}` in training: swapped?",
    "default": _like_default,
    "encoding": lambda reason: f"the categories of training with other {reason.other}",
}


def _in_season(reason: InSeason) -> str:
    return f"as in training at this {reason.cycle}: {percent(reason.share)}"


def _may_be_season(reason: MayBeSeason) -> str:
    """Why a stream without drift may look like this, and how to find out."""
    better = "training data in finer stretches of time" if reason.timed else "training data with a time column"
    advice = f"{better} would tell the two apart at once"
    if reason.allowed <= reason.shown:
        return f"no more than it swings with the time of day or of week ({percent(reason.allowed)}); {advice}"
    if reason.days <= 1.0:
        return f"what the time of day does is not known before 24 hours were seen; {advice}"
    return f"what the day of the week does is not known before nine days were seen; {advice}"


def _in_the_past(reason: InThePast) -> str:
    since = moment(reason.since)
    windows = f"window since {since}" if since else "earlier window"
    return f"before: the {'most' if reason.most else 'least'} of any {windows}"


def moment(time: int) -> str:
    """Unix nanoseconds as people read them; "" of rows that are numbered, which are counted from 1970 on."""
    at = _EPOCH + timedelta(microseconds=time // 1_000)
    return f"{at:%Y-%m-%d %H:%M} UTC" if at.year > _EPOCH.year else ""


def _repeated(reason: Repeated) -> str:
    """Times with one digit behind the point where they are few."""
    rows = f"{reason.rows:,.0f} rows tell as much as {reason.effective:,.0f}"
    if reason.most is not None:
        return f"one row is {percent(reason.most)} of all: {rows}"
    return f"each row comes {_times(reason.times)} on average, {_times(reason.usual)} in training: {rows}"


def _clock_off(reason: ClockOff) -> str:
    off = f"{percent(reason.share)} of the rows do not go with their time ({reason.clock})"
    if not reason.behind:
        return off
    return f"{off}, about {_duration(abs(reason.behind))} {'behind' if reason.behind > 0.0 else 'ahead'}"


def _duration(seconds: float) -> str:
    """With two digits, in the largest unit of which there is more than one."""
    for name, unit in (("years", 365.25 * 86_400.0), ("days", 86_400.0), ("hours", 3_600.0), ("minutes", 60.0)):
        if seconds >= 1.5 * unit:
            return f"{seconds / unit:,.0f} {name}" if seconds >= 9.5 * unit else f"{seconds / unit:.1f} {name}"
    return f"{seconds:.0f} seconds"


def _outcomes_moved(reason: OutcomesMoved) -> str:
    if reason.what in _ERRORS:
        moved = f"{_ERRORS[reason.what]}: {number(reason.before, 3)} → {number(reason.after, 3)} standard deviations"
    else:
        before, after = percents(reason.before, reason.after)
        moved = f"{_outcome(reason)}{_scores(reason)}: {before} expected → {after}"
    return f"{moved}, or which rows get labels has changed" if reason.selection else moved


_ERRORS: Final = {"bias": "mean error given the prediction", "size": "mean size of errors given the prediction"}


def _outcome(reason: OutcomesMoved) -> str:
    if reason.what == "label":
        return f"share of label '{reason.name}'"
    return f"rows predicted {reason.what}"


def _scores(reason: OutcomesMoved) -> str:
    if reason.low is None and reason.high is None:
        return " given their scores" if reason.what != "wrong" else ""
    if reason.low is None:
        return f" at scores below {number(reason.high or 0.0, 3)}"
    if reason.high is None:
        return f" at scores from {number(reason.low, 3)}"
    return f" at scores {number(reason.low, 3)} to {number(reason.high, 3)}"


def _times(number: float) -> str:
    return "once" if number < 1.05 else f"{number:.1f} times" if number < 9.95 else f"{number:,.0f} times"


def _segment(reason: SegmentStandsOut) -> str:
    value, low, high = percents(reason.value, reason.low, reason.high)
    of_rows = f"{percent(reason.share)} of the rows"
    if reason.segment in {"growing", "untrained"}:
        before = "never in training" if reason.segment == "untrained" else f"{percent(reason.elsewhere)} of training"
        return f"{before}, now {value} of the rows ({low} to {high})"
    if reason.segment == "unserved":
        return f"{percent(reason.elsewhere)} of training, no longer served: {value} of the rows ({low} to {high})"
    if reason.measure == "inside":
        before, after = percents(reason.elsewhere, reason.value)
        return f"{reason.aspect} {reason.inside}: {before} → {after} of its rows; {of_rows}"
    grown = f", which were {percent(reason.reference_share)} in training" if reason.segment == "cold" else ""
    since = "" if reason.dated else "weaker than elsewhere, since when is not known: "
    beside = (
        f"elsewhere {percent(reason.elsewhere)}"
        if reason.measure == "error"
        else f"{percent(reason.elsewhere)} in training"
    )
    return f"{since}{reason.measure} {value} ({low} to {high}), {beside}; {of_rows}{grown}"


def _still_open(reason: StillOpen) -> str:
    since = moment(reason.since)
    return f"alarm still open since {since}" if since else "alarm still open"


_CLAUSES: Final[Mapping[type[Reason], Callable[[Any], str]]] = {
    Moved: _moved,
    NeverSeen: _never_seen,
    ChangedDecimals: _changed_decimals,
    ManyCategories: _many_categories,
    ManyColumns: _many_columns,
    NoRows: lambda _: "no rows",
    ConstantMembers: _constant,
    DetectionLimit: _limit,
    Widened: _widened,
    Multiplied: lambda _: "rare in training: twice or half of its share is enough",
    InSeason: _in_season,
    MayBeSeason: _may_be_season,
    InThePast: _in_the_past,
    Recovered: lambda _: "the last window by itself is healthy",
    ClockOff: _clock_off,
    LooksLike: lambda reason: f"looks like {_LIKE[reason.change](reason)}",
    OutcomesMoved: _outcomes_moved,
    ExplainedByBlock: lambda reason: f"as {reason.block} moved",
    ExplainedByMembers: lambda reason: f"as {' and '.join(reason.members)} moved",
    Repeated: _repeated,
    SegmentStandsOut: _segment,
    StillOpen: _still_open,
    Stated: lambda reason: str(reason.sentence),
}
