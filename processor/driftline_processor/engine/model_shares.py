"""What each service has of the models and columns that there may be, and which model makes way for a new one.

A service may have as many as are left for all others: half of all, if it is alone. So it never takes the last place,
however many names it makes up.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final, TypeAlias

from driftline.semconv import SERVICE_NAME, SERVICE_NAMESPACE
from driftline_processor.engine.model_state import MAX_COLUMNS, ModelState
from driftline_processor.records import ModelKey

FEW_ROWS: Final = 100.0
"""A model with at most so many makes way for a new one, where there are too many: its name was made for one run."""

_MOST_SEARCHES: Final = 8
"""Services of a request of which models are looked for that make way: each costs some milliseconds."""

Service: TypeAlias = tuple[str, ...]


def service_of(model: ModelKey) -> Service:
    """Who serves a model: what it shares places with."""
    resource = dict(model.resource)
    return resource.get(SERVICE_NAMESPACE, ""), resource.get(SERVICE_NAME, "")


class ModelShares:
    """Counts the models and columns of each service."""

    def __init__(self, models: Mapping[ModelKey, ModelState], most_columns: int) -> None:
        """models: of the engine, as they are at any time. most_columns: of all models together."""
        self._of, self._most_columns = models, most_columns
        self._models: Counter[Service] = Counter()
        self._columns: Counter[Service] = Counter()
        self._widened: ModelState | None = None
        self._before = 0
        self._recounted = False
        self._places: dict[Service | None, Iterator[ModelKey]] = {}

    def count(self) -> None:
        """Counts anew: columns are forgotten with their panes."""
        self._models = Counter(map(service_of, self._of))
        self._columns = Counter()
        for key, model in self._of.items():
            self._columns[service_of(key)] += len(model.columns)

    def has_place(self, key: ModelKey, most: int) -> bool:
        """Whether there is a place for one more model, of at most so many."""
        free = most - len(self._of)
        return free > 0 and self._models[service_of(key)] <= free

    def reason(self, key: ModelKey, most: int) -> str:
        """Why there is no place for a model."""
        if len(self._of) >= most:
            return f"more than {most} models (got {key.name!r})"
        service, free = "/".join(filter(None, service_of(key))), most - len(self._of)
        return f"service {service!r}: more models than are left for all others, {free} of {most} (got {key.name!r})"

    def added(self, key: ModelKey) -> None:
        """Counts a new model."""
        self._models[service_of(key)] += 1

    def restored(self, model: ModelState) -> None:
        """Counts a model that has columns already."""
        self.added(model.key)
        self._columns[service_of(model.key)] += len(model.columns)

    def removed(self, model: ModelState) -> None:
        """Counts a model no more."""
        self.settle()
        self._models[service_of(model.key)] -= 1
        self._columns[service_of(model.key)] -= len(model.columns)

    def widen(self, model: ModelState) -> None:
        """Lets a model have more columns, as far as its service may, until another one is widened or all is settled."""
        self.settle()
        room = self._room(model)
        if room < MAX_COLUMNS and not self._recounted:
            self.count()
            self._recounted, room = True, self._room(model)
        model.most_columns = len(model.columns) + room
        self._widened, self._before = model, len(model.columns)

    def _room(self, model: ModelState) -> int:
        free = self._most_columns - self._columns.total()
        return max(free - self._columns[service_of(model.key)], 0) // 2

    def settle(self) -> None:
        """Counts the columns that have come since the last model was widened."""
        if self._widened is not None:
            self._columns[service_of(self._widened.key)] += len(self._widened.columns) - self._before
        self._widened = None

    def begin(self) -> None:
        """A new request: who makes way is found out anew, and how many columns there are where they get scarce."""
        self._places.clear()
        self._recounted = False

    def makes_way(self, key: ModelKey, time: int, most: int) -> ModelKey | None:
        """The model that makes way for a new one with a row at this time: that with the fewest rows, the oldest first.

        It is one of the same service while there are places left for others, else of the service with the most.
        """
        service = service_of(key) if len(self._of) < most else None
        if service not in self._places and len(self._places) < _MOST_SEARCHES:
            self._places[service] = self._candidates(service)
        for other in self._places.get(service, ()):
            if self._may_go(other, service) and self._of[other].panes.newest < time:
                return other
        return None

    def _may_go(self, key: ModelKey, service: Service | None) -> bool:
        model = self._of.get(key)
        few = model is not None and model.rows <= FEW_ROWS and not model.alarms
        return few and service in (None, service_of(key))

    def _candidates(self, service: Service | None) -> Iterator[ModelKey]:
        few = (key for key in self._of if self._may_go(key, service))

        def place(key: ModelKey) -> tuple[int, float, int]:
            return -self._models[service_of(key)], self._of[key].rows, self._of[key].panes.newest

        return iter(sorted(few, key=place))
