"""Whose windows are judged next: of the services that may have some, the one whose windows have cost the least.

So a service with thousands of models or columns makes its own results wait, not those of others. One that comes back
after a pause gets no more than the others for having been away (start-time fair queueing: Goyal, Vin, Cheng 1996).
"""

from collections import deque
from dataclasses import dataclass, field
from heapq import heappop, heappush, heapreplace
from typing import Final

from driftline_processor.engine.model_shares import Service, service_of
from driftline_processor.engine.model_state import ModelState
from driftline_processor.records import ModelKey

_WINDOW: Final = 25.0
"""What a window costs beside its columns: as much as so many of them."""


def cost(model: ModelState) -> float:
    """What a window of the model costs, in columns."""
    return _WINDOW + len(model.columns)


@dataclass(slots=True, eq=False)
class _Share:
    """A service. used: what its windows have cost. queued: whether it has a turn.

    waiting: its models that may have a window; seen: the others. Some of both may be gone.
    """

    used: float
    models: dict[ModelKey, ModelState] = field(default_factory=dict)
    waiting: deque[ModelState] = field(default_factory=deque)
    seen: list[ModelState] = field(default_factory=list)
    queued: bool = False


class Turns:
    """The models of an engine, by service."""

    def __init__(self) -> None:
        self._shares: dict[Service, _Share] = {}
        self._queue: list[tuple[float, int, _Share]] = []  # by what each had used when it was put there
        self._clock = 0.0
        self._begun = -1
        self._number = 0

    def added(self, model: ModelState) -> None:
        """A model that was not there."""
        share = self._shares.setdefault(service_of(model.key), _Share(self._clock))
        share.models[model.key] = model
        share.seen.append(model)

    def removed(self, model: ModelState) -> None:
        """A model that is there no more."""
        service = service_of(model.key)
        del self._shares[service].models[model.key]
        if not self._shares[service].models:
            del self._shares[service]

    def begin(self, now: int) -> None:
        """Lets all models wait, once for each time, until none waits any more."""
        if self._begun == now:
            return
        self._begun = now
        for share in self._shares.values():
            if not share.waiting:
                share.used = max(share.used, self._clock)
            share.waiting.extend(share.seen)
            share.seen.clear()
            self._enqueue(share)

    def next(self) -> ModelState | None:
        """The model whose turn it is to be looked at; None where none waits."""
        while self._queue:
            used, number, share = self._queue[0]
            if not share.waiting:
                heappop(self._queue)
                share.queued = False
            elif used < share.used:
                heapreplace(self._queue, (share.used, number, share))
            else:
                self._clock = used
                model = share.waiting.popleft()
                if share.models.get(model.key) is model:
                    share.seen.append(model)
                    return model
        self._begun = -1
        return None

    def had(self, model: ModelState) -> None:
        """The one that was looked at last had a window, and may have more."""
        share = self._shares[service_of(model.key)]
        share.used += cost(model)
        share.waiting.append(share.seen.pop())

    def _enqueue(self, share: _Share) -> None:
        if not share.queued:
            share.queued, self._number = True, self._number + 1
            heappush(self._queue, (share.used, self._number, share))
