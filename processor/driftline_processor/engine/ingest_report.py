"""The report on a decoded request: counts for internal metrics, reasons for the sender, notices for the operator."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from driftline.sketch.time_units import SECOND
from driftline_processor.engine.model_state import MAX_COLUMNS, MAX_KEYS, MAX_STREAMS, IngestResult, IngestStatus
from driftline_processor.records import ModelKey, Rejection

LIMIT_REASONS: Final[Mapping[IngestStatus, str]] = {
    IngestStatus.TOO_MANY_COLUMNS: f"more than limits.columns leaves to its service, or than {MAX_COLUMNS} columns",
    IngestStatus.TOO_MANY_STREAMS: f"more than {MAX_STREAMS} streams at once",
    IngestStatus.TOO_MANY_KEYS: f"more than {MAX_KEYS} spans and delta points within the lateness",
}
"""The limits that reject an item."""


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What happened to the records of a request.

    counted, duplicates: items, that is points and spans. late: rows that arrived too late, by model.
    """

    counted: int = 0
    duplicates: int = 0
    late: Mapping[ModelKey, float] = field(default_factory=dict)
    rejections: tuple[Rejection, ...] = ()
    notices: tuple[str, ...] = ()


@dataclass(slots=True)
class _Late:
    """Late items of a model: their rows, and the greatest lag behind the newest event time, in nanoseconds.

    age: how old, at the time of receipt, the oldest one was.
    """

    items: int = 0
    rows: float = 0.0
    behind: int = 0
    age: int = 0


class IngestReportBuilder:
    """Collects ingest results; the report has one reason or notice per model and kind."""

    def __init__(self, lateness: int, retention: int = 0, received: int | None = None) -> None:
        self._lateness, self._retention, self._received = lateness, retention, received
        self._items: Counter[IngestStatus] = Counter()
        self._late: dict[ModelKey, _Late] = {}
        self._clocks_ahead: dict[ModelKey, int] = {}
        self._rejected: Counter[str] = Counter()
        self._notices: dict[str, None] = {}

    def add(self, model: ModelKey, result: IngestResult, newest: int) -> None:
        """newest: the newest event time of the model."""
        self._items[result.status] += result.items
        if result.status is IngestStatus.LATE:
            late = self._late.setdefault(model, _Late())
            late.items, late.rows = late.items + result.items, late.rows + result.rows
            late.behind = max(late.behind, newest - result.time)
            late.age = max(late.age, (newest if self._received is None else self._received) - result.time)
        elif result.status is IngestStatus.BASELINE:
            self._notice(model, "a stream started more than an hour ago; counting from now on")
        elif result.status in LIMIT_REASONS:
            self.reject(f"{describe_model(model)}: {LIMIT_REASONS[result.status]}", result.items)
        if result.columns:
            self._notice(model, f"{LIMIT_REASONS[IngestStatus.TOO_MANY_COLUMNS]}; the others are not counted")

    def clock_ahead(self, model: ModelKey, by: int) -> None:
        """Notes items of a clock that is ahead by so many nanoseconds; they count at their time of receipt."""
        self._clocks_ahead[model] = max(by, self._clocks_ahead.get(model, 0))

    def made_way(self, model: ModelKey, rows: float) -> None:
        """Notes a model that was forgotten for a new one, with its rows."""
        self._notice(model, f"makes way for a new model, with its {rows:g} rows: its service has too many models")

    def reject(self, reason: str, items: int = 1) -> None:
        """Adds rejected items."""
        self._rejected[reason] += items

    def build(self) -> IngestReport:
        """The report on everything added so far."""
        for model, by in self._clocks_ahead.items():
            self._notice(model, f"a sender's clock is {by / SECOND:.0f} s ahead; using time of receipt")
        rejected = [Rejection(items, reason) for reason, items in self._rejected.items()]
        late = [Rejection(late.items, self._late_reason(model, late)) for model, late in self._late.items()]
        return IngestReport(
            counted=self._items[IngestStatus.COUNTED] + self._items[IngestStatus.BASELINE],
            duplicates=self._items[IngestStatus.DUPLICATE],
            late={model: late.rows for model, late in self._late.items()},
            rejections=(*rejected, *late),
            notices=tuple(self._notices),
        )

    def _late_reason(self, model: ModelKey, late: _Late) -> str:
        """A clock is blamed only where its rows were old when they came."""
        bound = max(self._lateness, self._retention)
        what = f"window.retention of {bound / SECOND:g} s" if self._retention else f"lateness of {bound / SECOND:g} s"
        slow = "did a queue hold them, or is a sender's clock slow?" if self._retention else "is a sender's clock slow?"
        why = slow if late.age > bound else "the clock of the newest is ahead"
        return (
            f"{describe_model(model)}: beyond the {'' if self._retention else 'allowed '}{what} "
            f"({late.behind / SECOND:.0f} s behind the newest); {why}"
        )

    def _notice(self, model: ModelKey, text: str) -> None:
        self._notices[f"{describe_model(model)}: {text}"] = None


def describe_model(model: ModelKey) -> str:
    """The model's name and version, quoted: both come from the sender."""
    return f"model {model.name!r} version {model.version!r}" if model.version else f"model {model.name!r}"
