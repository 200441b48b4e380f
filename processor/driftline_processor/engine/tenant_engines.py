"""One engine for each tenant, behind the methods of one: nothing that one tenant sends is seen by another's engine.

Their models, references, limits and alarms never meet. Keys of models name the tenant, so that what the engines say
and save can be put together, and told apart again.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain

from driftline_processor.engine.engine import Engine, OutcomeJudge
from driftline_processor.engine.engine_settings import EngineSettings
from driftline_processor.engine.ingest_report import IngestReport
from driftline_processor.engine.matching import Matching
from driftline_processor.engine.model_state import ModelStatus
from driftline_processor.engine.received_batches import ReceivedBatches
from driftline_processor.records import Batch, ModelKey, ModelRows, WindowResult


class TenantEngines:
    """The engines by tenant; that of senders who are nobody's in particular is "". Not thread-safe."""

    def __init__(self, engines: Mapping[str, Engine]) -> None:
        self._engines = dict(engines)
        self._used = dict.fromkeys(engines, 0.0)
        self._clock = 0.0

    @classmethod
    def of(
        cls, tenants: Iterable[str], settings: EngineSettings, outcomes: OutcomeJudge | None = None
    ) -> "TenantEngines":
        """New engines for these tenants, and for nobody in particular."""
        return cls({tenant: Engine(settings, outcomes=outcomes) for tenant in ("", *tenants)})

    def __getitem__(self, tenant: str) -> Engine:
        return self._engines[tenant]

    def __contains__(self, tenant: str) -> bool:
        return tenant in self._engines

    @property
    def tenants(self) -> Collection[str]:
        """Who there is; "" is nobody in particular."""
        return self._engines.keys()

    def observe(self, tenant: str, batch: Batch, received: int) -> IngestReport:
        """As `Engine.observe`, of all rows of a request of this tenant."""
        engine = self._engines[tenant]
        report = engine.observe(batch.records, received)
        engine.observe_sketched(batch.sketched, received)
        return report

    def take_batches(self, tenant: str) -> list[ModelRows]:
        """As `Engine.take_batches`, of this tenant."""
        return self._engines[tenant].take_batches()

    def advance(self, now: int, most: int) -> list[WindowResult]:
        """As `Engine.advance`. It begins with the tenant whose windows have cost the least: each has its share."""
        results: list[WindowResult] = []
        for tenant in sorted(self._engines, key=self._used.__getitem__):
            engine = self._engines[tenant]
            before = engine.cost
            results += engine.advance(now, most - len(results))
            if engine.cost > before:
                self._clock = max(self._clock, self._used[tenant])
                self._used[tenant] += engine.cost - before
            elif engine.caught_up:  # who had no windows gets no more for it later
                self._used[tenant] = max(self._used[tenant], self._clock)
        return results

    @property
    def caught_up(self) -> bool:
        """As of `Engine`."""
        return all(engine.caught_up for engine in self._engines.values())

    def resume(self, now: int) -> None:
        """As `Engine.resume`."""
        for engine in self._engines.values():
            engine.resume(now)

    def clock_set_forward(self, by: int) -> None:
        """As `Engine.clock_set_forward`."""
        for engine in self._engines.values():
            engine.clock_set_forward(by)

    @property
    def newest(self) -> int:
        """As `Engine.newest`."""
        return max(engine.newest for engine in self._engines.values())

    def repeat_alarms(self, now: int) -> list[WindowResult]:
        """As `Engine.repeat_alarms`."""
        return [result for engine in self._engines.values() for result in engine.repeat_alarms(now)]

    def notices(self) -> list[str]:
        """As `Engine.notices`, each with the tenant it is about."""
        return [
            f"tenant {tenant}: {notice}" if tenant else notice
            for tenant, engine in self._engines.items()
            for notice in engine.notices()
        ]

    def matching(self) -> dict[str, Matching]:
        """As `Engine.matching`, by tenant."""
        return {tenant: engine.matching() for tenant, engine in self._engines.items()}

    def statuses(self, most: int) -> dict[str, tuple[ModelStatus, ...]]:
        """As `Engine.statuses`, by tenant."""
        return {tenant: engine.statuses(most) for tenant, engine in self._engines.items()}

    def dumps(self, left_out: Collection[str] = ()) -> Iterator[tuple[ModelKey, bytes]]:
        """As `Engine.dumps`, of all tenants but some."""
        return chain.from_iterable(engine.dumps() for engine in self._others(left_out))

    def snapshot(self, left_out: Collection[str] = ()) -> dict[ModelKey, bytes | None]:
        """As `Engine.snapshot`, of all tenants but some."""
        return {key: state for engine in self._others(left_out) for key, state in engine.snapshot().items()}

    def _others(self, left_out: Collection[str]) -> list[Engine]:
        return [engine for tenant, engine in self._engines.items() if tenant not in left_out]

    def restore(self, tenant: str, states: Sequence[bytes], now: int) -> None:
        """As `Engine.restore`, of models of this tenant."""
        self._engines[tenant].restore(states, now)

    def batches(self) -> dict[ModelKey, ReceivedBatches]:
        """As `Engine.batches`."""
        return {key: held for engine in self._engines.values() for key, held in engine.batches().items()}

    def rows(self) -> dict[ModelKey, float]:
        """As `Engine.rows`."""
        return {key: rows for engine in self._engines.values() for key, rows in engine.rows().items()}
