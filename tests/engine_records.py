"""Records for the tests of the engine, as the decoder would make them."""

import hashlib
from collections.abc import Sequence

import numpy as np

from driftline.sketch import Histogram
from driftline.sketch.encoded import EncodedHistogram
from driftline_processor.engine.engine_settings import EngineSettings
from driftline_processor.records import (
    ColumnKey,
    CountPoint,
    ExampleRows,
    InputRecord,
    ModelKey,
    RowsPoint,
    SketchPoint,
    WindowResult,
)

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
START = 1_700_000_040 * SECOND  # a whole minute
CHURN = ModelKey("churn", "1")
AGE = ColumnKey("input", "age")
SETTINGS = EngineSettings(
    size=5 * MINUTE, step=MINUTE, lateness=MINUTE, tolerance=0.05, false_alarms=1, per=30 * 86_400 * SECOND
)


def digest(*parts: object) -> bytes:
    return hashlib.blake2b(repr(parts).encode(), digest_size=16).digest()


class Sender:
    """A process that serves a model: keeps cumulative counts, and tells them at any time."""

    def __init__(
        self,
        start: int = START,
        *,
        model: ModelKey = CHURN,
        operation: str = "predict",
        process: str = "a",
        cumulative: bool = True,
    ) -> None:
        self.start, self.model, self.operation, self.process = start, model, operation, process
        self.cumulative, self.last = cumulative, start
        self.rows = 0
        self.values: dict[str, Histogram] = {}
        self.categories: dict[tuple[str, str], float] = {}

    def predict(self, columns: dict[str, Sequence[float] | Sequence[str]]) -> "Sender":
        for name, values in columns.items():
            self.rows = self.rows if name != next(iter(columns)) else self.rows + len(values)
            if isinstance(values[0], str):
                for value in values:
                    self.categories[name, str(value)] = self.categories.get((name, str(value)), 0.0) + 1.0
            else:
                new = Histogram.of(np.asarray(values, float), 8, 320)
                self.values[name] = self.values.get(name, Histogram.empty(8)).merge(new)
        return self

    def tell(self, time: int) -> list[InputRecord]:
        start = self.start if self.cumulative else self.last
        common = {"model": self.model, "operation": self.operation, "start": start, "time": time}
        common["cumulative"] = self.cumulative
        who = (self.process, self.model, self.operation)
        records: list[InputRecord] = [
            RowsPoint(stream=digest("rows", *who), column=ColumnKey("", ""), count=float(self.rows), **common)
        ]
        for name, histogram in self.values.items():
            column = ColumnKey("input", name)
            records.append(
                SketchPoint(
                    stream=digest(name, *who), column=column, histogram=EncodedHistogram.of(histogram), **common
                )
            )
        for (name, category), count in self.categories.items():
            stream = digest(name, category, *who)
            column = ColumnKey("input", name)
            records.append(
                CountPoint(stream=stream, column=column, kind="category", value=category, count=count, **common)
            )
        if not self.cumulative:
            self.last, self.rows, self.values, self.categories = time, 0, {}, {}
        return records


def span(
    number: int, time: int, values: dict[str, float | str | None], weight: float = 1.0, model: ModelKey = CHURN
) -> ExampleRows:
    """One row, that no sketch has counted."""
    columns = {ColumnKey("input", name): (value,) for name, value in values.items()}
    return ExampleRows(model, "predict", (digest("span", number),), np.array([time]), np.array([weight]), 1, columns)


def column(result: WindowResult, name: str) -> float:
    """Rows that a window says of an input."""
    return sum(each.rows for each in result.columns if each.column == ColumnKey("input", name))
