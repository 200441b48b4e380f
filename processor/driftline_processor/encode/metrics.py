"""What the processor says: one row of METRICS for each metric, with its meaning and where its value stands in a result.

All are gauges: a result is true of one window. Units in braces add nothing to a name in Prometheus.
"""

import math
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from driftline import semconv
from driftline_processor.monitors.drift.statistics import STATISTICS, Statistic
from driftline_processor.records import ColumnResult, SegmentResult, WindowResult
from driftline_processor.verdicts.verdict import State

SCORE: Final = "{score}"
ROW: Final = "{row}"

STATES: Final[Mapping[State, int]] = {
    State.INSUFFICIENT_DATA: -1,
    State.HEALTHY: 0,
    State.WARNING: 1,
    State.ALARM: 2,
}
"""A verdict as a number, so that it is the value of one series and not an attribute of many."""

Values = Mapping[str, float]
"""One value under "", or several by the value of the row's `by` attribute."""


class Metric(NamedTuple):
    """A metric of ours. One of `of_column`, `of_model` and `of_segment` gives its values: none, one, or one by `by`.

    lasting: it stays true between windows, and is repeated while a model in alarm has no rows.
    """

    name: str
    unit: str
    description: str
    reading: str
    of_column: Callable[[ColumnResult], Values] | None = None
    of_model: Callable[[WindowResult], Values] | None = None
    of_segment: Callable[[SegmentResult], Values] | None = None
    by: str | None = None
    lasting: bool = False


def _statistic(statistic: Statistic) -> Metric:
    return Metric(
        f"{semconv.PREFIX}.drift.{statistic.name}",
        SCORE,
        f"{statistic.title}: {statistic.description}",
        statistic.reading,
        lambda column: _present(column.statistics, statistic.name),
    )


def _quantity(name: str, description: str) -> Metric:
    return Metric(
        f"{semconv.PREFIX}.distribution.{name}",
        "",
        description,
        "In the column's own unit; numeric columns only",
        lambda column: _present(column.distribution, name),
    )


def _reference_quantity(name: str, description: str) -> Metric:
    return Metric(
        f"{semconv.PREFIX}.reference.distribution.{name}",
        "",
        description,
        f"Plot it beside `{semconv.PREFIX}.distribution.{name}`",
        lambda column: _present(column.reference_distribution, name),
    )


def _present(values: Mapping[str, float], name: str) -> Values:
    return {"": values[name]} if name in values else {}


def _verdict(field: str) -> Callable[[ColumnResult], Values]:
    return lambda column: {} if column.verdict is None else {"": float(getattr(column.verdict, field))}


def _measured(field: str) -> Callable[[ColumnResult], Values]:
    """Of the rows of a window: without any, a zero would read as no change at all."""
    of_verdict = _verdict(field)
    return lambda column: of_verdict(column) if column.rows or column.alarm else {}


def _figure(field: str, description: str, reading: str) -> Metric:
    return Metric(
        f"{semconv.PREFIX}.segment.{field}",
        SCORE,
        description,
        reading,
        of_segment=lambda segment: {measure: getattr(each, field) for measure, each in segment.figures.items()},
        by=semconv.SEGMENT_MEASURE,
    )


def _trained_share(segment: SegmentResult) -> Values:
    return {} if segment.reference_share is None else {"": segment.reference_share}


def _state(column: ColumnResult) -> Values:
    return {} if column.verdict is None else {"": STATES[column.verdict.state]}


def _alarm(column: ColumnResult) -> Values:
    return {} if column.verdict is None else {"": int(column.alarm is not None)}


def _alarmed_columns(result: WindowResult) -> Values:
    judged = [column for column in result.columns if column.verdict is not None]
    counts = dict.fromkeys((column.column.target for column in judged), 0)
    for column in judged:
        counts[column.column.target] += column.alarm is not None
    return counts


