"""What became of a batch: counted for the processor's own metrics, and in words for the sender and the operator."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from driftline.sketch.time_units import SECOND
from driftline_processor.engine.model_state import MAX_COLUMNS, MAX_KEYS, MAX_STREAMS, Fate, Taken
from driftline_processor.records import ModelKey, Rejection

FULL: Final[Mapping[Fate, str]] = {
    Fate.TOO_MANY_COLUMNS: f"more than {MAX_COLUMNS} columns",
    Fate.TOO_MANY_STREAMS: f"more than {MAX_STREAMS} streams at once",
    Fate.TOO_MANY_KEYS: f"more than {MAX_KEYS} spans and delta points within the lateness",
}
"""The bounds that reject an item."""


@dataclass(frozen=True, slots=True)
class Observed:
    """What became of the records of a batch.

    counted, duplicates, future, baseline: items, that is points and spans; those of a clock that is ahead, and those
    that only set a baseline, are among the counted. rows: of the models, counted. late: rows that were not, by model.
    """

    counted: int = 0
    duplicates: int = 0
    future: int = 0
    baseline: int = 0
    rows: float = 0.0
    late: Mapping[ModelKey, float] = field(default_factory=dict)
    rejections: tuple[Rejection, ...] = ()
    notices: tuple[str, ...] = ()


@dataclass(slots=True)
class _Late:
    """Late items of one model: the rows in them, and how far the worst was behind the newest, in nanoseconds."""

    items: int = 0
    rows: float = 0.0
    behind: int = 0


class Outcome:
    """Adds up what becomes of the records of one batch, and says it once for each model and reason."""

    def __init__(self, lateness: int) -> None:
        self._lateness = lateness
        self._fates: Counter[Fate] = Counter()
        self._rows = 0.0
        self._late: dict[ModelKey, _Late] = {}
        self._ahead: dict[ModelKey, int] = {}
        self._future = 0
        self._rejected: Counter[str] = Counter()
        self._notices: dict[str, None] = {}

    def add(self, model: ModelKey, taken: Taken, newest: int) -> None:
        """newest: the newest event time of the model."""
        self._fates[taken.fate] += taken.items
        if taken.fate is Fate.COUNTED:
            self._rows += taken.rows
        elif taken.fate is Fate.LATE:
            late = self._late.setdefault(model, _Late())
            late.items, late.rows = late.items + taken.items, late.rows + taken.rows
            late.behind = max(late.behind, newest - taken.time)
        elif taken.fate is Fate.BASELINE:
            self._notice(model, "a stream began more than an hour ago; only what follows counts")
        elif taken.fate in FULL:
            self.reject(f"{named(model)}: {FULL[taken.fate]}", taken.items)
        if taken.columns:
            self._notice(model, f"{FULL[Fate.TOO_MANY_COLUMNS]}; the others are not counted")

    def ahead(self, model: ModelKey, by: int, items: int = 1) -> None:
        """A clock is ahead by so many nanoseconds: the items are counted on arrival."""
        self._future += items
        self._ahead[model] = max(by, self._ahead.get(model, 0))

    def reject(self, reason: str, items: int = 1) -> None:
        self._rejected[reason] += items

    def observed(self) -> Observed:
        for model, by in self._ahead.items():
            self._notice(model, f"a sender's clock is {by / SECOND:.0f} s ahead; counted on arrival")
        rejected = [Rejection(items, reason) for reason, items in self._rejected.items()]
        late = [Rejection(late.items, self._lateness_of(model, late)) for model, late in self._late.items()]
        return Observed(
            counted=self._fates[Fate.COUNTED] + self._fates[Fate.BASELINE],
            duplicates=self._fates[Fate.DUPLICATE],
            future=self._future,
            baseline=self._fates[Fate.BASELINE],
            rows=self._rows,
            late={model: late.rows for model, late in self._late.items()},
            rejections=(*rejected, *late),
            notices=tuple(self._notices),
        )

    def _lateness_of(self, model: ModelKey, late: _Late) -> str:
        return (
            f"{named(model)}: later than the {self._lateness / SECOND:g} s that rows may be late "
            f"({late.behind / SECOND:.0f} s behind the newest); is a sender's clock slow?"
        )

    def _notice(self, model: ModelKey, text: str) -> None:
        self._notices[f"{named(model)}: {text}"] = None


def named(model: ModelKey) -> str:
    """The model in words."""
    return f"model {model.name!r} version {model.version!r}" if model.version else f"model {model.name!r}"
