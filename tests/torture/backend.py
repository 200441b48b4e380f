"""A backend that remembers what torture asks about, and forgets the rest: it runs for twenty minutes."""

import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from driftline import semconv
from otlp_sink import OtlpSink, ReceivedPoint, plain, points_of


class Event(NamedTuple):
    """An event of an alarm or incident, as often as it arrived."""

    name: str
    attributes: dict[str, Any]
    body: str

    @property
    def uid(self) -> str:
        """The same whenever it is told again."""
        return str(self.attributes[semconv.RECORD_UID])


class Result(NamedTuple):
    """A number that was exported. end: of its window, Unix nanoseconds."""

    metric: str
    attributes: dict[str, Any]
    value: float
    end: int


class Backend(OtlpSink):
    """Use it as a context manager. `refuse`: a status to answer with. `hangs`: whether it takes no request to its end.

    rows: what the processor says that it has counted, by model. internal: its other metrics of itself, by name and
    attributes. results: of windows. events: of alarms and incidents, in the order of their arrival.
    """

    def __init__(self) -> None:
        super().__init__()
        self.hangs = False
        self.rows: dict[str, float] = {}
        self.internal: dict[tuple[str, tuple[tuple[str, Any], ...]], float] = {}
        self.results: list[Result] = []
        self.events: list[Event] = []

    def __exit__(self, *_: object) -> None:
        self.hangs = False
        super().__exit__()

    def take(self, signal: str, request: Any) -> None:
        while self.hangs:
            time.sleep(0.05)
        super().take(signal, request)

    def keep(self, signal: str, request: Any) -> None:
        if signal == "metrics":
            for point in points_of(request):
                self._keep_point(point)
        elif signal == "logs":
            records = (r for each in request.resource_logs for scope in each.scope_logs for r in scope.log_records)
            self.events += [Event(r.event_name, plain(r.attributes), r.body.string_value) for r in records]

    def counted(self, sent: Mapping[str, int], within: float = 60.0) -> dict[str, float]:
        """The rows that are counted, by model: as soon as they are what was sent, else after `within` seconds."""
        with suppress(AssertionError):
            self.wait_for(lambda _: self.rows == sent, within)
        return dict(self.rows)

    def _keep_point(self, point: ReceivedPoint) -> None:
        name, attributes, value = point.metric.name, point.attributes, point.value
        if name == semconv.PROCESSOR_ROWS:
            if semconv.MODEL_NAME in attributes:  # beyond 2,000 names the SDK sums up the others without one
                self.rows[attributes[semconv.MODEL_NAME]] = value
        elif name.startswith(f"{semconv.SCOPE}."):
            self.internal[name, tuple(sorted(attributes.items()))] = value
        else:
            self.results.append(Result(name, attributes, value, point.point.time_unix_nano))