def _incident_columns(result: WindowResult) -> Values:
    judged = [column for column in result.columns if column.verdict is not None]
    return {"": sum(column.alarm is not None for column in judged)} if judged else {}


def _incident_open(result: WindowResult) -> Values:
    return {key: int(columns > 0) for key, columns in _incident_columns(result).items()}


def _reference_rows(column: ColumnResult) -> Values:
    return {} if column.verdict is None else {"": column.reference_rows}


def _class_shares(column: ColumnResult) -> Values:
    return column.shares if column.column.target == semconv.TARGET_OUTPUT else {}


def _reference_shares(column: ColumnResult) -> Values:
    return column.reference_shares if column.column.target == semconv.TARGET_OUTPUT else {}


def _top_share(column: ColumnResult) -> Values:
    shares = _class_shares(column)
    return {"": max(shares.values())} if shares else {}


def _class_entropy(column: ColumnResult) -> Values:
    shares = [share for share in _class_shares(column).values() if share > 0.0]
    return {"": abs(-sum(share * math.log(share) for share in shares))} if shares else {}


METRICS: Final[tuple[Metric, ...]] = (
    Metric(
        semconv.INCIDENT_OPEN,
        "",
        "1 while any column of the model has an open alarm, else 0",
        "Alert on `> 0`: one page for one cause, at the error rate that `verdict.false_alarms` states",
        of_model=_incident_open,
        lasting=True,
    ),
    Metric(
        semconv.INCIDENT_COLUMN_COUNT,
        "{column}",
        "Columns with an open alarm, of all kinds together",
        "How far the incident reaches; `ml.drift.alarm` says which columns",
        of_model=_incident_columns,
        lasting=True,
    ),
    Metric(
        semconv.DRIFT_ALARM,
        "",
        "1 while the column has an open alarm, else 0",
        "Which columns an incident is about. It does not flap",
        _alarm,
        lasting=True,
    ),
    Metric(
        f"{semconv.PREFIX}.drift.alarmed.columns",
        "{column}",
        "Columns with an open alarm",
        "Many inputs at once: look at what they have in common upstream. Outputs too: the model says something else",
        of_model=_alarmed_columns,
        by=semconv.DRIFT_TARGET,
        lasting=True,
    ),
    Metric(
        semconv.DRIFT_STATE,
        "",
        "The window's verdict as a number: -1 insufficient data, 0 healthy, 1 warning, 2 alarm",
        "A warning is either small but certain, or large but not yet certain",
        _state,
    ),
    Metric(
        semconv.DRIFT_DISTANCE,
        SCORE,
        "Largest difference in the share of rows of any event, such as a value above some bound",
        "0.1: some event happens to 10 rows in 100 more, or fewer, than in the reference. Absent without rows",
        _measured("distance"),
    ),
    Metric(
        semconv.DRIFT_LOWER_BOUND,
        SCORE,
        "What the distance is at least, given the sample sizes",
        "Above `ml.drift.tolerance` there is an alarm",
        _measured("lower_bound"),
    ),
    Metric(
        semconv.DRIFT_TOLERANCE,
        SCORE,
        "What is tolerated: `verdict.tolerance`, widened by the reference's own variation",
        "Plot it beside `ml.drift.lower_bound`",
        _verdict("tolerance"),
    ),
    *map(_statistic, STATISTICS),
    Metric(
        f"{semconv.PREFIX}.drift.sample.count",
        ROW,
        "Rows of the column in the window; sampled ones by their weight",
        "Small samples have wide bounds: see `ml.drift.state` -1",
        lambda column: {"": column.rows},
    ),
    Metric(
        f"{semconv.PREFIX}.drift.reference.count",
        ROW,
        "Rows of the column in the reference",
        "Absent where no reference knows the column",
        _reference_rows,
    ),
    Metric(
        f"{semconv.PREFIX}.reference.unmatched.columns",
        "{column}",
        "Columns that do not match the reference",
        "Above 0: the processor's log says which, and what to do. Absent without a reference",
        of_model=lambda result: result.unmatched,
        by=semconv.REFERENCE_MISMATCH,
    ),
    Metric(
        semconv.WINDOW_START,
        "",
        "Start of the window that was judged, Unix seconds",
        "One for each model",
        of_model=lambda result: {"": result.window.start / 1e9},
        lasting=True,
    ),
    Metric(
        semconv.WINDOW_END,
        "",
        "End of the window that was judged, Unix seconds",
        "Far from now: no data, or late data. While alarms of a model without rows are repeated, of its last window",
        of_model=lambda result: {"": result.window.end / 1e9},
        lasting=True,
    ),
    Metric(
        semconv.WINDOW_REVISION,
        "",
        "How often the window was judged again, with rows that came late",
        "Absent where it was judged once. A revised result is a millisecond later than the one before it",
        of_model=lambda result: {"": result.revision} if result.revision else {},
    ),
    _quantity("mean", "Mean of the column's values in the window"),
    _quantity("p05", "5% of the values are at most this"),
    _quantity("p50", "Median of the values"),
    _quantity("p95", "95% of the values are at most this"),
    Metric(
        f"{semconv.PREFIX}.distribution.state.share",
        SCORE,
        "Share of the rows without a usable value: missing, non-finite or of the wrong type",
        "From 0 to 1; absent where the window had no such row",
        lambda column: column.states,
        by=semconv.FEATURE_STATE,
    ),
    Metric(
        semconv.CLASS_SHARE,
        SCORE,
        "Share of the predictions that are of this class",
        "From 0 to 1; outputs with classes only",
        _class_shares,
        by=semconv.OUTPUT_CLASS,
    ),
    _reference_quantity("mean", "Mean of the column's values in the training data"),
    _reference_quantity("p05", "5% of the training values are at most this"),
    _reference_quantity("p50", "Median of the training values"),
    _reference_quantity("p95", "95% of the training values are at most this"),
    Metric(
        f"{semconv.PREFIX}.reference.class.share",
        SCORE,
        "Share of the class among the predictions in the training data",
        f"Plot it beside `{semconv.CLASS_SHARE}`",
        _reference_shares,
        by=semconv.OUTPUT_CLASS,
    ),
    Metric(
        f"{semconv.PREFIX}.prediction.top_class.share",
        SCORE,
        "Share of the most frequent class",
        "1: the model says the same of every row",
        _top_share,
    ),
    Metric(
        f"{semconv.PREFIX}.prediction.class.entropy",
        SCORE,
        "Entropy of the shares of the classes, in nats",
        "0: one class alone; at most the logarithm of how many classes there are. A sudden fall is a collapse",
        _class_entropy,
    ),
    Metric(
        f"{semconv.PREFIX}.segment.rows",
        ROW,
        "Rows of a segment that was declared or stands out, in the stretch of windows that it was judged by",
        "At most `segments.series` of a model, declared ones first; the rest is summed as `other`",
        of_segment=lambda segment: {"": segment.rows},
    ),
    Metric(
        f"{semconv.PREFIX}.segment.share",
        SCORE,
        "Its share of all rows",
        f"Plot it beside `{semconv.PREFIX}.segment.reference.share`",
        of_segment=lambda segment: {"": segment.share},
    ),
    Metric(
        f"{semconv.PREFIX}.segment.reference.share",
        SCORE,
        "Its share of the training data",
        "Absent where training did not count it: profile again with the segment declared",
        of_segment=_trained_share,
    ),
    _figure("value", "What was measured in the segment, as a share", "Of its rows; of a share that of all rows"),
    _figure("elsewhere", "Of errors the same elsewhere, else the same in training", "What the value is judged beside"),
    _figure("low", "Lower end of the 95 % interval of the value", "Plot both ends as a band"),
    _figure("high", "Upper end of the 95 % interval of the value", "Plot both ends as a band"),
)
