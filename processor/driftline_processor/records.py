"""The records that flow through the processor: frozen and all but free of behaviour.

Times are integers, nanoseconds since the Unix epoch, as in OTLP. Imports only verdicts, and of the
instrumentation sketches, row batches, outcomes and the key of a column.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Final, NamedTuple, TypeAlias

import numpy as np

from driftline.outcomes.event import Outcome
from driftline.reference.clocks import Clock
from driftline.reference.outcome_profile import OutcomeProfile
from driftline.reference.profile_column import ColumnKey as ColumnKey  # noqa: PLC0414  # exported
from driftline.reference.row_repeats import RowRepeats
from driftline.rows.batch import RowBatch
from driftline.segments.training import SegmentTraining
from driftline.semconv import TENANT_NAME
from driftline.sketch import Intervals
from driftline.sketch.arrays import FloatArray, IntArray
from driftline.sketch.encoded import Sketch
from driftline.sketch.pairs import Pair
from driftline_processor.verdicts.verdict import Verdict

Scalar: TypeAlias = float | str | bool | None

ColumnValues: TypeAlias = FloatArray | Sequence[Scalar]
"""The values of a column: numbers, NaN where missing, or plain values, None where missing."""


MILLISECOND: Final = 1_000_000


class ModelKey(NamedTuple):
    """A served model: name, version ("" if unknown) and resource.

    `resource` holds the resource attributes that results keep, as sorted pairs: service.name, service.namespace and
    deployment.environment.name. The same model in production and in staging has two keys. So has a model that two
    tenants serve: the credential of a sender adds its tenant.
    """

    name: str
    version: str = ""
    resource: tuple[tuple[str, str], ...] = ()

    @property
    def tenant(self) -> str:
        """Whose the model is; "" where nobody is named."""
        return dict(self.resource).get(TENANT_NAME, "")


class PointExemplar(NamedTuple):
    """A call that a point counts. call: trace id and span id. value: None where it is missing."""

    call: bytes
    time: int
    value: Scalar


class SketchPoint(NamedTuple):
    """An exponential histogram: the middle of a column's sketch, or one of its tails.

    `stream` is a digest of resource, scope, metric and attributes; with `start` it identifies the stream (a new start
    is a new stream), with `time` also the point. A cumulative point counts since `start`, a delta since the last point.
    """

    stream: bytes
    model: ModelKey
    column: ColumnKey
    operation: str
    start: int
    time: int
    cumulative: bool
    histogram: Sketch
    exemplars: tuple[PointExemplar, ...] = ()


class CountPoint(NamedTuple):
    """A counter of a column's rows in one category, in one state, or with so many decimals, by `kind`.

    The other fields are those of a SketchPoint.
    """

    stream: bytes
    model: ModelKey
    column: ColumnKey
    operation: str
    start: int
    time: int
    cumulative: bool
    kind: str
    value: str
    count: float  # type: ignore[assignment]  # the rows, not tuple.count
    exemplars: tuple[PointExemplar, ...] = ()


class RowsPoint(NamedTuple):
    """The counter of the model's input rows; its column is empty. traces: hexadecimal trace ids of its exemplars.

    The other fields are those of a SketchPoint.
    """

    stream: bytes
    model: ModelKey
    column: ColumnKey
    operation: str
    start: int
    time: int
    cumulative: bool
    count: float  # type: ignore[assignment]  # the rows, not tuple.count
    traces: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class ExampleRows:
    """The rows of spans that are not sketched already; all of one model and operation, with equal columns and `rows`.

    keys: trace id and span id, [spans]. times: [spans]. weights: one over the sampling probability (`ot=th` in the
    trace state), [spans]. columns: the values of each, span after span, [spans * rows]. senders: digests of the
    resources that they came from, and others of their request: what came by one queue has come as far.
    """

    model: ModelKey
    operation: str
    keys: Sequence[bytes]
    times: IntArray
    weights: FloatArray
    rows: int
    columns: Mapping[ColumnKey, ColumnValues]
    senders: tuple[bytes, ...] = ()

    def chosen(self, which: Sequence[int] | IntArray) -> "ExampleRows":
        """The record of some of the spans, by index."""
        if len(which) == len(self.keys):
            return self
        index = np.asarray(which, np.int64)
        rows = (index[:, None] * self.rows + np.arange(self.rows)).ravel()
        return replace(
            self,
            keys=[self.keys[i] for i in which],
            times=self.times[index],
            weights=self.weights[index],
            columns={
                column: values[rows] if isinstance(values, np.ndarray) else [values[i] for i in rows.tolist()]
                for column, values in self.columns.items()
            },
        )


@dataclass(frozen=True, slots=True, eq=False)
class ModelRows:
    """A batch of rows with their ids, a sample of those that sketches count: to join, never to count columns by."""

    model: ModelKey
    operation: str
    batch: RowBatch

    @property
    def time(self) -> int:
        """The newest of its rows, Unix nanoseconds; 0 without any."""
        return int(self.batch.table.times.max(initial=0))


@dataclass(frozen=True, slots=True)
class SaidOutcomes:
    """What became true of rows of any model. resource: of who says so, as that of a ModelKey."""

    outcomes: tuple[Outcome, ...]
    resource: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class MeasuredPerformance:
    """How right a model was in the predictions of a window, as far as their labels have come.

    time: of which it is told, Unix nanoseconds. metrics: (name, class) -> value, low and high; those that too few
    labels refuse are left out. labels: labelled rows, of so many sampled ones. figures: (name, class) -> rows, mean and
    sum of a business figure. maturity: share of the labels to come that are here, None where it is unknown. basis:
    what the values come from.
    """

    model: ModelKey
    window: "Window"
    time: int
    labels: int
    rows: int
    metrics: Mapping[tuple[str, str], tuple[float, float, float]]
    figures: Mapping[tuple[str, str], tuple[int, float, float]] = field(default_factory=dict)
    maturity: float | None = None
    basis: str = "labels"


@dataclass(frozen=True, slots=True)
class ReferencePart:
    """Part of a reference received over OTLP: each point as the bytes of a MetricsData, by digest.

    The Collector may split a reference over requests; it is complete with `expected` points of this `id`.
    model, version: whose reference it is. service: who sends it, as `service.namespace/service.name`, or "".
    """

    id: str
    expected: int
    points: Mapping[bytes, bytes]
    model: str = ""
    version: str = ""
    service: str = ""

    @property
    def key(self) -> str:
        """Under which its points are gathered: those of two senders never mix."""
        return f"{self.id} of {self.service}" if self.service else self.id


InputRecord: TypeAlias = SketchPoint | CountPoint | RowsPoint | ExampleRows | ModelRows | ReferencePart | SaidOutcomes


class Rejection(NamedTuple):
    """Rejected items of a request; the reason names the thing, the rule and the value."""

    items: int
    reason: str


@dataclass(frozen=True, slots=True)
class Batch:
    """A decoded request. sketched: rows of spans that sketches have counted already, to name calls by."""

    records: tuple[InputRecord, ...] = ()
    rejections: tuple[Rejection, ...] = ()
    sketched: tuple[ExampleRows, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class ColumnSummary:
    """The contents of a column in an interval of time: the sum of its sketches, categories and states.

    rows: sum of the weights of all rows; squares: sum of their squares (equal to rows without sampling). decimals: of
    numbers, rows by how many they have, of as many rows as were looked at. Immutable:
    `summary_ops.total` adds summaries up, `Accumulator` adds rows.
    """

    intervals: Intervals = field(default_factory=Intervals.empty)
    categories: Mapping[str, float] = field(default_factory=dict)
    states: Mapping[str, float] = field(default_factory=dict)
    rows: float = 0.0
    squares: float = 0.0
    decimals: Mapping[str, float] = field(default_factory=dict)


class Window(NamedTuple):
    """An interval of event time: start <= time < end."""

    start: int
    end: int


class AlarmChange(Enum):
    """What became of an alarm, or of an incident."""

    OPENED = "opened"
    UPDATED = "updated"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class AlarmEvent:
    """A change of an alarm. opened: the end of the window that opened it; time: of the one that changed it.

    id: of the alarm, the same in all of its events and in every replay. verdict: of the window; of the last event,
    where the column was not judged any more. traces: hexadecimal ids of calls that did it, the newest first. span: the
    id of the first one's, or "". incident: the id of the incident that the alarm is part of.
    """

    id: str
    change: AlarmChange
    model: ModelKey
    column: ColumnKey
    opened: int
    time: int
    verdict: Verdict
    summary: str
    traces: tuple[str, ...]
    incident: str = ""
    span: str = ""


@dataclass(frozen=True, slots=True)
class IncidentEvent:
    """A change of an incident: of all alarms of a model that are open together.

    id: of the incident, the same in all of its events and in every replay. opened, time, traces, span: as of an alarm.
    columns: those in alarm, the one with the strongest evidence first; of an incident that closes, all that were in it.
    """

    id: str
    change: AlarmChange
    model: ModelKey
    opened: int
    time: int
    columns: tuple[ColumnKey, ...]
    summary: str
    traces: tuple[str, ...] = ()
    span: str = ""


class Histogram(NamedTuple):
    """A numeric column in the bins of its reference: shares of its values in training and now, [bins].

    edges: upper edges of all bins but the last; the first bin lies below the training minimum, the last one above the
    maximum, [bins - 1].
    """

    edges: FloatArray
    reference: FloatArray
    current: FloatArray


@dataclass(frozen=True, slots=True)
class ColumnResult:
    """A column in a window: sample sizes, distribution and, if the reference has it, statistics and a verdict.

    statistics: name -> value, of those that apply. distribution, reference_distribution: mean, p05, p50 and p95 of a
    numeric column, in the window and in the reference. shares, reference_shares: class -> share, of a categorical one,
    likewise. states: state -> share of the rows without a usable value, of those that came. verdict: of the aspect
    with the highest score. alarm: the id of the column's alarm while it is open. detectable: how far its values have to
    move to be in alarm in every other such window, a share of rows; None where there are none. histogram: of a numeric
    column with rows. type: of its values in training, "" where the reference does not know it.
    """

    column: ColumnKey
    rows: float
    effective_rows: float
    reference_rows: float
    statistics: Mapping[str, float]
    distribution: Mapping[str, float]
    shares: Mapping[str, float]
    verdict: Verdict | None
    alarm: str | None = None
    reference_distribution: Mapping[str, float] = field(default_factory=dict)
    reference_shares: Mapping[str, float] = field(default_factory=dict)
    states: Mapping[str, float] = field(default_factory=dict)
    detectable: float | None = None
    histogram: Histogram | None = field(default=None, compare=False, repr=False)
    type: str = ""


class SegmentFigure(NamedTuple):
    """What was measured in a segment, as a share of its rows, beside the same elsewhere. low, high: a 95 % interval."""

    value: float
    elsewhere: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class SegmentResult:
    """A segment of the rows of a window, as it is exported.

    name: its bins and categories, or its condition. kind: of semconv.SEGMENT_KINDS. share: of all rows.
    reference_share: in training, None where that did not count it. figures: by what was measured.
    """

    name: str
    kind: str
    rows: float
    share: float
    reference_share: float | None
    figures: Mapping[str, SegmentFigure] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WindowResult:
    """The results of a model in one window. provisional: the reference is live data, for want of a training profile.

    reference: id of the reference compared with, if any. alarms, incidents: what changed with this window. unmatched:
    how many columns do not match the reference, by what is the matter with them. repeated_at: of a model without rows
    since the window: when its open alarms are repeated, with what was last said of them. overtaken: that happened,
    for a later time than the window's. revision: how often the window had been judged before: rows have come late.
    segments: those that were declared, and those that stand out, as far as there is room for series.
    """

    model: ModelKey
    window: Window
    rows: float
    reference: str | None
    provisional: bool
    columns: tuple[ColumnResult, ...]
    alarms: tuple[AlarmEvent, ...] = ()
    unmatched: Mapping[str, int] = field(default_factory=dict)
    incidents: tuple[IncidentEvent, ...] = ()
    repeated_at: int | None = None
    overtaken: bool = False
    revision: int = 0
    segments: tuple[SegmentResult, ...] = ()

    @property
    def time(self) -> int:
        """Of which the result is true, Unix nanoseconds.

        Revisions are a millisecond later each: backends keep one value for a time.
        """
        return self.window.end + self.revision * MILLISECOND if self.repeated_at is None else self.repeated_at


@dataclass(frozen=True, slots=True, eq=False)
class ReferenceColumn:
    """What the training data held in one column.

    kind: "numeric" or "category". edges: upper edges of all bins of a numeric column but the last, m of them for m + 1
    bins; the first lies below the training minimum, the last above the maximum. categories: those with a bin of
    their own in chunks, where one more holds all others; minor: of those others, the ones whose rows in the whole
    are known. chunks: [chunk, bin] counts. states: state -> [chunk, 2] counts, "not it" and "it". pair: of a pair.
    tolerance: its own, if it has one. decimals: rows by chunk and number of decimals, [chunk, LEVELS], if known.
    block: that it belongs to, in the user's words. cluster: the first of many inputs that were correlated with it.
    """

    key: ColumnKey
    type: str
    kind: str
    summary: ColumnSummary
    edges: FloatArray
    categories: tuple[str, ...]
    chunks: FloatArray
    states: Mapping[str, FloatArray]
    pair: Pair | None = None
    minor: tuple[str, ...] = ()
    tolerance: float | None = None
    decimals: FloatArray | None = None
    block: str | None = None
    cluster: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """A training profile, or live data in its place (`provisional`).

    has_timestamps: the chunks are stretches of time, and starts and ends are Unix seconds; else they are row numbers.
    inputs: names of the inputs in the order of the training data; empty where that is not known.
    row_repeats: how often rows repeat, by the digest of the names of their columns. clocks: inputs that tell the time.
    outcomes: how labels went with predictions, where that is known.
    segments: training's counts of bins and categories, and of pairs of them.
    """

    id: str
    name: str
    version: str
    provisional: bool
    has_timestamps: bool
    starts: FloatArray
    ends: FloatArray
    columns: Mapping[ColumnKey, ReferenceColumn]
    inputs: tuple[str, ...] = ()
    row_repeats: Mapping[str, RowRepeats] = field(default_factory=dict)
    clocks: tuple[Clock, ...] = ()
    outcomes: OutcomeProfile | None = None
    segments: SegmentTraining | None = None
